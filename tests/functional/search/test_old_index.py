"""What operators are told of an index that was made by an older rule."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa

from microblog.search import records
from microblog.search.feeding import OldIndexNotice
from microblog.search.models import IndexState


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


def test_readers_are_told_nothing_of_an_old_index(application, old):
    assert "rebuild" not in application.browser().get("/search?q=apple")
