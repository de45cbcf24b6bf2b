"""What the adapters inside the database do besides the contract."""

from __future__ import annotations

import pytest

from microblog.accounts.queries import add_user
from microblog.posts.ids import new_id
from microblog.posts.paging import Cursor
from microblog.posts.queries import add_post, add_posts
from microblog.search.interfaces import SearchUnavailable
from microblog.search.language import parse

MANY = 3000


def test_a_query_that_takes_too_long_is_stopped_and_the_request_goes_on(make_application):
    application = make_application()
    database, search = application.database, application.registry.search
    with database.write() as session:
        susan = add_user(session, "susan")
        rows = [{"id": new_id(), "user_id": susan, "body": "x " * 40, "language": None} for _ in range(MANY)]
        add_posts(session, rows)
    search.catch_up(database, MANY)
    search.seconds_for_a_query = 0
    with database.read() as session:
        with pytest.raises(SearchUnavailable, match="took too long"):
            search.search(session, parse("-nowhere -x"), Cursor(), 10)
        search.seconds_for_a_query = 10
        assert search.search(session, parse("-nowhere -x"), Cursor(), 10) == []


def test_an_index_inside_the_database_needs_no_rebuild_to_hold_what_was_there(make_application):
    application = make_application()
    database, search = application.database, application.registry.search
    with database.write() as session:
        search.uninstall(session)
    with database.write() as session:
        post, _ = add_post(session, add_user(session, "susan"), "before there was an index")
    with database.write() as session:
        search.install(session)
    with database.read() as session:
        assert search.search(session, parse("before"), Cursor(), 10) == [post]
