"""Posts that nobody sees until somebody has looked at them: rooms say which, by `config.add_post_check`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import orm

from microblog.events import notify
from microblog.i18n import _
from microblog.posts.events import PostPublished
from microblog.request import Request

# `check(request, body)` says why a post of the reader with this text is held, for moderators; None if not.
PostCheck = Callable[[Request, str], str | None]
HELD = 3  # `Post.hidden`


@dataclass(frozen=True, slots=True)
class Held:
    """A post is published only when a moderator has looked at it. `reason` is for them."""

    reason: str


WAITS = _("A moderator looks at your post first. Nobody sees it until then.")


def find_hold(request: Request, body: str) -> Held | None:
    """By the first room that holds the post; None when none does."""
    found = (check(request, body) for check in request.registry.post_checks)
    return next((Held(reason) for reason in found if reason is not None), None)


def publish_held(session: orm.Session, post_id: int, author_id: int, reply_to: int | None) -> None:
    """Say that a post is published that was held, and is shown now."""
    notify(PostPublished(session=session, post_id=post_id, author_id=author_id, reply_to=reply_to))


def add_post_check(config: Any, check: PostCheck) -> None:
    """Directive: `check(request, body)` says why a post is held, or returns None."""
    config.action(("post check", check), lambda: config.registry.post_checks.append(check))


def includeme(config: Any) -> None:
    config.registry.post_checks = []
    config.add_directive("add_post_check", add_post_check)
