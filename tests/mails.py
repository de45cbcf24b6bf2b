"""Values of each kind of mail of the application, for those who build all of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from microblog.accounts.browsers import describe_browser
from microblog.notifications.digests.actions import Line
from microblog.notifications.queries import Actor, NotificationRow

TOKEN = "x" * 43
JOHN = {"nickname": "john", "display_name": "John"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
MAILS: dict[str, dict[str, Any]] = {
    "sign_up": {"token": TOKEN, "nickname": "susan"},
    "taken": {"nickname": "susan"},
    "confirm": {"token": TOKEN},
    "reset": {"token": TOKEN, "nickname": "susan"},
    "new_address": {"token": TOKEN, "nickname": "susan"},
    "address_taken": {"nickname": "susan"},
    "address_changed": {"token": TOKEN},
    "registration": {},
    "approved": {"nickname": "susan"},
    "refused": {"nickname": "susan"},
    "new_browser": {
        "browser": describe_browser(FIREFOX),
        "address": "192.0.2.0/24",
        "when": "2026-11-27 00:40 UTC",
    },
    "follow": JOHN,
    "mention": {**JOHN, "body": "Hello", "post_id": 7},
    "answer": {**JOHN, "body": "Hello", "post_id": 7},
    "message": JOHN,
    "moderation": {"action": "suspend", "said": "No advertising.", "count": 0},
    "report": {"nickname": "john", "is_about": "post", "decision": "The post was deleted."},
    "digest": {"lines": [], "number": 1, "more": 0, "is_all_counted": True},
}


def make_line(kind: str, who: dict[str, str], *, count: int = 1, body: str = "", stands_for: int = 1) -> Line:
    """A line of a digest."""
    post = SimpleNamespace(body=body, language=None) if body else None
    actor = Actor(1, who["nickname"], who["display_name"], None, None)
    row = NotificationRow(1, kind, 1, 7, 1, is_unread=True, newest=1, count=count, actor=actor, post=post)  # type: ignore[arg-type]
    room = "messages" if kind == "message" else "notifications"
    name = "notification" if kind == "message" else kind
    template = f"microblog.{room}:templates/{name}.jinja2"
    return Line(row, template, "https://blog.example.org/posts/7", stands_for)


# The same with the longest names, without a place to break a line, and with names and texts from right to
# left, which stand in a mail of any direction.
WIDE = {"nickname": "W" * 30, "display_name": "W" * 60}
ARABIC = {"nickname": "layla_1", "display_name": "ليلى (من بيروت)"}
HARD_MAILS: dict[str, tuple[str, dict[str, Any]]] = {
    "reset-wide": ("reset", {"token": TOKEN, **WIDE}),
    "new_browser-wide": (
        "new_browser",
        {
            "browser": describe_browser("x" * 300),
            "address": "2001:db8:aaaa::/48",
            "when": "2026-11-27 00:40 UTC",
        },
    ),
    "follow-wide": ("follow", WIDE),
    "follow-arabic": ("follow", ARABIC),
    "mention-wide": ("mention", {**WIDE, "body": "W" * 280, "post_id": 7}),
    "mention-arabic": (
        "mention",
        {**ARABIC, "body": "مرحبا @susan! هل قرأت https://example.org/a?b=c اليوم؟", "post_id": 7},
    ),
    "answer-lines": ("answer", {**JOHN, "body": "One\n\nTwo <b>three</b>\n" * 5, "post_id": 7}),
    "message-arabic": ("message", ARABIC),
    "digest-lines": (
        "digest",
        {
            "lines": [
                make_line("mention", JOHN, body="Hello @susan, have you read this?"),
                make_line("like", ARABIC, count=13, body="مرحبا @susan! هل قرأت هذا؟"),
                make_line("like", WIDE, count=101, body="W" * 280),
                make_line("follow", JOHN, count=2),
                make_line("message", ARABIC, stands_for=3),
            ],
            "number": 25,
            "more": 5,
            "is_all_counted": True,
        },
    ),
}
