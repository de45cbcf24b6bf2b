"""Lists that are made of several tables: the nearest entries of each, then the posts that they stand for.

An entry is a post at the time of its id, or a boost of it at its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.db import compile_to_text
from microblog.ids import LARGEST, get_present
from microblog.paging import Cursor, Found, look_through
from microblog.posts.models import Post
from microblog.posts.queries import COLUMNS, Answered, PostRow, get_position

Hides = Callable[[Any], sa.ColumnElement[bool]]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table of entries: those of one owner, or of what the reader follows, `table.owner = owners.owned`.

    `index` begins with the owner and the id, so that of each owner only the nearest entries are read. It is
    empty when the primary key does. `only` is a condition on the entries, `x`, of one owner, whom the
    parameter `of` names.
    """

    table: str
    index: str = ""
    owner: str = "user_id"
    id: str = "id"
    post: str = "id"
    booster: str = "CAST(NULL AS BIGINT)"
    only: str = "TRUE"
    of: str = "reader"
    owners: str | None = None
    owned: str = ""
    reader: str = ""


ENTRY = "x.{id} AS entry_id, x.{post} AS post_id, {booster} AS booster_id"
NEAREST = "x.{id} {operator} :bound ORDER BY x.{id} {order} LIMIT :candidates"
# Of what others write, the newest may not be published yet: `:published` is the bound or the present.
PUBLISHED = {"<": "x.{id} < :published", ">": "x.{id} > :bound"}
OWN = {
    "sqlite": """SELECT * FROM (
        SELECT ENTRY FROM {table} x {indexed} WHERE x.{owner} = :{of} AND {only} AND NEAREST)""",
    "postgresql": "(SELECT ENTRY FROM {table} x WHERE x.{owner} = :{of} AND {only} AND NEAREST)",
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
BEFORE, AFTER = {"operator": "<", "order": "DESC"}, {"operator": ">", "order": "ASC"}
Booster = orm.aliased(User)


def build_entries(dialect: str, sources: Sequence[Source], *, after: bool) -> Any:
    """The nearest entries of all sources: `entry_id`, `post_id` and `booster_id`."""
    direction = AFTER if after else BEFORE
    parts = " UNION ALL ".join(write_source(source, dialect, direction) for source in sources)
    nearest = sa.text(ENTRIES.format(sources=parts, **direction))
    ids = [sa.column(name, sa.BigInteger) for name in ("entry_id", "post_id", "booster_id")]
    return nearest.columns(*ids).cte("entries")


def compile_statement(dialect: str, entries: Any, is_shown: Any, hides: Hides, *, after: bool) -> Any:
    """The posts of these entries. `hides(id)` is a column: is who was answered hidden from the reader?

    The parameters are `reader`, `bound`, `present`, `published`, `candidates`, and those of the sources.
    """
    columns = (entries.c.entry_id, Booster.nickname, Booster.display_name)
    is_there = sa.and_(sa.not_(User.is_gone), sa.not_(sa.func.coalesce(Booster.is_gone, sa.false())))
    query = sa.select(*COLUMNS, sa.and_(is_there, is_shown).label("is_shown"), *columns)
    query = query.select_from(entries).join(Post, Post.id == entries.c.post_id)
    query = query.join(User, User.id == Post.user_id)
    answered_is_seen = sa.not_(hides(Answered.id))
    query = query.outerjoin(Answered, sa.and_(Answered.id == Post.reply_to_author, answered_is_seen))
    query = query.outerjoin(Booster, Booster.id == entries.c.booster_id)
    if dialect == "postgresql":  # which would rather read all posts than look up as many as it cannot foresee
        found = sa.select(entries.c.post_id).scalar_subquery()
        query = query.where(Post.id == sa.any_(sa.func.array(found)))
    entry_id = entries.c.entry_id
    query = query.order_by(entry_id if after else entry_id.desc())
    return compile_to_text(query, dialect)[0]


def write_source(source: Source, dialect: str, direction: dict[str, str]) -> str:
    """The SQL of its nearest entries."""
    sql = (OWN if source.owners is None else FOLLOWED)[dialect]
    indexed = f"INDEXED BY {source.index}" if source.index else ""
    sql = sql.replace("ENTRY", ENTRY).replace("NEAREST", NEAREST)
    sql = sql.replace("PUBLISHED", PUBLISHED[direction["operator"]])
    return sql.format(**vars(source), **direction, indexed=indexed)


def list_entries(
    session: orm.Session,
    build: Callable[..., Any],
    parameters: dict[str, Any],
    cursor: Cursor,
    limit: int,
    *,
    is_left_out: Callable[[PostRow], bool] | None = None,
    pages: Sequence[int],
) -> Found[PostRow]:
    """The posts of a statement that `build(dialect, after=…)` gives, each post once.

    Left out is what the reader does not see, and what `is_left_out` says. Where there is very much of that
    the page is short, and says how far it has looked.
    """
    after = cursor.after is not None
    bound = cursor.after if after else cursor.before
    statement = build(session.get_bind().dialect.name, after=after)
    values = {**parameters, "bound": LARGEST if bound is None else bound, "present": get_present()}
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
