"""Flash messages: said on the next page, kept in a signed cookie, so that nothing is written for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from microblog.request import Request
from microblog.security.cookies import cookie_name, delete_cookie, set_cookie
from microblog.security.settings import SECRET

COOKIE = "flash"
ACCEPTED = "accepted"  # the kind of what is not said to people: the key of a form, for the script
MOST_MESSAGES = 5
MOST_CHARACTERS = 300  # five of them fit in a cookie


@dataclass(frozen=True)
class Message:
    """`kind` is "success", "info" or "error", and `text` a sentence; see also `ACCEPTED`."""

    kind: str
    text: str


def serializer(request: Request) -> URLSafeSerializer:
    return URLSafeSerializer(request.microblog[SECRET], salt="flash")


def flash(request: Request, text: str, kind: str = "success") -> None:
    """Say this on the page that follows."""
    say_only(request, [*said(request), (kind, text[:MOST_CHARACTERS])])


def said(request: Request) -> list[tuple[str, str]]:
    """The (kind, text) of what this request has said so far."""
    return list(request.said or ())


def say_only(request: Request, messages: Sequence[tuple[str, str]]) -> None:
    """Say these, and nothing else that this request has said so far."""
    if request.said is None:
        request.add_response_callback(keep)
    request.said = list(messages)


def keep(request: Request, response: Any) -> None:
    earlier = [(message.kind, message.text) for message in received(request)]
    messages = [*earlier, *said(request)][-MOST_MESSAGES:]
    set_cookie(request, response, COOKIE, serializer(request).dumps(messages))


def received(request: Request) -> list[Message]:
    """What the request before this one said. A forged or broken cookie says nothing."""
    value = request.cookies.get(cookie_name(request, COOKIE))
    if not value:
        return []
    try:
        return [Message(kind, text) for kind, text in serializer(request).loads(value)]
    except BadSignature:
        return []


def pop_flash_messages(request: Request) -> list[Message]:
    """The messages to show on this page; they are gone on the next."""
    messages = received(request)
    if messages:
        request.add_response_callback(
            lambda request, response: (
                delete_cookie(request, response, COOKIE) if request.said is None else None
            )
        )
    return messages


def includeme(config: Any) -> None:
    config.add_request_method(flash)
