"""A post that nobody sees until a moderator has looked at it; which ones is said in `holding.py`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import orm

from microblog.events import notify
from microblog.posts.events import PostPublished

HELD = 3  # `Post.hidden`


@dataclass(frozen=True, slots=True)
class Held:
    """A post is published only when a moderator has looked at it. `reason` is for them."""

    reason: str


def publish_held(session: orm.Session, post_id: int, author_id: int, reply_to: int | None) -> None:
    """Say that a post is published that was held, and is shown now."""
    notify(PostPublished(session=session, post_id=post_id, author_id=author_id, reply_to=reply_to))
