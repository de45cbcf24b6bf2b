"""Redirects after a form: only to pages of this site."""

from __future__ import annotations

from microblog.request import Request
from microblog.tree import LONGEST_NEXT


def get_next_page(request: Request, *, but_not: str | None = None) -> str | None:
    """The `next` of the form, else of the address, when it is a page of this site."""
    kept = request.kept_form
    for fields in (request.POST, dict(kept.fields) if kept else {}, request.GET):
        target = fields.get("next")
        if isinstance(target, str) and target:
            return check_next(target, but_not=but_not)
    return None


def check_next(target: str, *, but_not: str | None = None) -> str | None:
    """`target` when it is a path on this site, else None: no form redirects to another site.

    None also for the path `but_not` and for those below it (the pages of a deleted post).
    """
    if len(target) > LONGEST_NEXT or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(not "!" <= character <= "~" or character == "\\" for character in target):
        return None  # nor can a header hold what is not ASCII
    path = target.partition("?")[0].partition("#")[0]
    if but_not is not None and (path == but_not or path.startswith(f"{but_not}/")):
        return None
    return target
