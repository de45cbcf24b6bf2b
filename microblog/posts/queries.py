"""Every SQL statement about posts. Lists are read as rows, which cost a tenth of entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql, sqlite

from microblog.accounts.models import User
from microblog.db import StaleData, build_insert, require_changed
from microblog.ids import get_present, get_timestamp, new_id, new_id_at_milliseconds, to_timestamp
from microblog.media.shown import ShownPictures, load
from microblog.paging import Cursor, Found, look_through, select_page
from microblog.people.queries import IS_INDEXED, is_found_by
from microblog.people.visibility import is_blocked, is_there, is_unseen
from microblog.posts.models import DeletedPost, Post


@dataclass(frozen=True, slots=True)
class PostRow:
    """A post as pages show it."""

    id: int
    body: str
    language: str | None
    author_id: int
    author: str
    author_email: str | None
    author_display_name: str
    reply_to: int | None
    answered: str | None  # the nickname of whom it answers; None also when they are gone or not seen
    replies_count: int
    likes_count: int
    boosts_count: int
    version: int  # of its text; the first is 1
    edited_at: int | None  # milliseconds since 1970
    pictures_text: str | None  # see `pictures`
    author_avatar: str | None  # the name of their picture
    is_shown: bool = True  # to this reader: lists leave out what is not
    # At home: the id of the boost, or of the post, and who boosted it.
    entry_id: int = 0
    booster: str | None = None
    booster_display_name: str | None = None
    is_indexed: bool = True  # may search engines have it? Known on its page

    @property
    def position(self) -> int:
        """The id by which it stands in a list."""
        return self.entry_id or self.id

    @property
    def pictures(self) -> ShownPictures:
        return load(self.pictures_text)

    @property
    def edited(self) -> datetime | None:
        """When it got the text that it has now; None when that is the first one."""
        return None if self.edited_at is None else to_timestamp(self.edited_at)

    @property
    def is_published(self) -> bool:
        """Do others see it by now?"""
        return self.id < get_present()

    @property
    def created(self) -> datetime:
        return get_timestamp(self.id)


Answered = orm.aliased(User)
COLUMNS = (
    *(Post.id, Post.body, Post.language, Post.user_id),
    *(User.nickname, User.email, User.display_name),
    # By CASE: for a condition of the join SQLite would read all people, into a Bloom filter.
    *(Post.reply_to, sa.case((sa.not_(Answered.is_gone), Answered.nickname)).label("answered")),
    Post.replies_count,
    *(Post.likes_count, Post.boosts_count),
    *(Post.version, Post.edited),
    *(Post.pictures, User.avatar),
)


# Of the statements about posts as a reader sees them, which are run by `read_rows`.
READER, PRESENT = (sa.bindparam(name, type_=sa.BigInteger) for name in ("reader", "present"))


def get_parameter(reader_id: int | None) -> Any:
    """`READER`, or None for a visitor, of whom nothing is asked."""
    return None if reader_id is None else READER


def select_posts(reader_id: int | None, *, with_muted: bool = False, public: bool = False) -> Any:
    """A query for the columns of `PostRow`, as this reader sees it; None is a visitor. Run it by `read_rows`.

    `is_shown` says whether it is published, and whether its author is there and seen by them
    (`microblog/people/visibility.py`). It is no condition, since a database might read a million posts before
    it finds a page of others: see `list_posts`. In a `public` list it says so of nobody whom moderators have
    taken out of such lists, but to themselves.
    """
    return build_query(get_parameter(reader_id), with_muted=with_muted, public=public)


@lru_cache(maxsize=8)
def build_query(reader: Any, *, with_muted: bool, public: bool = False) -> Any:
    """Built once: that takes longer than to read a page."""
    hides = is_blocked if with_muted else is_unseen
    author_is_seen = sa.and_(sa.not_(User.is_gone), sa.not_(hides(reader, Post.user_id)))
    is_shown = sa.and_(is_published(reader), author_is_seen)
    if public:
        is_public = sa.not_(User.is_limited)
        is_shown = sa.and_(is_shown, is_public if reader is None else sa.or_(is_public, User.id == reader))
    query = sa.select(*COLUMNS, is_shown.label("is_shown")).join(User, User.id == Post.user_id)
    is_seen = sa.not_(hides(reader, Answered.id))
    return query.outerjoin(Answered, sa.and_(Answered.id == Post.reply_to_author, is_seen))


def read_rows(session: orm.Session, query: Any, reader_id: int | None) -> Any:
    """The rows of a query that is made by `select_posts`, or that has `is_published`."""
    return session.execute(query, {"reader": reader_id, "present": get_present()})


def is_published(reader: Any) -> sa.ColumnElement[bool]:
    """A column or condition: is it published by now, or the reader's own? `reader` is `READER`, or None. One
    that moderators have hidden is nobody's.

    Until its publication a post has an id of the future (docs/adr/0047). By CASE, for which no database uses
    an index: that would be in the place of a better one.
    """
    is_own = sa.false() if reader is None else Post.user_id == reader
    return sa.case((Post.hidden.is_not(None), sa.false()), (Post.id < PRESENT, sa.true()), else_=is_own)


def is_hidden(post_id: Any) -> sa.ColumnElement[bool]:
    """A column: have moderators hidden this post? For rows that name it and do not join it."""
    hidden = sa.select(sa.literal_column("1", sa.Integer)).where(Post.id == post_id, Post.hidden.is_not(None))
    return is_there(hidden.correlate_except(Post))


def list_posts(
    session: orm.Session,
    reader_id: int | None,
    build: Callable[[int], Any],
    cursor: Cursor,
    limit: int,
    *,
    oldest_first: bool = False,
) -> Found[PostRow]:
    """A page of the posts that the reader sees. `build(candidates)` is a query by `select_posts`, of which so
    many are looked through, by `select_page`."""

    def read(candidates: int) -> list[PostRow]:
        page = select_page(build(candidates), Post.id, cursor, candidates, smallest_first=oldest_first)
        return [PostRow(*row) for row in read_rows(session, page, reader_id).all()]

    return look_through(read, choose_shown, get_position, limit)


def choose_shown(posts: Sequence[PostRow]) -> list[PostRow]:
    return [post for post in posts if post.is_shown]


get_position = attrgetter("position")


def get_post(session: orm.Session, post_id: int, reader_id: int | None) -> PostRow | None:
    """The post, unless it is not published yet, or its author is gone.

    It is not `is_shown` when its author and the reader do not see each other.
    """
    query = build_query_of_one(get_parameter(reader_id))
    values = {"reader": reader_id, "present": get_present(), "post": post_id}
    row = session.execute(query, values).one_or_none()
    return None if row is None else replace(PostRow(*row[:-1]), is_indexed=row[-1])


@lru_cache(maxsize=2)
def build_query_of_one(reader: Any) -> Any:
    query = build_query(reader, with_muted=True).add_columns(IS_INDEXED)
    is_it = Post.id == sa.bindparam("post", type_=sa.BigInteger)
    return query.where(is_it, is_published(reader), sa.not_(User.is_gone))


def is_deleted(session: orm.Session, post_id: int) -> bool:
    """Was there a post with this id? One that is hidden, or whose author is gone, is as good as deleted."""
    left = sa.select(Post.id).join(User, User.id == Post.user_id).where(Post.id == post_id)
    left = left.where(sa.or_(User.is_gone, Post.hidden.is_not(None)))
    found = sa.select(DeletedPost.id).where(DeletedPost.id == post_id).union_all(left)
    return session.scalar(found) is not None


@dataclass(frozen=True, slots=True)
class AnsweredPost:
    """What a reply keeps of the post that it answers."""

    id: int
    author_id: int
    thread: int


def lock_answered_post(session: orm.Session, post_id: int, author_id: int) -> AnsweredPost | None:
    """The post that this author answers, which nobody can delete before this transaction ends.

    None when it was deleted or hidden, or its author is gone.

    :raises StaleData: when one of the two has blocked the other.
    """
    query = sa.select(
        Post.id,
        Post.user_id,
        sa.func.coalesce(Post.thread, Post.id),
        is_blocked(author_id, Post.user_id).label("is_blocked"),
    )
    query = query.join(User, User.id == Post.user_id).where(
        Post.id == post_id, Post.hidden.is_(None), sa.not_(User.is_gone)
    )
    row = session.execute(query.with_for_update(read=True, key_share=True, of=Post)).one_or_none()
    if row is not None and row.is_blocked:
        raise StaleData("One of them has blocked the other.")
    return None if row is None else AnsweredPost(*row[:-1])


def list_posts_by_id(session: orm.Session, ids: Iterable[int], reader_id: int | None) -> list[PostRow]:
    """Those of these posts that exist, that the reader sees, and that may be found, in the given order."""
    wanted = list(ids)
    if not wanted:
        return []
    query = select_posts(reader_id).where(Post.id.in_(wanted), is_found_by(get_parameter(reader_id)))
    rows = read_rows(session, query, reader_id)
    found = {row.id: PostRow(*row) for row in rows if row.is_shown}
    return [found[post_id] for post_id in wanted if post_id in found]


def list_published(session: orm.Session, ids: Sequence[int]) -> Sequence[Any]:
    """Rows of `id`, `user_id` and `reply_to`, of those of these posts that exist and are not hidden, in the
    order of ids."""
    columns = sa.select(Post.id, Post.user_id, Post.reply_to)
    seen = columns.where(Post.id.in_(ids), Post.hidden.is_(None))
    return session.execute(seen.order_by(Post.id)).all()


def lock_posts_to_delete(session: orm.Session, author_id: int, limit: int) -> list[int]:
    """The ids of the first posts of this author, which are locked with those that they answer.

    All in one order, since their deletion changes the counts of the answered ones.
    """
    own = sa.select(Post.id, Post.reply_to).where(Post.user_id == author_id).order_by(Post.id).limit(limit)
    rows = session.execute(own).all()
    if session.get_bind().dialect.name == "postgresql":
        ids = {each for row in rows for each in row if each is not None}
        session.execute(sa.select(Post.id).where(Post.id.in_(ids)).order_by(Post.id).with_for_update()).all()
    return [row.id for row in rows]


def add_post(
    session: orm.Session,
    user_id: int,
    body: str,
    *,
    language: str | None = None,
    answered: AnsweredPost | None = None,
    publish_at: int | None = None,
    pictures: str | None = None,
) -> int:
    """Add a post, or a reply to one, published now or later (milliseconds since 1970); returns its id.

    `pictures` is what `microblog.media.shown.dump` makes.
    """
    values: dict[str, Any] = {"user_id": user_id, "body": body, "language": language}
    if pictures is not None:
        values["pictures"] = pictures
    if answered is not None:
        values |= {
            "reply_to": answered.id,
            "reply_to_author": answered.author_id,
            "thread": answered.thread,
        }
    while True:
        values["id"] = new_id() if publish_at is None else new_id_at_milliseconds(publish_at)
        insert = build_insert(session, Post).values(**values).on_conflict_do_nothing()
        post_id = session.scalar(insert.returning(Post.id))
        if post_id is not None:
            return int(post_id)
        # Another process made the same id in this millisecond; try the next one.


def hide_post(session: orm.Session, post_id: int, hidden: int) -> None:
    """Hide a post that is seen."""
    seen = sa.update(Post).where(Post.id == post_id, Post.hidden.is_(None))
    session.execute(seen.values(hidden=hidden))


def count_first_posts(session: orm.Session, user_id: int, limit: int) -> int:
    """How many posts of somebody others see, up to `limit`."""
    own = sa.select(Post.id).where(Post.user_id == user_id, Post.hidden.is_(None)).limit(limit).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(own)) or 0


def delete_post(session: orm.Session, post_id: int) -> None:
    session.execute(sa.delete(Post).where(Post.id == post_id))


def delete_own_post(session: orm.Session, post_id: int, author_id: int) -> None:
    """:raises StaleData: when there is no such post of this author."""
    require_changed(session.execute(sa.delete(Post).where(Post.id == post_id, Post.user_id == author_id)))


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What is given back to the author of a post that they took back."""

    body: str
    language: str | None
    reply_to: int | None
    pictures: str | None


