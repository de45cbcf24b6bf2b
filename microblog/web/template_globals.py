"""What every template knows besides the values of its view: each room adds what it has.

`config.add_template_global("avatar", function)`: templates know as `avatar` what the function makes of the
request. `config.add_template_filter("post_text", function)`: a filter of that name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from markupsafe import escape
from pyramid.events import BeforeRender

from microblog.request import Request
from microblog.web.flash import ACCEPTED, Message, pop_flash_messages


class LazyToken:
    """The CSRF token, made only if the page has a form: a visitor's comes with a cookie."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __str__(self) -> str:
        return str(self._request.csrf_token)

    def __html__(self) -> str:
        return str(escape(str(self)))


class PageMessages(NamedTuple):
    """What the page says: messages, and the keys of the forms that were accepted, which its script reads."""

    shown: list[Message]
    accepted: list[str]


def take_messages(request: Request) -> PageMessages:
    """The messages to show on this page; they are gone on the next."""
    messages = pop_flash_messages(request)
    kept = vars(request).get("kept_form")  # when the page has a form that is filled with it
    if kept is not None:
        messages.append(Message(kept.kind, kept.notice))
    return PageMessages(
        [message for message in messages if message.kind != ACCEPTED],
        [message.text for message in messages if message.kind == ACCEPTED],
    )


def add_globals(event: Any) -> None:
    request = event.get("request")
    if request is None:
        return
    for name, function in request.registry.template_globals.items():
        event[name] = function(request)
    event.setdefault("page_name", "")


def add_template_global(config: Any, name: str, function: Callable[[Request], Any]) -> None:
    """Directive: templates know `function(request)` by this name. Each page calls it."""
    config.action(
        ("template global", name),
        lambda: config.registry.template_globals.__setitem__(name, function),
    )


def add_template_filter(config: Any, name: str, function: Callable[..., Any]) -> None:
    """Directive: templates know this filter by its name."""
    config.action(
        ("template filter", name),
        lambda: config.get_jinja2_environment().filters.__setitem__(name, function),
    )


def includeme(config: Any) -> None:
    config.registry.template_globals = {}
    config.add_directive("add_template_global", add_template_global)
    config.add_directive("add_template_filter", add_template_filter)
    config.add_subscriber(add_globals, BeforeRender)
    config.add_template_global("me", lambda request: request.identity)
    config.add_template_global("link", lambda request: request.link)
    config.add_template_global("here", lambda request: request.here)
    config.add_template_global("csrf_token", LazyToken)
    config.add_template_global("page_messages", take_messages)
