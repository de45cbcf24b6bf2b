"""The home timeline, computed on read: every SQL statement about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql, sqlite

from microblog.accounts.models import User
from microblog.ids import LARGEST, get_present
from microblog.paging import Cursor, Found, look_through
from microblog.people.models import Follow
from microblog.people.visibility import is_unseen
from microblog.posts.models import Post
from microblog.posts.queries import COLUMNS, READER, Answered, PostRow, get_position, is_published

PAGES_LOOKED_THROUGH = (2, 10)  # since replies to strangers are left out


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table of entries: those of the reader, or of what they follow, `table.owner = owners.owned`.

    `index` begins with the owner and the id, so that of each owner only the nearest entries are read. It is
    empty when the primary key does.
    """

    table: str
    index: str = ""
    owner: str = "user_id"
    id: str = "id"
    post: str = "id"
    booster: str = "CAST(NULL AS BIGINT)"
    owners: str | None = None
    owned: str = ""
    reader: str = ""


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
ENTRY = "x.{id} AS entry_id, x.{post} AS post_id, {booster} AS booster_id"
NEAREST = "x.{id} {operator} :bound ORDER BY x.{id} {order} LIMIT :candidates"
# Of what others write, the newest may not be published yet: `:published` is the bound or the present.
PUBLISHED = {"<": "x.{id} < :published", ">": "x.{id} > :bound"}
OWN = {
    "sqlite": """SELECT * FROM (
        SELECT ENTRY FROM {table} x {indexed} WHERE x.{owner} = :reader AND NEAREST)""",
    "postgresql": "(SELECT ENTRY FROM {table} x WHERE x.{owner} = :reader AND NEAREST)",
}
# SQLite leaves the entries of an owner when they are further than those that it has. PostgreSQL does not stop
# early by itself, so the owners are limited first: only those whose nearest entry is among the nearest can be
# on the page.
FOLLOWED = {
    "sqlite": """SELECT * FROM (
        SELECT ENTRY FROM {owners} f CROSS JOIN {table} x {indexed}
        WHERE f.{reader} = :reader AND x.{owner} = f.{owned} AND PUBLISHED
        ORDER BY x.{id} {order} LIMIT :candidates)""",
    "postgresql": """(
        SELECT nearest.* FROM (
            SELECT f.{owned} AS owner
            FROM {owners} f CROSS JOIN LATERAL (
                SELECT x.{id} AS id FROM {table} x
                WHERE x.{owner} = f.{owned} AND PUBLISHED
                ORDER BY x.{id} {order} LIMIT 1) head
            WHERE f.{reader} = :reader
            ORDER BY head.id {order} LIMIT :candidates) heads
        CROSS JOIN LATERAL (
            SELECT ENTRY FROM {table} x
            WHERE x.{owner} = heads.owner AND PUBLISHED
            ORDER BY x.{id} {order} LIMIT :candidates) nearest
        ORDER BY nearest.entry_id {order} LIMIT :candidates)""",
}
ENTRIES = "SELECT * FROM ({sources}) entries ORDER BY entry_id {order} LIMIT :candidates"
DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}
BEFORE, AFTER = {"operator": "<", "order": "DESC"}, {"operator": ">", "order": "ASC"}
Booster = orm.aliased(User)


