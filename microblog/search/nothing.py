"""The adapter `none`, and the empty index of adapters that have none of their own."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import orm
from zope.interface import implementer

from microblog.db import Database
from microblog.i18n import _
from microblog.paging import Cursor
from microblog.search.interfaces import Drift, ISearch, ISearchIndex, SearchOff, Status
from microblog.search.language import Query


@implementer(ISearch)
class NoSearch:
    """`microblog.search = none`"""

    def search(
        self,
        session: orm.Session,
        query: Query,
        cursor: Cursor,
        limit: int,
        reader_id: int | None = None,
    ) -> list[int]:
        raise SearchOff(_("Posts cannot be searched on this site."))

    def ranked(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        return self.search(session, query, Cursor(), limit)


@implementer(ISearchIndex)
class NoIndex:
    """An index that holds nothing, and so never differs from the posts."""

    def __init__(self, name: str) -> None:
        self.name = name

    def install(self, session: orm.Session) -> None:
        """Nothing to make."""

    def uninstall(self, session: orm.Session) -> None:
        """Nothing to remove."""

    def rebuild(self, database: Database, progress: Callable[[int], None]) -> int:
        return 0

    def verify(self, database: Database) -> Drift:
        return Drift()

    def repair(self, session: orm.Session, drift: Drift) -> None:
        """Nothing differs."""

    def status(self, session: orm.Session) -> Status:
        return Status(self.name, 0, 0)
