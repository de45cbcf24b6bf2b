"""Flash messages: shown on the next page, and kept in a signed cookie, so that they need no write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from microblog.request import Request
from microblog.security.cookies import delete_cookie, get_cookie_name, set_cookie
from microblog.security.settings import SECRET

COOKIE = "flash"
ACCEPTED = "accepted"  # the kind of a message that is not shown: the key of a form, for the script
MOST_MESSAGES = 5
MOST_CHARACTERS = 300  # five of them fit in a cookie


@dataclass(frozen=True)
class Message:
    """`kind` is "success", "info" or "error", and `text` a sentence; see also `ACCEPTED`."""

    kind: str
    text: str


def make_serializer(request: Request) -> URLSafeSerializer:
    return URLSafeSerializer(request.microblog[SECRET], salt="flash")


def flash(request: Request, text: str, kind: str = "success") -> None:
    """Show this message on the next page, in the language of this one."""
    replace_new_messages(
        request, [*list_new_messages(request), (kind, request.translate(text)[:MOST_CHARACTERS])]
    )


def list_new_messages(request: Request) -> list[tuple[str, str]]:
    """(kind, text) of each message that this request has added so far."""
    return list(request.new_messages or ())


def replace_new_messages(request: Request, messages: Sequence[tuple[str, str]]) -> None:
    """Show these messages instead of those that this request has added so far."""
    if request.new_messages is None:
        request.add_response_callback(store_messages)
    request.new_messages = list(messages)


def store_messages(request: Request, response: Any) -> None:
    earlier = [(message.kind, message.text) for message in read_messages(request)]
    messages = [*earlier, *list_new_messages(request)][-MOST_MESSAGES:]
    set_cookie(request, response, COOKIE, make_serializer(request).dumps(messages))


def read_messages(request: Request) -> list[Message]:
    """The messages of the previous request. A forged or broken cookie is ignored."""
    value = request.cookies.get(get_cookie_name(request, COOKIE))
    if not value:
        return []
    try:
        return [Message(kind, text) for kind, text in make_serializer(request).loads(value)]
    except BadSignature:
        return []


def pop_flash_messages(request: Request) -> list[Message]:
    """The messages to show on this page; they are gone on the next."""
    messages = read_messages(request)
    if messages:
        request.add_response_callback(
            lambda request, response: (
                delete_cookie(request, response, COOKIE) if request.new_messages is None else None
            )
        )
    return messages


def includeme(config: Any) -> None:
    config.add_request_method(flash)
