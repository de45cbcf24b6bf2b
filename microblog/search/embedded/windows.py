"""Windows: the posts nearest to where a page begins, looked through one by one, before an index is asked.

An index knows all the posts with a word, and nothing of who wrote them: for a common word and somebody
who seldom posts, it reads half a million hits to find three. So posts that pass a filter are looked at
first, in the order of their ids, which an index of `posts` has. Either they fill the page, or there
are no others, or the word is so rare that the index has little to read.
"""

# ruff: noqa: S608  # names of tables and columns are constants; values are bound
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.paging import Bounds
from microblog.search.embedded.side_table import filters
from microblog.search.language import Query

# A step in the index for each spelling of a language that any post has.
SPELLINGS = """WITH RECURSIVE spellings (spelling) AS (
        SELECT min(language) FROM posts
        UNION ALL
        SELECT (SELECT min(p.language) FROM posts p WHERE p.language > spelling)
        FROM spellings WHERE spelling IS NOT NULL)
    SELECT spelling FROM spellings
    WHERE lower(spelling) = :language OR lower(spelling) LIKE :language || '-%'"""
# A larger window is made so much larger than the hits in the first one say that it has to be.
MARGIN = 1.5
# One hit says nothing; and of a word that is so rare the index has little to read.
FEWEST_HITS_THAT_TELL = 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of windows, in posts: the first one, and the largest that is no slower than the index."""

    first: int
    largest: int


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of `source`, which is `w`, with an `id`; and what makes one a hit, with what is joined.

    PostgreSQL makes the window first, or it would choose another way; SQLite stops at the last hit of
    the page, and goes the way that the words `CROSS JOIN` say.
    """

    source: str
    id: str = "id"
    more_columns: str = ""
    join: str = ""
    inside: tuple[str, ...] = ()
    hit: tuple[str, ...] = ()
    is_made_first: bool = False

    def of_size(self, bounds: Bounds, size: int) -> str:
        """The statement that finds the hits; planners have to know the size."""
        order = f"ORDER BY w.{self.id} {bounds.order} LIMIT :limit"
        if self.is_made_first:
            columns = f"w.{self.id}{self.more_columns}"
            source, conditions = f"({self._ordered(columns, bounds, f'LIMIT {size}')}) w", self.hit
        else:
            # One bound for each end: of two, SQLite would take the other, and walk beyond the window.
            last = self._ordered(f"w.{self.id}", bounds, f"LIMIT 1 OFFSET {size - 1}")
            above, below = bounds.conditions(f"w.{self.id}")
            if bounds.oldest_first:
                below = f"w.{self.id} <= coalesce(({last}), :below - 1)"
            else:
                above = f"w.{self.id} >= coalesce(({last}), :above + 1)"
            source, conditions = f"{self.source} w", (*self.inside, above, below, *self.hit)
        return f"SELECT w.{self.id} FROM {source} {self.join} WHERE {' AND '.join(conditions)} {order}"

    def beyond(self, bounds: Bounds, size: int) -> str:
        """The statement that says whether there are more posts than in a window of this size."""
        return self._ordered("1", bounds, f"LIMIT 1 OFFSET {size}")

    def _ordered(self, columns: str, bounds: Bounds, limit: str) -> str:
        conditions = " AND ".join([*self.inside, *bounds.conditions(f"w.{self.id}")])
        order = f"ORDER BY w.{self.id} {bounds.order}"
        return f"SELECT {columns} FROM {self.source} w WHERE {conditions} {order} {limit}"


def window_of_the_filter(
    query: Query, spelling: str | None, texts: str, hit: list[str], *, is_made_first: bool
) -> tuple[Window, dict[str, Any]]:
    """Posts of one author, or in one language that is written so, or all; `hit` is about the texts `t`."""
    inside, values = filters(replace(query, language=None), spelling, posts="w")
    join, more = f"CROSS JOIN {texts} t", ["t.post_id = w.id"]
    if query.language is not None and spelling is None:  # not all posts of an author to find some
        conditions, language = filters(replace(query, author=None))
        join += " CROSS JOIN posts p"
        more += ["p.id = w.id", *conditions]
        values |= language
    window = Window("posts", join=join, inside=tuple(inside), hit=(*hit, *more), is_made_first=is_made_first)
    return window, values


def look_through(
    session: orm.Session,
    window: Window,
    values: dict[str, Any],
    bounds: Bounds,
    limit: int,
    sizes: Sizes,
) -> list[int] | None:
    """Ids of the hits, or None when the window was too small to tell."""
    size = sizes.first
    while size <= sizes.largest:
        found = sa.text(window.of_size(bounds, size))
        ids = list(session.scalars(found, {**values, **bounds.values(limit)}))
        if len(ids) == limit:
            return ids
        beyond = sa.text(window.beyond(bounds, size))
        if session.scalar(beyond, {**values, **bounds.values(limit)}) is None:
            return ids
        if len(ids) < FEWEST_HITS_THAT_TELL:
            return None
        needed = size * limit / len(ids) * MARGIN
        while size < needed:  # by doubling: there are few different statements
            size *= 2
    return None


def of_each_spelling(
    session: orm.Session,
    query: Query,
    bounds: Bounds,
    limit: int,
    find: Callable[[str | None], list[int] | None],
) -> list[int] | None:
    """Ids of posts in one language, however it is written (`pt`, `pt-BR`, `PT`), by the index of `posts`.

    There are few spellings, and each has its posts in the order of their ids. Without a language, or with
    an author, who has fewer posts, `find` is asked once, with None. It answers None when it cannot tell,
    and so does this.
    """
    spellings: list[str | None] = [None]
    if query.language is not None and query.author is None:
        spellings = list(session.scalars(sa.text(SPELLINGS), {"language": query.language}))
    ids: list[int] = []
    for spelling in spellings:
        found = find(spelling)
        if found is None:
            return None
        ids += found
    return sorted(ids, reverse=not bounds.oldest_first)[:limit]
