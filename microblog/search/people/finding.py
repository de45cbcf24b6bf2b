"""Finds people, and keeps their words up to date in the transaction in which they change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import orm
from zope.interface import implementer

from microblog.accounts.events import AccountCreated, AccountDeleted, ProfileChanged
from microblog.people.interfaces import IPeopleSearch
from microblog.people.queries import PersonRow
from microblog.search.people import queries
from microblog.search.people.words import parse_query

ACTIVE = timedelta(days=30)


def get_active_since() -> datetime:
    """Who joined, came here or wrote since then is active."""
    return datetime.now(UTC) - ACTIVE


@implementer(IPeopleSearch)
class PeopleSearch:
    def find(self, session: orm.Session, q: str, *, limit: int, reader_id: int | None) -> list[PersonRow]:
        query = parse_query(q)
        if not query.terms and not query.nickname:
            return []
        since = get_active_since()
        return queries.find_people(session, query, since=since, limit=limit, reader_id=reader_id)


def update_words(event: AccountCreated | ProfileChanged | AccountDeleted) -> None:
    queries.write_words(event.session, [event.user_id], get_active_since())
