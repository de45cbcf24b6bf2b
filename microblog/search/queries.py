"""SQL of the search that belongs to no single adapter."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.outbox.models import Entry
from microblog.posts.models import Post

NEWEST_OF_AN_AUTHOR = 50


def waiting_posts(session: orm.Session, kind: str, author_id: int) -> list[int]:
    """Among an author's newest posts, those that an outbox entry still speaks of, the newest first."""
    newest = (
        sa.select(Post.id)
        .where(Post.user_id == author_id)
        .order_by(Post.id.desc())
        .limit(NEWEST_OF_AN_AUTHOR)
        .subquery()
    )
    waits = (
        sa.select(sa.literal(1))
        .where(Entry.kind == kind, Entry.key == sa.cast(newest.c.id, sa.String))
        .exists()
    )
    return list(session.scalars(sa.select(newest.c.id).where(waits).order_by(newest.c.id.desc())))
