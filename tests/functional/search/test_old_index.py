"""What operators are told of an index that was made by an older rule."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa

from microblog.paging import Cursor
from microblog.posts.models import Post
from microblog.posts.queries import add_post
from microblog.search import records
from microblog.search.embedded.steps import Steps
from microblog.search.feeding import OldIndexNotice
from microblog.search.interfaces import SearchUnavailable
from microblog.search.language import parse
from microblog.search.models import IndexState
from tests.conftest import POSTGRESQL_URL


@pytest.fixture
def old(database, search):
    """The index was made by the version before."""
    with database.write() as session:
        records.note_rule(session, search.name)
        session.execute(sa.update(IndexState).values(rule=None))


def notices(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_the_worker_logs_once_that_the_index_is_old(application, database, search, old, caplog):
    notice = OldIndexNotice()
    notice(application.registry)
    notice(application.registry)
    assert notices(caplog) == [records.OLD]
    search.rebuild(database, lambda count: None)
    notice(application.registry)
    assert notices(caplog) == [records.OLD]


def test_the_worker_logs_nothing_of_an_index_that_is_not_built(application, database, search, caplog):
    with database.write() as session:
        search.uninstall(session)
    OldIndexNotice()(application.registry)
    assert notices(caplog) == []
    with database.write() as session:
        search.install(session)


def test_readiness_is_not_lost_by_an_old_index(application, old):
    assert application.browser().get("/health/ready").status_int == 200


def test_readers_are_reported_nothing_of_an_old_index(application, old):
    assert "rebuild" not in application.browser().get("/search?q=apple")


def test_an_old_index_takes_new_posts_with_their_forms(database, search, susan, old):
    with database.write() as session:
        post = add_post(session, susan, "Die Rose", language="de")
    with database.read() as session:
        assert search.status(session).is_old
        assert search.search(session, parse("rosen"), Cursor(), 3) == [post]
    search.rebuild(database, lambda count: None)
    with database.read() as session:
        assert not search.status(session).is_old
        assert search.search(session, parse("rosen"), Cursor(), 3) == [post]


ON_POSTGRESQL = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite makes new triggers."
)


@pytest.fixture
def rose(database, susan):
    """A post in no known language, of which the trigger of the version before notices only the text."""
    with database.write() as session:
        post = add_post(session, susan, "Die Rose")
        session.execute(
            sa.text(
                "CREATE OR REPLACE TRIGGER search_postgresql_post_changed "
                "AFTER INSERT OR DELETE OR UPDATE OF id, body ON posts "
                "FOR EACH ROW EXECUTE FUNCTION search_postgresql_changed()"
            )
        )
    return post


def find_when_its_language_is_corrected(database, search):
    with database.write() as session:
        session.execute(sa.update(Post).where(Post.body == "Die Rose").values(language="de"))
    with database.read() as session:
        return search.search(session, parse("rosen"), Cursor(), 3)


@ON_POSTGRESQL
def test_a_rebuild_replaces_a_trigger_that_does_not_notice_languages(database, search, rose):
    assert find_when_its_language_is_corrected(database, search) == []
    with database.write() as session:
        session.execute(sa.update(Post).values(language=None))
    search.rebuild(database, lambda count: None)
    assert find_when_its_language_is_corrected(database, search) == [rose]


@ON_POSTGRESQL
def test_nobody_waits_behind_a_rebuild_that_waits_to_replace_the_trigger(database, search, susan, rose):
    with database.engine.connect() as writer:
        writer.execute(sa.update(Post).values(body=Post.body))
        meanwhile = []

        def write(seconds):
            if seconds and writer.in_transaction():
                with database.write() as session:
                    meanwhile.append(add_post(session, susan, "meanwhile"))
            if len(meanwhile) == 3:
                writer.rollback()

        type(search)(steps=Steps(sleep=write)).rebuild(database, lambda count: None)
    assert find_when_its_language_is_corrected(database, search) == [rose]
    with database.read() as session:
        assert search.search(session, parse("meanwhile"), Cursor(), 9) == meanwhile[::-1]


@ON_POSTGRESQL
def test_a_rebuild_gives_up_when_somebody_writes_posts_for_too_long(database, search, rose):
    impatient = type(search)(steps=Steps(seconds_to_wait_for_writers=0, sleep=lambda seconds: None))
    with database.engine.connect() as writer:
        writer.execute(sa.update(Post).values(body=Post.body))
        with pytest.raises(SearchUnavailable, match="has been writing posts"):
            impatient.rebuild(database, lambda count: None)
    impatient.rebuild(database, lambda count: None)
    assert find_when_its_language_is_corrected(database, search) == [rose]
