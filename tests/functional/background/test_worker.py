"""What the worker does is observed, and what it cannot deliver reaches the admins."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.outbox import queries as outbox


@pytest.fixture
def told(application, monkeypatch):
    """The alerts since, as (group, subject)."""
    told = []

    class Alerts:
        def report(self, kind, group, subject, body):
            told.append((group, subject))

    monkeypatch.setattr(application.registry, "alerts", Alerts())
    return told


@pytest.fixture
def worker(application):
    return type(application.registry.worker)(application.registry)


def change(database, sql):
    with database.write() as session:
        session.execute(sa.text(sql))


def test_each_task_is_observed_by_its_name(application, worker, monkeypatch):
    names = []
    monkeypatch.setattr(
        application.registry, "observers", [lambda observation, response: names.append(observation.task)]
    )
    worker.round()
    assert names == ["deferred writes", "search index", "expired sessions", "outbox"]


def test_deliveries_that_are_stuck_are_told_once_a_minute(database, worker, told, caplog):
    with database.write() as session:
        outbox.write(session, "letters", [1, 2])
    worker.look_after()
    assert not told
    change(database, "UPDATE outbox SET created = created - 700000")
    worker.look_after()  # not a minute later
    assert not told
    worker = type(worker)(worker._registry)
    worker.look_after()
    assert told == [("stuck letters", "Deliveries “letters” are stuck: 2 wait")]
    assert "2 entries “letters” of the outbox wait, the oldest for 7" in caplog.text


def test_deliveries_that_are_no_longer_stuck_are_told(database, worker, told, caplog):
    with database.write() as session:
        outbox.write(session, "letters", [1])
    change(database, "UPDATE outbox SET created = created - 700000")
    worker.look_after()
    change(database, "DELETE FROM outbox")
    for _ in range(2):
        worker._last.clear()  # a minute later
        worker.look_after()
    assert [subject for _, subject in told] == [
        "Deliveries “letters” are stuck: 1 wait",
        "Deliveries “letters” work again",
    ]
    assert "The deliveries “letters” of the outbox are no longer stuck." in caplog.text


def test_deliveries_that_were_refused_are_told(database, worker, told):
    with database.write() as session:
        outbox.write(session, "letters", [1])
    change(database, "UPDATE outbox SET set_aside = true")
    worker.look_after()
    assert told == [("set aside letters", "1 deliveries “letters” were refused for good")]
