"""Windows: the posts nearest to the beginning of a page, scanned before the full-text index is asked.

A full-text index knows which posts hold a word, but not who wrote them: for a common word and an author
who seldom posts, it reads half a million hits to find three. So the posts that pass a filter are
scanned first, in the order of their ids, by an index of `posts`. Either they fill the page, or there
are no more. Otherwise the number of hits decides: of a rare word the full-text index has little to read,
and for a common one, which the newest posts happen to lack, a larger window takes less time.
"""

# ruff: noqa: S608  # names of tables and columns are constants; values are bound
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.paging import Bounds
from microblog.posts.queries import list_spellings
from microblog.search.embedded.side_table import build_filters
from microblog.search.language import Query


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of windows in posts: the first, and the largest; the number of posts of a window that take as
    long as one hit of the full-text index; and the hits from which on a second window is worth it."""

    first: int
    largest: int
    per_hit: int = 1
    fewest_hits: int = 0

    def choose(self, hits: int, posts: int, limit: int) -> int:
        """The size of a window that takes no longer than the index with so many hits among so many posts;
        0 when such a window is not likely to hold `limit` of them."""
        if hits < self.fewest_hits:
            return 0
        size = self.first
        while size * 2 <= min(hits * self.per_hit, self.largest):  # doubled, so that there are few statements
            size *= 2
        return size if limit * posts <= hits * size else 0


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of `source` (as `w`) with an `id`; the conditions that make one a hit, and the joins they need.

    PostgreSQL has to materialize the window first, or it would choose another plan; SQLite stops at the
    last hit of the page, and joins in the order that `CROSS JOIN` prescribes.
    """

    source: str
    id: str = "id"
    more_columns: str = ""
    join: str = ""
    inside: tuple[str, ...] = ()
    hit: tuple[str, ...] = ()
    is_made_first: bool = False

    def build_hits_query(self, bounds: Bounds, size: int) -> str:
        """The statement that finds the hits; the size is a literal, because planners need to know it."""
        order = f"ORDER BY w.{self.id} {bounds.order} LIMIT :limit"
        if self.is_made_first:
            columns = f"w.{self.id}{self.more_columns}"
            source, conditions = f"({self._select_ordered(columns, bounds, f'LIMIT {size}')}) w", self.hit
        else:
            # One bound for each end: given two, SQLite would use the other one, and scan beyond the window.
            last = self._select_ordered(f"w.{self.id}", bounds, f"LIMIT 1 OFFSET {size - 1}")
            above, below = bounds.list_conditions(f"w.{self.id}")
            if bounds.oldest_first:
                below = f"w.{self.id} <= coalesce(({last}), :below - 1)"
            else:
                above = f"w.{self.id} >= coalesce(({last}), :above + 1)"
            source, conditions = f"{self.source} w", (*self.inside, above, below, *self.hit)
        return f"SELECT w.{self.id} FROM {source} {self.join} WHERE {' AND '.join(conditions)} {order}"

    def build_beyond_query(self, bounds: Bounds, size: int) -> str:
        """The statement that says whether there are more posts than in a window of this size."""
        return self._select_ordered("1", bounds, f"LIMIT 1 OFFSET {size}")

    def _select_ordered(self, columns: str, bounds: Bounds, limit: str) -> str:
        conditions = " AND ".join([*self.inside, *bounds.list_conditions(f"w.{self.id}")])
        order = f"ORDER BY w.{self.id} {bounds.order}"
        return f"SELECT {columns} FROM {self.source} w WHERE {conditions} {order} {limit}"


def build_filter_window(
    query: Query,
    spelling: str | None,
    texts: str,
    hit: list[str],
    *,
    is_made_first: bool,
    author_id: int | None = None,
) -> tuple[Window, dict[str, Any]]:
    """A window of the posts of one author, or of one spelling of a language, or of all; the conditions in
    `hit` are on the texts `t`."""
    # PostgreSQL would merge a large window with all texts where it expects to find enough of them soon. What
    # has an OFFSET is looked up for each row.
    look_up = (
        "CROSS JOIN LATERAL (SELECT * FROM {table} WHERE {key} = w.id OFFSET 0) {name}"
        if is_made_first
        else "CROSS JOIN {table} {name}"
    )
    inside, values = build_filters(replace(query, language=None), spelling, posts="w", author_id=author_id)
    join, more = look_up.format(table=texts, key="post_id", name="t"), ["t.post_id = w.id"]
    if query.language is not None and spelling is None:  # an author's posts, each checked for its language
        conditions, language = build_filters(replace(query, author=None, excluded_authors=()))
        join += " " + look_up.format(table="posts", key="id", name="p")
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
    choose_size: Callable[[], int],
) -> list[int] | None:
    """Ids of the hits, or None when no window decides.

    When the first one does not, `choose_size` says how large the second one may be, or 0. The database stops
    there at the last hit of the page, so a large one costs no more than it has to.
    """
    if sizes.largest < sizes.first:
        return None
    ids, is_complete = look_into(session, window, values, bounds, limit, sizes.first)
    if not is_complete and (size := choose_size()) > sizes.first:
        ids, is_complete = look_into(session, window, values, bounds, limit, size)
    return ids if is_complete else None


def look_into(
    session: orm.Session, window: Window, values: dict[str, Any], bounds: Bounds, limit: int, size: int
) -> tuple[list[int], bool]:
    """Ids of the hits in a window of this size; and whether these are all that a page needs."""
    bound = {**values, **bounds.get_values(limit)}
    ids = list(session.scalars(sa.text(window.build_hits_query(bounds, size)), bound))
    if len(ids) == limit:
        return ids, True
    beyond = sa.text(window.build_beyond_query(bounds, size))
    return ids, session.scalar(beyond, bound) is None


def search_each_spelling(
    session: orm.Session,
    query: Query,
    bounds: Bounds,
    limit: int,
    find: Callable[[str | None], list[int] | None],
) -> list[int] | None:
    """Call `find` for each spelling of a language (`pt`, `pt-BR`, `PT`), and merge the ids that it returns.

    There are few spellings, and an index of `posts` has the posts of each in the order of their ids. Without
    a language, or with an author, who has fewer posts, `find` is called once, with None. When it returns
    None, so does this.
    """
    spellings: list[str | None] = [None]
    if query.language is not None and query.author is None:
        spellings = [*list_spellings(session, query.language)]
    ids: list[int] = []
    for spelling in spellings:
        found = find(spelling)
        if found is None:
            return None
        ids += found
    return sorted(ids, reverse=not bounds.oldest_first)[:limit]
