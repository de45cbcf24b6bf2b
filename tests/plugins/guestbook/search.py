"""A search for a site with few posts: it always finds the newest ones."""

from __future__ import annotations

from sqlalchemy import orm
from zope.interface import implementer

from microblog.paging import Cursor
from microblog.search.interfaces import ISearch
from microblog.search.language import Query
from tests.plugins.guestbook import queries


@implementer(ISearch)
class NewestPosts:
    def search(
        self, session: orm.Session, query: Query, cursor: Cursor, limit: int, reader_id: int | None = None
    ) -> list[int]:
        return queries.list_newest_posts(session, cursor, limit)

    def ranked(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        return queries.list_newest_posts(session, Cursor(), limit)
