"""Rebuilds of an index, and what a test asks about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

POSTS = 9


class CtrlC(BaseException):
    """Ends a rebuild in the middle."""


def rebuild(site: Any, progress: Callable[[int], None] = lambda count: None) -> int:
    return int(site.index.rebuild(site.database, progress))


def remains(site: Any) -> set[str]:
    """Tables and triggers of an index that does not serve, or did."""
    with site.database.read() as session:
        names = {
            "sqlite": "SELECT name FROM sqlite_master",
            "postgresql": "SELECT relname FROM pg_class UNION SELECT tgname FROM pg_trigger",
        }[site.database.dialect]
        return {
            name
            for name in session.scalars(sa.text(names))
            if name.startswith("search_") and ("_next" in name or "_old" in name)
        }


def status(site: Any) -> Any:
    with site.database.read() as session:
        return site.index.status(session)


def interrupted_after(batches: int) -> Callable[[int], None]:
    left = iter(range(batches))

    def progress(count: int) -> None:
        if next(left, None) is None:
            raise CtrlC

    return progress
