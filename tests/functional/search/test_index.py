"""The index inside the database: a post that cannot be indexed does not affect others."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.paging import Cursor
from microblog.posts.models import Post
from microblog.posts.queries import add_post
from microblog.search.interfaces import Drift
from microblog.search.language import parse
from tests.functional.search.conftest import derive
from tests.walk import bodies, enter, write


def from_outside(database, user_id, *bodies):
    """Posts written in a database shell."""
    with database.engine.begin() as connection:
        for number, body in enumerate(bodies, 1):
            connection.execute(sa.insert(Post).values(id=number, user_id=user_id, body=body))


def pending(database, search):
    with database.read() as session:
        return search.status(session).pending


def find(database, search, text):
    with database.read() as session:
        return search.search(session, parse(text), Cursor(), 10)


def refuse_poison(use_adapter, search):
    """Let the index refuse a post, as it does with one that is not even text."""
    keep = type(search).keep

    def picky(self, session, posts):
        if any("poison" in post["body"] for post in posts):
            session.execute(sa.text("INSERT INTO no_such_table VALUES (1)"))
        keep(self, session, posts)

    use_adapter(derive(search, keep=picky))


def test_a_transaction_indexes_its_own_posts_and_leaves_those_of_others(database, search, susan):
    from_outside(database, susan, "one from a shell", "another")
    with database.write() as session:
        mine = add_post(session, susan, "mine")
    assert find(database, search, "mine") == [mine]
    assert pending(database, search) == 2


def test_a_post_that_was_queued_before_is_indexed_by_the_transaction_that_changes_it(database, search, susan):
    from_outside(database, susan, "old words")
    with database.write() as session:
        session.execute(sa.update(Post).values(body="new words"))
    assert find(database, search, "new") == [1]
    assert pending(database, search) == 0


def test_a_post_that_cannot_be_indexed_is_written_and_stops_no_others(
    application, use_adapter, search, caplog
):
    refuse_poison(use_adapter, search)
    browser = application.browser()
    enter(browser, "susan")
    write(browser, "some poison")
    write(browser, "some honey")
    assert bodies(browser.get("/")) == ["some honey", "some poison"]
    assert bodies(browser.get("/search?q=some")) == ["some honey"]
    assert "1 posts could not be indexed with their transaction; the worker will." in caplog.text
    caplog.clear()


def test_the_worker_leaves_out_what_cannot_be_indexed_and_indexes_the_rest(
    application, use_adapter, database, search, susan, caplog
):
    refuse_poison(use_adapter, search)
    from_outside(database, susan, "some honey", "some poison", "some bread")
    application.registry.worker.round()
    assert find(database, search, "some") == [3, 1]
    with database.read() as session:
        status = search.status(session)
    assert (status.pending, status.refused) == (0, 1)
    assert "Post 2 cannot be indexed, and is left out." in caplog.text
    caplog.clear()
    application.registry.worker.round()
    assert caplog.text == ""


def test_a_queued_post_that_was_deleted_leaves_the_queue(application, database, search, susan):
    from_outside(database, susan, "gone without a trigger")
    with database.write() as session:
        session.execute(
            sa.text(f"INSERT INTO {search.pending} (post_id) VALUES (999) ON CONFLICT DO NOTHING")
        )
    for _ in range(2):
        application.registry.worker.round()
    assert pending(database, search) == 0


def test_repair_queues_no_deleted_post(database, search, susan):
    with database.write() as session:
        search.repair(session, Drift(missing=(999,)))
    assert pending(database, search) == 0


@pytest.mark.parametrize("query", ["a before:2300-01-01", "a after:2300-01-01", "before:9998-01-01"])
def test_days_of_the_far_future_are_no_error(browser, query):
    assert browser.get("/search", {"q": query}).status_int == 200


@pytest.mark.parametrize("query", ["from:%00", "from:%00x", "%00", "lang:%00", "from:" + "x" * 99])
def test_a_search_with_odd_characters_is_no_error(browser, query):
    assert browser.get(f"/search?q={query}").status_int == 200


def test_diacritics_on_a_letter_cost_no_more_than_their_number():
    """What is quadratic here held the write lock for seconds."""
    from microblog.folding import fold

    assert fold("e" + "\u0301" * 20_000 + "x") == "ex"
    assert fold("ก" + "\u0301" * 200_000).startswith("ก")


def test_a_damaged_index_is_reported_with_the_command_that_repairs_it(application, database, search):
    with database.write() as session:
        for table in ("search_fts5", search.texts):
            session.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))
    page = application.browser().get("/search?q=word", status=503)
    assert page.headers["Retry-After"] == "60"
    assert "microblog search rebuild" in page
    search.rebuild(database, lambda count: None)
    assert application.browser().get("/search?q=word").status_int == 200
