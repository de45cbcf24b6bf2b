"""Every SQL statement about timelines: lists of posts, the newest first."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.departure_queries import select_gone, select_limited
from microblog.accounts.models import User
from microblog.ids import get_present
from microblog.paging import Cursor, Found, select_page
from microblog.people.queries import IS_LISTED, PersonRow, is_followed_by, select_people
from microblog.people.visibility import is_unseen
from microblog.posts.models import Mention, Post
from microblog.posts.queries import (
    PostRow,
    get_parameter,
    is_published,
    list_posts,
    list_spellings,
    read_rows,
    select_posts,
)
from microblog.tags.models import PostTag


def list_public_posts(
    session: orm.Session, reader_id: int | None, cursor: Cursor, limit: int, *, language: str | None = None
) -> Found[PostRow]:
    """Everybody's posts, or those in one language; see `select_page` for the order."""

    def build(candidates: int) -> Any:
        # What is not published yet would be left out anyway, but after more candidates were read.
        query = select_posts(reader_id, public=True).where(is_published(get_parameter(reader_id)))
        if language is None:
            return query
        return query.where(build_language_filter(session, reader_id, language, cursor, candidates))

    return list_posts(session, reader_id, build, cursor, limit)


def build_language_filter(
    session: orm.Session, reader_id: int | None, language: str, cursor: Cursor, limit: int
) -> Any:
    """The posts in a language, with or without a region (`pt`, `pt-br`), in lower case.

    Of one spelling the index gives the page. Of several, the nearest of each are all that can be on it.
    """
    spellings = list_spellings(session, language)
    if len(spellings) <= 1:
        return Post.language == (spellings[0] if spellings else language)
    published = sa.select(Post.id).where(is_published(get_parameter(reader_id)))
    nearest = (
        select_page(published.where(Post.language == spelling), Post.id, cursor, limit).subquery()
        for spelling in spellings
    )
    return Post.id.in_(sa.union_all(*(sa.select(ids.c.id) for ids in nearest)))


def list_posts_that_mention(session: orm.Session, user_id: int, cursor: Cursor, limit: int) -> Found[PostRow]:
    """The posts that mention this person, as they see them."""
    mentions = sa.select(Mention.post_id).where(Mention.user_id == user_id)
    return list_listed_posts(session, user_id, mentions, Mention.post_id, cursor, limit)


def list_tagged_posts(
    session: orm.Session, reader_id: int | None, tag: str, cursor: Cursor, limit: int
) -> Found[PostRow]:
    """The posts that have a tag, by its normal form."""
    tagged = sa.select(PostTag.post_id).where(PostTag.tag == tag)

    def build(candidates: int) -> Any:
        page = select_page(tagged, PostTag.post_id, cursor, candidates)
        return select_listed(page, reader_id, public=True)

    return list_posts(session, reader_id, build, cursor, limit)


def select_listed(page: Any, reader_id: int | None, *, public: bool = False) -> Any:
    """The posts of a page of ids; for `public` see `select_posts`."""
    return select_posts(reader_id, public=public).where(Post.id.in_(sa.select(page.subquery().c[0])))


def list_listed_posts(
    session: orm.Session,
    reader_id: int | None,
    listed: Any,
    column: Any,
    cursor: Cursor,
    limit: int,
    *,
    oldest_first: bool = False,
) -> Found[PostRow]:
    """The posts whose ids `listed` selects, of which an index gives the page by `column`."""

    def build(candidates: int) -> Any:
        page = select_page(listed, column, cursor, candidates, smallest_first=oldest_first)
        return select_listed(page, reader_id)

    return list_posts(session, reader_id, build, cursor, limit, oldest_first=oldest_first)


def list_replies(
    session: orm.Session, reader_id: int | None, post_id: int, cursor: Cursor, limit: int
) -> Found[PostRow]:
    """The direct replies to a post, also to one that was deleted, the oldest first; see `select_page`."""
    replies = sa.select(Post.id).where(Post.reply_to == post_id)
    return list_listed_posts(session, reader_id, replies, Post.id, cursor, limit, oldest_first=True)


def count_newer_posts(session: orm.Session, reader_id: int | None, after: int, own: int, limit: int) -> int:
    """How many of everybody's posts are newer than this id, up to `limit`, that the reader sees.

    Without their own up to the id `own`, which they see before these are published.
    """
    reader = get_parameter(reader_id)
    is_public: Any = Post.user_id.not_in(select_limited())
    if reader is not None:
        is_public = sa.or_(Post.user_id == reader, is_public)
    is_there = sa.and_(is_published(reader), Post.user_id.not_in(select_gone()), is_public)
    is_shown = sa.and_(is_there, sa.not_(is_unseen(reader, Post.user_id)))
    if reader is not None:
        is_shown = sa.and_(is_shown, sa.or_(Post.user_id != reader, Post.id > own))
    # In an order, or PostgreSQL reads all posts where the statistics promise that many are newer.
    newer = sa.select(is_shown.label("is_shown")).where(Post.id > after).order_by(Post.id.desc())
    newest = newer.limit(limit).subquery()
    return read_rows(session, sa.select(sa.func.count()).where(newest.c.is_shown), reader_id).scalar() or 0


NEWEST_LOOKED_AT = 200  # posts, among whose authors are people to follow


def list_suggested_people(session: orm.Session, reader_id: int, limit: int) -> list[PersonRow]:
    """People whom somebody may like to follow: authors of the newest posts, most followed first."""
    published = sa.select(Post.user_id).where(Post.id < get_present()).order_by(Post.id.desc())
    newest = published.limit(NEWEST_LOOKED_AT).subquery()
    query = select_people(reader_id).where(
        User.id.in_(sa.select(newest.c.user_id)),
        User.id != reader_id,
        IS_LISTED,
        ~is_followed_by(reader_id),
        ~is_unseen(reader_id, User.id),
    )
    query = query.order_by(User.followers_count.desc(), User.id.desc()).limit(limit)
    return [PersonRow(*row) for row in session.execute(query)]


def save_filters(session: orm.Session, user_id: int, words: str, *, only_read_languages: bool) -> None:
    """Keep the muted words, one on a line, and whether posts in other languages are left out at home."""
    values = {"muted_words": words, "only_read_languages": only_read_languages}
    session.execute(sa.update(User).where(User.id == user_id).values(**values))
