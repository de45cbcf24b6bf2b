"""Pages of lists: `?before=ID` and `?after=ID`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther

from microblog.paging import Cursor, parse_id
from microblog.request import Request
from microblog.web.pages import PAGE_SIZE


def cursor_of(request: Request) -> Cursor:
    """The cursor in the address.

    :raises HTTPBadRequest: when the address holds something else than the id of a post.
    """
    found = {}
    for name in ("before", "after"):
        text = request.GET.get(name)
        if text is None:
            continue
        found[name] = parse_id(text)
        if found[name] is None:
            raise HTTPBadRequest(f"“{name}” in this address must be the number of a post.")
    if len(found) > 1:
        raise HTTPBadRequest("A page is either before or after a post, not both.")
    return Cursor(**found)


@dataclass(frozen=True, slots=True)
class Page:
    """Posts, newest first, and the addresses of the pages beside this one."""

    posts: Sequence[Any]
    older_url: str | None
    newer_url: str | None


def page_of_posts(request: Request, fetch: Callable[[Cursor, int], Sequence[Any]], **query: Any) -> Page:
    """One page of what `fetch(cursor, limit)` gives.

    `fetch` answers with the posts nearest to the cursor: newest first, but oldest first when
    `cursor.after` is set. `query` is kept in the addresses of the other pages.
    """
    cursor = cursor_of(request)
    size = request.microblog[PAGE_SIZE]
    rows = list(fetch(cursor, size + 1))
    more = len(rows) > size
    rows = rows[:size]

    def url(**position: Any) -> str:
        return str(request.link(*request.path_info.split("/")[1:], **query, **position))

    if cursor.after is not None:
        if not rows:
            # Nothing newer yet: the first page says so better than an empty one.
            raise HTTPSeeOther(location=url())
        rows.reverse()
        return Page(rows, url(before=rows[-1].id), url(after=rows[0].id) if more else None)
    newer = None
    if cursor.before is not None:
        newer = url(after=rows[0].id if rows else max(cursor.before - 1, 0))
    return Page(rows, url(before=rows[-1].id) if more else None, newer)
