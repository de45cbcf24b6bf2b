"""What waits too long, and what was refused for good, reaches the admins."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.outbox import queries
from microblog.outbox.lag import LagWatch


@pytest.fixture
def alerts(application, monkeypatch):
    """The alerts since, as (group, subject)."""
    reported = []

    class Alerts:
        def report(self, kind, group, subject, body):
            assert kind == "outbox"
            assert body.startswith(f"{subject}.")
            reported.append((group, subject))

    monkeypatch.setattr(application.registry, "alerts", Alerts())
    return reported


@pytest.fixture
def letters(database):
    with database.write() as session:
        queries.write(session, "letters", [1, 2])


def change(database, sql):
    with database.write() as session:
        session.execute(sa.text(sql))


@pytest.mark.usefixtures("letters")
def test_deliveries_that_are_stuck_are_reported_once_a_minute(application, database, alerts, caplog):
    lag = LagWatch(application.registry)
    lag.look()
    assert not alerts
    change(database, "UPDATE outbox SET created = created - 700000")
    lag.look()  # not a minute later
    assert not alerts
    LagWatch(application.registry).look()
    assert alerts == [("stuck letters", "Deliveries “letters” are stuck: 2 wait")]
    assert "2 entries “letters” of the outbox wait, the oldest for 7" in caplog.text
    caplog.clear()


@pytest.mark.usefixtures("letters")
def test_deliveries_that_are_no_longer_stuck_are_reported(application, database, alerts, caplog):
    lag = LagWatch(application.registry, seconds_between_looks=0)
    change(database, "UPDATE outbox SET created = created - 700000")
    lag.look()
    change(database, "DELETE FROM outbox")
    for _ in range(2):
        lag.look()
    assert [subject for _, subject in alerts] == [
        "Deliveries “letters” are stuck: 2 wait",
        "Deliveries “letters” work again",
    ]
    assert "The deliveries “letters” of the outbox are no longer stuck." in caplog.text
    caplog.clear()


@pytest.mark.usefixtures("letters")
def test_dead_letters_are_reported(application, database, alerts):
    change(database, "UPDATE outbox SET set_aside = true")
    LagWatch(application.registry).look()
    assert alerts == [("dead letters letters", "2 deliveries “letters” were refused for good")]
