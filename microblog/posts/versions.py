"""Every SQL statement about the versions of posts: the post has the latest one, and rows the earlier ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.ids import get_milliseconds, get_now, to_timestamp
from microblog.paging import Cursor, select_page
from microblog.posts.models import Post, PostVersion
from microblog.posts.queries import PostRow


@dataclass(frozen=True, slots=True)
class Text:
    """The text that a post has now."""

    body: str
    language: str | None
    version: int
    written: int  # milliseconds since 1970


def lock_own_text(session: orm.Session, post_id: int, author_id: int) -> Text | None:
    """The text of a post of this author, which nobody else changes before this transaction ends."""
    row = session.execute(
        sa.select(Post.body, Post.language, Post.version, Post.edited)
        .where(Post.id == post_id, Post.user_id == author_id)
        .with_for_update(key_share=True)
    ).one_or_none()
    if row is None:
        return None
    written = get_milliseconds(post_id) if row.edited is None else row.edited
    return Text(row.body, row.language, row.version, written)


def replace_text(session: orm.Session, post_id: int, before: Text, body: str, language: str | None) -> None:
    """Give a post whose text is locked another one, and keep the one that it had."""
    earlier = {"body": before.body, "language": before.language, "written": before.written}
    session.execute(sa.insert(PostVersion).values(post_id=post_id, number=before.version, **earlier))
    values = {"body": body, "language": language, "version": before.version + 1}
    # Its versions are in the order of their times, also when the clock was put back.
    edited = max(get_now(), before.written)
    session.execute(sa.update(Post).where(Post.id == post_id).values(**values, edited=edited))


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as its page shows it. `before` is the text of the one before; None of the first one."""

    number: int
    body: str
    language: str | None
    written: datetime
    before: str | None = None


def list_versions(session: orm.Session, post: PostRow, cursor: Cursor, limit: int) -> list[VersionRow]:
    """The versions of a post, the newest first, of which its own text is one."""
    columns = (PostVersion.number, PostVersion.body, PostVersion.language, PostVersion.written)
    earlier = sa.select(*columns).where(PostVersion.post_id == post.id)
    page = select_page(earlier, PostVersion.number, cursor, limit + 1)
    rows = [
        VersionRow(row.number, row.body, row.language, to_timestamp(row.written))
        for row in session.execute(page)
    ]
    if cursor.before is None or cursor.before > post.version:
        rows.insert(0, VersionRow(post.version, post.body, post.language, post.edited or post.created))
    compared = [replace(row, before=older.body) for row, older in pairwise(rows)]
    return [*compared, *rows[-1:]][:limit]
