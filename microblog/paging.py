"""Where a page of a list begins: by keyset, never by an offset or a total count."""

from __future__ import annotations

from dataclasses import dataclass

from microblog.ids import LARGEST

NEWEST = LARGEST
MOST_DIGITS = len(str(LARGEST))


def parse_id(text: str) -> int | None:
    """A post's id as URLs spell it: ASCII digits, no leading zero, in 63 bits; else None."""
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS or text != str(int(text)):
        return None
    number = int(text)
    return number if number <= LARGEST else None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: at most one of the two is set, neither on the first page."""

    before: int | None = None
    after: int | None = None