@lru_cache(maxsize=4)
def build_statement(dialect: str, *, after: bool) -> Any:
    """The nearest entries of all sources, then their posts.

    The parameters are `reader`, `bound`, `present`, `published` and `candidates`.
    """
    direction = AFTER if after else BEFORE
    sources = " UNION ALL ".join(write_source(source, dialect, direction) for source in SOURCES)
    nearest = sa.text(ENTRIES.format(sources=sources, **direction))
    ids = [sa.column(name, sa.BigInteger) for name in ("entry_id", "post_id", "booster_id")]
    entries = nearest.columns(*ids).cte("entries")
    is_there = sa.and_(is_published(READER), sa.not_(User.is_gone))
    author_is_seen = sa.and_(is_there, sa.not_(is_unseen(READER, Post.user_id)))
    answered_is_seen = sa.and_(sa.not_(Answered.is_gone), sa.not_(is_unseen(READER, Answered.id)))
    columns = (entries.c.entry_id, Booster.nickname, Booster.display_name)
    query = sa.select(*COLUMNS, sa.and_(author_is_seen, is_for_reader(entries)).label("is_shown"), *columns)
    query = query.select_from(entries).join(Post, Post.id == entries.c.post_id)
    query = query.join(User, User.id == Post.user_id)
    query = query.outerjoin(Answered, sa.and_(Answered.id == Post.reply_to_author, answered_is_seen))
    query = query.outerjoin(Booster, Booster.id == entries.c.booster_id)
    if dialect == "postgresql":  # which would rather read all posts than look up as many as it cannot foresee
        found = sa.select(entries.c.post_id).scalar_subquery()
        query = query.where(Post.id == sa.any_(sa.func.array(found)))
    entry_id = entries.c.entry_id
    query = query.order_by(entry_id if after else entry_id.desc())
    # As a text it takes SQLAlchemy a tenth of a millisecond instead of a whole one.
    sql = str(query.compile(dialect=DIALECTS[dialect](paramstyle="named")))
    return sa.text(sql.replace("::", " ::"))  # or the name of a parameter would not end before its type


def write_source(source: Source, dialect: str, direction: dict[str, str]) -> str:
    """The SQL of its nearest entries."""
    sql = (OWN if source.owners is None else FOLLOWED)[dialect]
    indexed = f"INDEXED BY {source.index}" if source.index else ""
    sql = sql.replace("ENTRY", ENTRY).replace("NEAREST", NEAREST)
    sql = sql.replace("PUBLISHED", PUBLISHED[direction["operator"]])
    return sql.format(**vars(source), **direction, indexed=indexed)


def is_for_reader(entries: Any) -> sa.ColumnElement[bool]:
    """A column: a reply is for those who follow both people, and see them, or are one of them. A boost is for
    those who see who boosted it.
    """
    follows_both = sa.exists().where(Follow.follower_id == READER, Follow.followee_id == Answered.id)
    is_boost = entries.c.booster_id.is_not(None)
    return sa.case(
        (is_boost, sa.and_(sa.not_(Booster.is_gone), sa.not_(is_unseen(READER, entries.c.booster_id)))),
        else_=sa.or_(
            Post.reply_to.is_(None), Post.user_id == READER, Post.reply_to_author == READER, follows_both
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

    Replies to people whom they do not follow are left out, and what `is_left_out` says. Where there are very
    many of those the page is short, and says how far it has looked.
    """
    after = cursor.after is not None
    bound = cursor.after if after else cursor.before
    statement = build_statement(session.get_bind().dialect.name, after=after)
    values = {"reader": reader_id, "bound": LARGEST if bound is None else bound, "present": get_present()}
    values["published"] = min(values["bound"], values["present"])

    def read(candidates: int) -> list[PostRow]:
        rows = session.execute(statement, {**values, "candidates": candidates})
        return [PostRow(*row) for row in rows.all()]

    def choose(posts: Sequence[PostRow]) -> list[PostRow]:
        return choose_shown(posts, limit, is_left_out)

    return look_through(read, choose, get_position, limit, pages=pages)


def choose_shown(
    posts: Sequence[PostRow], limit: int, is_left_out: Callable[[PostRow], bool] | None
) -> list[PostRow]:
    """The first of those that are shown, each post once, however many have boosted it."""
    chosen: dict[int, PostRow] = {}
    for post in posts:
        if len(chosen) == limit:
            break
        if post.is_shown and post.id not in chosen and not (is_left_out and is_left_out(post)):
            chosen[post.id] = post
    return list(chosen.values())