def take_own_post(session: orm.Session, post_id: int, author_id: int) -> TakenBack:
    """Delete a post as if it had never been: nobody is told that it was deleted.

    :raises StaleData: when there is no such post of this author.
    """
    own = sa.delete(Post).where(Post.id == post_id, Post.user_id == author_id)
    row = session.execute(own.returning(Post.body, Post.language, Post.reply_to, Post.pictures)).one_or_none()
    if row is None:
        raise StaleData("There is no such post of this author.")
    session.execute(sa.delete(DeletedPost).where(DeletedPost.id == post_id))
    return TakenBack(*row)


def set_own_language(session: orm.Session, post_id: int, author_id: int, language: str | None) -> None:
    """:raises StaleData: when there is no such post of this author."""
    own = sa.update(Post).where(Post.id == post_id, Post.user_id == author_id)
    require_changed(session.execute(own.values(language=language)))


def set_missing_language(session: orm.Session, ids: Sequence[int], language: str) -> list[int]:
    """Set the language of those of these posts that have none; returns their ids."""
    without = sa.update(Post).where(Post.id.in_(ids), Post.language.is_(None))
    return list(session.scalars(without.values(language=language).returning(Post.id)))


def count_posts_without_language(session: orm.Session) -> int:
    """It reads a part of an index, which may be all of it."""
    return session.scalar(sa.select(sa.func.count()).select_from(Post).where(Post.language.is_(None))) or 0


