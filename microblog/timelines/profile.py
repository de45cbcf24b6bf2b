"""The posts of one person, and what they boosted: every SQL statement about these lists."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.paging import PAGES_LOOKED_THROUGH, Cursor, Found
from microblog.people.visibility import is_blocked, is_unseen
from microblog.posts.models import Post
from microblog.posts.queries import PostRow, get_parameter, is_published
from microblog.timelines.entries import Source, build_entries, compile_statement, list_entries

BOOSTS = Source(
    table="boosts", index="ix_boosts_user_id_id", post="post_id", booster="x.user_id", of="person"
)
WITH_REPLIES = Source(table="posts", index="ix_posts_user_id_id", of="person")
WITHOUT_REPLIES = Source(table="posts", index="ix_posts_user_id_id", of="person", only="x.reply_to IS NULL")


@lru_cache(maxsize=16)
def build_statement(dialect: str, *, after: bool, with_replies: bool, is_visitor: bool) -> Any:
    """See `microblog.timelines.entries.compile_statement`."""
    reader = get_parameter(None if is_visitor else 1)
    posts = WITH_REPLIES if with_replies else WITHOUT_REPLIES
    entries = build_entries(dialect, (posts, BOOSTS), after=after)

    def hides(person_id: Any) -> sa.ColumnElement[bool]:
        """Nobody comes here without wanting to read this person; whom they boost is another matter."""
        is_boost = entries.c.booster_id.is_not(None)
        return sa.case((is_boost, is_unseen(reader, person_id)), else_=is_blocked(reader, person_id))

    is_shown = sa.and_(is_published(reader), sa.not_(hides(Post.user_id)))
    return compile_statement(dialect, entries, is_shown, hides, after=after)


def list_profile_posts(
    session: orm.Session,
    reader_id: int | None,
    user_id: int,
    cursor: Cursor,
    limit: int,
    *,
    with_replies: bool,
) -> Found[PostRow]:
    """The posts of one person, with or without their replies to others and to themselves, and their boosts.

    Also of somebody whom the reader has muted: nobody comes here without wanting to.
    """
    build = partial(build_statement, with_replies=with_replies, is_visitor=reader_id is None)
    parameters = {"reader": reader_id, "person": user_id}
    return list_entries(session, build, parameters, cursor, limit, pages=PAGES_LOOKED_THROUGH)
