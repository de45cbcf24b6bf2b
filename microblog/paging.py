"""Pages of a list, by keyset: never by an offset or a total count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from microblog.ids import LARGEST, get_first_id_at

MOST_DIGITS = len(str(LARGEST))

Key = TypeVar("Key", int, str)
Row = TypeVar("Row")


def parse_id(text: str) -> int | None:
    """A post's id as URLs spell it: ASCII digits, no leading zero, in 63 bits; else None."""
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS or text != str(int(text)):
        return None
    number = int(text)
    return number if number <= LARGEST else None


# Without slots: Python 3.11 cannot instantiate a frozen generic dataclass with slots by its alias.
@dataclass(frozen=True)
class KeyCursor(Generic[Key]):
    """Where a page begins: at most one of the two is set, neither on the first page."""

    before: Key | None = None
    after: Key | None = None


Cursor = KeyCursor[int]  # in lists ordered by id


class Found(list[Row]):
    """Rows of a list. When not all of it was looked through for so few, `looked_until` is the key so far."""

    def __init__(self, rows: Iterable[Row] = (), *, looked_until: Any = None) -> None:
        super().__init__(rows)
        self.looked_until = looked_until


# How many pages of candidates are read where a page leaves some out: mostly one is enough, or two where some
# posts are hidden.
PAGES_LOOKED_THROUGH = (1, 2, 10)


def look_through(
    read: Callable[[int], Sequence[Row]],
    choose: Callable[[Sequence[Row]], list[Row]],
    get_key: Callable[[Row], Any],
    limit: int,
    *,
    pages: Sequence[int] = PAGES_LOOKED_THROUGH,
) -> Found[Row]:
    """The first `limit` rows that `choose(rows)` leaves, of those that `read(number)` gives.

    It reads more of them when it leaves too few, but never more than the last of these numbers of pages.
    """
    for number in pages:
        rows = read(number * limit)
        shown = choose(rows)
        if len(shown) >= limit or len(rows) < number * limit:
            return Found(shown[:limit])
    return Found(shown, looked_until=get_key(rows[-1]))


def select_page(
    query: Any, column: Any, cursor: KeyCursor[Any], limit: int, *, smallest_first: bool = False
) -> Any:
    """The query for the rows nearest to the cursor, the largest `column` first, or the smallest.

    Backwards (newer posts, where the newest come first) they come in the opposite order.
    """
    if cursor.before is not None:
        query = query.where(column < cursor.before)
    if cursor.after is not None:
        query = query.where(column > cursor.after)
    ascending = cursor.before is None if smallest_first else cursor.after is not None
    return query.order_by(column if ascending else column.desc()).limit(limit)


class Period(Protocol):
    """From `since` on, and before `until`; None for no limit."""

    @property
    def since(self) -> datetime | None: ...

    @property
    def until(self) -> datetime | None: ...


class Bounds:
    """The range of ids that a query searches, its direction, and the SQL of both."""

    def __init__(self, above: int, below: int, *, oldest_first: bool = False) -> None:
        self.above = above
        self.below = below
        self.oldest_first = oldest_first

    @classmethod
    def of(cls, period: Period, cursor: Cursor) -> Bounds:
        # Dates of the far future have ids that no post can have, and no database can store.
        above = -1 if period.since is None else min(get_first_id_at(period.since), LARGEST) - 1
        below = LARGEST if period.until is None else min(get_first_id_at(period.until), LARGEST)
        if cursor.after is not None:
            return cls(max(above, cursor.after), below, oldest_first=True)
        return cls(above, below if cursor.before is None else min(below, cursor.before))

    @property
    def order(self) -> str:
        return "ASC" if self.oldest_first else "DESC"

    def list_conditions(self, column: str) -> list[str]:
        return [f"{column} > :above", f"{column} < :below"]

    def get_values(self, limit: int) -> dict[str, Any]:
        return {"above": self.above, "below": self.below, "limit": limit}