def list_bodies_without_language(session: orm.Session, last: int, limit: int) -> list[tuple[int, str]]:
    """(id, text) of the next `limit` posts above the id `last` that have no language, in the order of ids."""
    rows = session.execute(
        sa.select(Post.id, Post.body)
        .where(Post.language.is_(None), Post.id > last)
        .order_by(Post.id)
        .limit(limit)
    )
    return [(row.id, row.body) for row in rows]


def add_posts(session: orm.Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add many posts at once: dictionaries of `id`, `user_id`, `body`, `language`."""
    session.execute(sa.insert(Post), rows)


def add_missing_posts(session: orm.Session, rows: Sequence[dict[str, Any]]) -> set[int]:
    """Add posts, and return their ids. Skips ids that are taken, and keys that their author has used."""
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(Post.__table__).on_conflict_do_nothing()
    return set(session.scalars(insert.returning(Post.id), rows))


def get_documents(session: orm.Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What an index stores of these posts, by id: `id`, `author` (an id), `body`, `language`."""
    rows = session.execute(sa.select(*DOCUMENT).where(Post.id.in_(ids)))
    return {row.id: row._asdict() for row in rows}


def list_documents_after(session: orm.Session, last: int, limit: int) -> dict[int, dict[str, Any]]:
    """The documents of the next `limit` posts above the id `last`, in the order of ids."""
    rows = session.execute(sa.select(*DOCUMENT).where(Post.id > last).order_by(Post.id).limit(limit))
    return {row.id: row._asdict() for row in rows}


def lock_posts(session: orm.Session, ids: Sequence[int]) -> None:
    """Wait for transactions that change these posts, and keep others from it until ours ends."""
    session.execute(
        sa.select(Post.id).where(Post.id.in_(ids)).order_by(Post.id).with_for_update(read=True)
    ).all()


def count_posts(session: orm.Session) -> int:
    """The number of all posts: it reads a whole index, so it is too slow for a page."""
    return session.scalar(sa.select(sa.func.count()).select_from(Post)) or 0


DOCUMENT = (Post.id, Post.user_id.label("author"), Post.body, Post.language)


# One lookup in the index (language, id) for each spelling that there is. The order of texts depends on the
# database, so a range from `pt` to `pt-zz` is none everywhere.
ALL_SPELLINGS = """WITH RECURSIVE spellings (spelling) AS (
        SELECT min(language) FROM posts
        UNION ALL
        SELECT (SELECT min(p.language) FROM posts p WHERE p.language > spelling)
        FROM spellings WHERE spelling IS NOT NULL)
    SELECT spelling FROM spellings WHERE spelling IS NOT NULL"""
SPELLINGS = sa.text(
    f"{ALL_SPELLINGS} AND (lower(spelling) = :language OR lower(spelling) LIKE :language || '-%')"
)


def list_spellings(session: orm.Session, language: str) -> list[str]:
    """How a language, in lower case, is spelled in posts, with a region or without: `pt`, `pt-BR`, `PT`."""
    return list(session.scalars(SPELLINGS, {"language": language}))
