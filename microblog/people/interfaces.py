"""How people are found. The room that does it stands above this one, since it needs the words of search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface

if TYPE_CHECKING:
    from sqlalchemy import orm

    from microblog.people.queries import PersonRow
    from microblog.request import Registry


class IPeopleSearch(Interface):
    """Finds people by their names and by what they say about themselves."""

    def find(session: orm.Session, q: str, *, limit: int, reader_id: int | None) -> list[PersonRow]:
        """The people that all words of `q` are found in, the active ones first; never an error.

        However many there are, it looks at a bounded number of them.
        """


def get_people_search(registry: Registry) -> IPeopleSearch:
    found: IPeopleSearch = registry.getUtility(IPeopleSearch)
    return found
