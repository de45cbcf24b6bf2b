"""Pages of lists, by `?before=KEY` and `?after=KEY`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther

from microblog.i18n import _
from microblog.paging import Key, KeyCursor, Row
from microblog.request import Request
from microblog.web.pages import PAGE_SIZE

OPPOSITE = {"before": "after", "after": "before"}


@dataclass(frozen=True)
class Keyset(Generic[Row, Key]):
    """How a list is ordered and paged.

    `get_key` gives the key of a row, and `parse` reads one from an address (None when it is invalid).
    `onward` is the parameter of the next page: `before` when the largest key comes first. A list that
    `goes_back`, which only lists of ids can, links to the previous page, others to the first one.
    """

    get_key: Callable[[Row], Key]
    parse: Callable[[str], Key | None]
    onward: str = "before"
    goes_back: bool = False


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of a list, and the addresses of the next and the previous page."""

    rows: Sequence[Row]
    next_url: str | None
    previous_url: str | None


def read_cursor(request: Request, keyset: Keyset[Any, Key]) -> KeyCursor[Key]:
    """The cursor in the address. A list that cannot go back ignores the parameter for it.

    :raises HTTPBadRequest: when the address has something other than a key.
    """
    found: dict[str, Key] = {}
    for name in ("before", "after"):
        text = request.GET.get(name)
        if text is None:
            continue
        key = keyset.parse(text)
        if key is None:
            raise HTTPBadRequest(_("“%(name)s” in this address must be the number of a post.", name=name))
        found[name] = key
    if len(found) > 1:
        raise HTTPBadRequest(_("A page is either before or after a post, not both."))
    if not keyset.goes_back:
        found.pop(OPPOSITE[keyset.onward], None)
    return KeyCursor(**found)


def read_page(
    request: Request,
    keyset: Keyset[Row, Key],
    fetch: Callable[[KeyCursor[Key], int], Sequence[Row]],
    *,
    size: int | None = None,
    **query: Any,
) -> Page[Row]:
    """One page of the rows that `fetch(cursor, limit)` returns (see `select_page`).

    `query` is repeated in the addresses of the other pages. When `fetch` has not looked through all of the
    list (`Found`), the page leads on from there, even if it is empty.
    """
    cursor = read_cursor(request, keyset)
    size = request.microblog[PAGE_SIZE] if size is None else size
    backward = OPPOSITE[keyset.onward]
    found = fetch(cursor, size + 1)
    rows, has_more = list(found[:size]), len(found) > size
    looked_until = getattr(found, "looked_until", None)

    def link(**position: Key) -> str:
        return str(request.link(*request.path_info.split("/")[1:], **query, **position))

    def link_beyond(row: Row, direction: str) -> str:
        return link(**{direction: keyset.get_key(row)})

    def link_further(rows: Sequence[Row], direction: str) -> str | None:
        if has_more:
            return link_beyond(rows[-1], direction)
        return None if looked_until is None else link(**{direction: looked_until})

    if keyset.goes_back and getattr(cursor, backward) is not None:
        newer = link_further(rows, backward)
        if not rows:
            # Nothing is newer: show the first page instead of an empty one.
            raise HTTPSeeOther(location=newer or link())
        rows.reverse()
        return Page(rows, link_beyond(rows[-1], keyset.onward), newer)
    following = link_further(rows, keyset.onward)
    start = getattr(cursor, keyset.onward)
    if start is None:
        previous = None
    elif not keyset.goes_back:
        previous = link()
    elif rows:
        previous = link_beyond(rows[0], backward)
    else:
        previous = link(**{backward: max(start - 1, 0)})
    return Page(rows, following, previous)
