"""Search without an index, for a small site on SQLite: it reads posts, the newest first."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.paging import Bounds, Cursor
from microblog.search.embedded.side_table import SideTableSearch, TooSlow, build_filters
from microblog.search.highlighting import matches
from microblog.search.interfaces import RANKED_HITS
from microblog.search.language import Query
from microblog.settings import Setting, whole_number

SECONDS = Setting("microblog.search.scanning.seconds", whole_number(1, 60), 5, "How long a search may take.")
POSTS = (
    "SELECT p.id, p.body, p.language FROM {texts} t JOIN posts p ON p.id = t.post_id "
    "WHERE {conditions} ORDER BY p.id {order}"
)


class ScanningSearch(SideTableSearch):
    """`microblog.search = tests.contract.scanning.ScanningSearch`"""

    name = "scanning"
    prefix = "search_scanning"
    dialect = "sqlite"
    SETTINGS = (SECONDS,)

    def check(self, settings: Any, database: Any) -> None:
        if database.dialect != "sqlite":
            raise ValueError("it reads SQLite only.")
        self.seconds_for_a_query = settings[SECONDS]

    def create(self, session: orm.Session) -> None:
        columns = "(post_id INTEGER PRIMARY KEY, digest TEXT NOT NULL)"
        session.execute(sa.text(f"CREATE TABLE IF NOT EXISTS {self.texts} {columns}"))

    def drop(self, session: orm.Session) -> None:
        session.execute(sa.text(f"DROP TABLE IF EXISTS {self.texts}"))

    def rename(self, session: orm.Session, other: Self) -> None:
        found = sa.text("SELECT 1 FROM sqlite_master WHERE name = :name")
        if session.scalar(found, {"name": self.texts}):
            session.execute(sa.text(f"ALTER TABLE {self.texts} RENAME TO {other.texts}"))

    def keep(self, session: orm.Session, posts: list[dict[str, Any]]) -> None:
        rows = [{"id": post["id"], "digest": self.digest(post["body"], post["language"])} for post in posts]
        session.execute(sa.text(f"INSERT OR REPLACE INTO {self.texts} VALUES (:id, :digest)"), rows)

    def digest(self, body: str, language: str | None) -> str:
        return f"{language} {body}"

    def find_hits(self, session: orm.Session, query: Query, bounds: Bounds, limit: int) -> list[int]:
        conditions, values = build_filters(query)
        sql = POSTS.format(
            texts=self.texts,
            conditions=" AND ".join([*conditions, *bounds.list_conditions("p.id")]),
            order=bounds.order,
        )
        words_only = replace(query, language=None)  # the filters are in the SQL
        end = time.monotonic() + self.seconds_for_a_query
        found: list[int] = []
        with session.execute(sa.text(sql), {**values, **bounds.get_values(limit)}) as posts:
            for post in posts:
                if time.monotonic() > end:
                    raise TooSlow
                if matches(words_only, post.language, post.body):
                    found.append(post.id)
                if len(found) == limit:
                    break
        return found

    def find_best(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        """The shorter a post, the more of it are the words that were looked for."""
        newest = self.find_hits(session, query, Bounds.of(query, Cursor()), RANKED_HITS)
        lengths = sa.text("SELECT id FROM posts WHERE id IN :ids ORDER BY length(body), id DESC LIMIT :limit")
        ids: Any = sa.bindparam("ids", expanding=True)
        return list(session.scalars(lengths.bindparams(ids), {"ids": newest, "limit": limit}))

    def limit_time(self, session: orm.Session) -> AbstractContextManager[None]:
        return nullcontext()  # `hits` looks at the clock itself
