"""Comparing an index inside the database with the posts, in constant memory and in short transactions."""

# ruff: noqa: S608  # names of tables are constants; values are bound
from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import Database
from microblog.ids import LARGEST
from microblog.search.interfaces import Drift

if TYPE_CHECKING:
    from microblog.search.embedded.side_table import SideTableSearch

PART = "WHERE {id} > :last ORDER BY {id} LIMIT :limit"


def find_differences(adapter: SideTableSearch, database: Database, *, with_refused: bool) -> Drift:
    missing: list[int] = []
    stale: list[int] = []
    ghosts: list[int] = []
    last = -1
    batch = adapter.steps.compared_at_once
    while last < LARGEST:
        with database.snapshot() as session:
            posts = read_part(
                session, f"SELECT id, body, language FROM posts {PART.format(id='id')}", last, batch
            )
            texts = read_part(session, f"{adapter.indexed_texts} {PART.format(id='post_id')}", last, batch)
            # Up to this id both batches are complete.
            upto = min((max(ids) for ids in (posts, texts) if len(ids) == batch), default=LARGEST)
            pending = sa.text(
                f"SELECT post_id FROM {adapter.pending} WHERE post_id > :last AND post_id <= :upto"
                + (" AND NOT failed" if with_refused else "")
            )
            queued = set(session.scalars(pending, {"last": last, "upto": upto}))
        for post_id in sorted((posts.keys() | texts.keys()) - queued):
            if post_id > upto:
                break
            if post_id not in texts:
                missing.append(post_id)
            elif post_id not in posts:
                ghosts.append(post_id)
            elif adapter.digest(*posts[post_id]) != texts[post_id][0]:
                stale.append(post_id)
        last = upto
    return Drift(tuple(missing), tuple(stale), tuple(ghosts))


def read_part(session: orm.Session, sql: str, last: int, limit: int) -> dict[int, tuple[str, ...]]:
    """Up to `limit` rows after the id `last`: what follows the id, by the id."""
    return {row[0]: tuple(row[1:]) for row in session.execute(sa.text(sql), {"last": last, "limit": limit})}
