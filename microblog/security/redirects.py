"""Where a form leads: only ever to a page of ours."""

from __future__ import annotations

from microblog.request import Request
from microblog.tree import LONGEST_NEXT


def next_page(request: Request, *, but_not: str | None = None) -> str | None:
    """Where to go on: the `next` of the form, else of the address, when it is one of our own pages."""
    kept = request.kept_form
    for fields in (request.POST, dict(kept.fields) if kept else {}, request.GET):
        target = fields.get("next")
        if isinstance(target, str) and target:
            return safe_next(target, but_not=but_not)
    return None


def safe_next(target: str, *, but_not: str | None = None) -> str | None:
    """`target` when it is a path on this site, else None: no form redirects to somebody else's.

    `but_not` is a path that does not count, nor do the pages below it (those of a deleted post).
    """
    if len(target) > LONGEST_NEXT or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(not "!" <= character <= "~" or character == "\\" for character in target):
        return None  # nor can a header hold what is not ASCII
    path = target.partition("?")[0].partition("#")[0]
    if but_not is not None and (path == but_not or path.startswith(f"{but_not}/")):
        return None
    return target
