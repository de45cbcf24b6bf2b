"""Globals and filters of all templates: each room adds its own.

`config.add_template_global("avatar", function)`: in templates, `avatar` is the value of `function(request)`.
`config.add_template_filter("post_text", function)`: a filter of that name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from markupsafe import escape
from pyramid.events import BeforeRender

from microblog.request import Request
from microblog.web.flash import ACCEPTED, Message, pop_flash_messages


class LazyToken:
    """The CSRF token, made only if the page has a form, as it sets a cookie for visitors."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __str__(self) -> str:
        return str(self._request.csrf_token)

    def __html__(self) -> str:
        return str(escape(str(self)))


class PageMessages(NamedTuple):
    """The messages of a page, and the keys of forms that were accepted, for its script."""

    shown: list[Message]
    accepted: list[str]


def take_messages(request: Request) -> PageMessages:
    """The messages to show on this page; they are gone on the next."""
    messages = pop_flash_messages(request)
    kept = vars(request).get("kept_form")  # only if the page has loaded it for a form
    if kept is not None:
        messages.append(Message(kept.kind, kept.notice))
    if messages:
        request.may_be_compressed = False  # they may say what only the reader may know
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
    """Directive: the name stands for `function(request)` in templates. Every page calls it."""
    config.action(
        ("template global", name),
        lambda: config.registry.template_globals.__setitem__(name, function),
    )


def add_template_filter(config: Any, name: str, function: Callable[..., Any]) -> None:
    """Directive: a filter of templates."""
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
