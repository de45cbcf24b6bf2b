"""Search adapters that fail, for tests of commands."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from microblog.search.interfaces import Drift, ISearch, ISearchIndex, SearchUnavailable
from microblog.search.nothing import NoIndex, NoSearch


@implementer(ISearch, ISearchIndex)
class EmptySearch(NoSearch, NoIndex):
    """Has an index with nothing in it."""

    def __init__(self) -> None:
        super().__init__("none")


class FaultySearch(EmptySearch):
    """Has a fault of its own."""

    def status(self, session: Any) -> Any:
        raise RuntimeError("a fault")


class DownSearch(EmptySearch):
    """Cannot be reached."""

    def status(self, session: Any) -> Any:
        raise SearchUnavailable("The index does not answer.")


class StubbornSearch(EmptySearch):
    """Differs, and is not repaired by `repair`."""

    def verify(self, database: Any) -> Drift:
        return Drift(missing=tuple(range(30)))


def includeme(config):
    """Two checks, one of which finds something wrong."""
    config.add_health_check("letters", lambda registry: None, order=6)
    config.add_health_check("post office", lambda registry: "it is closed", order=7)
