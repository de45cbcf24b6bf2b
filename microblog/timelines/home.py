"""The home timeline, computed on read: every SQL statement about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.paging import Cursor, Found
from microblog.people.models import Follow
from microblog.people.visibility import is_unseen
from microblog.posts.models import Post
from microblog.posts.queries import READER, Answered, PostRow, is_published
from microblog.timelines.entries import Source, build_entries, compile_statement, list_entries

PAGES_LOOKED_THROUGH = (2, 10)  # since replies to strangers are left out
SOURCES = (
    Source(
        table="posts",
        index="ix_posts_user_id_id",
        **(FOLLOWS := {"owners": "follows", "owned": "followee_id", "reader": "follower_id"}),
    ),
    Source(
        table="boosts",
        index="ix_boosts_user_id_id",
        post="post_id",
        booster="x.user_id",
        **FOLLOWS,
    ),
    Source(
        table="post_tags",
        owner="tag",
        id="post_id",
        post="post_id",
        owners="followed_tags",
        owned="tag",
        reader="user_id",
    ),
    Source(table="posts", index="ix_posts_user_id_id"),
)


@lru_cache(maxsize=4)
def build_statement(dialect: str, *, after: bool) -> Any:
    """See `microblog.timelines.entries.compile_statement`."""
    entries = build_entries(dialect, SOURCES, after=after)
    author_is_seen = sa.and_(is_published(READER), sa.not_(is_unseen(READER, Post.user_id)))
    is_shown = sa.and_(author_is_seen, is_for_reader(entries))
    return compile_statement(dialect, entries, is_shown, partial(is_unseen, READER), after=after)


def is_for_reader(entries: Any) -> sa.ColumnElement[bool]:
    """A column: a reply is for those who follow both people, and see them, or are one of them. A boost is for
    those who see who boosted it.
    """
    follows_both = sa.exists().where(Follow.follower_id == READER, Follow.followee_id == Answered.id)
    is_boost = entries.c.booster_id.is_not(None)
    return sa.case(
        (is_boost, sa.not_(is_unseen(READER, entries.c.booster_id))),
        else_=sa.or_(
            *(Post.reply_to.is_(None), Post.user_id == READER, Post.reply_to_author == READER),
            sa.and_(follows_both, sa.not_(Answered.is_gone)),
        ),
    )


def list_home_posts(
    session: orm.Session,
    reader_id: int,
    cursor: Cursor,
    limit: int,
    *,
    is_left_out: Callable[[PostRow], bool] | None = None,
    pages: Sequence[int] = PAGES_LOOKED_THROUGH,
) -> Found[PostRow]:
    """The reader's own posts, those of the people they follow, and what these boosted, each post once.

    Replies to people whom they do not follow are left out, and what `is_left_out` says: see `list_entries`.
    """
    return list_entries(
        session, build_statement, {"reader": reader_id}, cursor, limit, is_left_out=is_left_out, pages=pages
    )
