"""No search at all: the page says so, and everything else goes on."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from microblog.search.interfaces import Drift, ISearch, SearchUnavailable, Status


@implementer(ISearch)
class NoSearch:
    name = "none"

    def check(self, settings: Any, database: Any) -> None:
        """Works with everything."""

    def install(self, session: Any) -> None:
        """Nothing to make."""

    def uninstall(self, session: Any) -> None:
        """Nothing to remove."""

    def after_begin(self, session: Any, connection: Any) -> None:
        """Nothing to remember."""

    def before_commit(self, session: Any) -> None:
        """Nothing to index."""

    def catch_up(self, database: Any, limit: int) -> int:
        return 0

    def waiting(self, session: Any, author_id: int) -> list[int]:
        return []

    def search(self, session: Any, query: Any, cursor: Any, limit: int) -> list[int]:
        raise SearchUnavailable("Posts cannot be searched on this site.")

    def ranked(self, session: Any, query: Any, limit: int) -> list[int]:
        return self.search(session, query, None, limit)

    def rebuild(self, database: Any, progress: Any) -> int:
        return 0

    def verify(self, database: Any) -> Drift:
        return Drift()

    def repair(self, session: Any, drift: Any) -> None:
        """Nothing to mend."""

    def status(self, session: Any) -> Status:
        return Status(self.name, 0, 0)
