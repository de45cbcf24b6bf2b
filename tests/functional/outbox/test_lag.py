"""What waits too long, and what was refused for good, reaches the admins."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.events import AlertRaised
from microblog.outbox import queries
from microblog.outbox.lag import LagWatch


@pytest.fixture
def application(make_application):
    return make_application(extend=lambda config: config.add_subscriber(note_alert, AlertRaised))


def note_alert(event):
    assert event.kind == "outbox"
    assert event.body.startswith(f"{event.subject}.")
    event.registry.reported.append((event.group, event.subject))


@pytest.fixture
def alerts(application):
    """The alerts since, as (group, subject)."""
    application.registry.reported = []
    return application.registry.reported


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
    lag.check()
    assert not alerts
    change(database, "UPDATE outbox SET created = created - 700000")
    lag.check()  # not a minute later
    assert not alerts
    LagWatch(application.registry).check()
    assert alerts == [("stuck letters", "Deliveries “letters” are stuck: 2 wait")]
    assert "2 entries “letters” of the outbox wait, the oldest for 7" in caplog.text
    caplog.clear()


@pytest.mark.usefixtures("letters")
def test_deliveries_that_are_no_longer_stuck_are_reported(application, database, alerts, caplog):
    lag = LagWatch(application.registry, seconds_between_checks=0)
    change(database, "UPDATE outbox SET created = created - 700000")
    lag.check()
    change(database, "DELETE FROM outbox")
    for _ in range(2):
        lag.check()
    assert [subject for _, subject in alerts] == [
        "Deliveries “letters” are stuck: 2 wait",
        "Deliveries “letters” work again",
    ]
    assert "The deliveries “letters” of the outbox are no longer stuck." in caplog.text
    caplog.clear()


@pytest.mark.usefixtures("letters")
def test_dead_letters_are_reported(application, database, alerts):
    change(database, "UPDATE outbox SET set_aside = true")
    LagWatch(application.registry).check()
    assert alerts == [("dead letters letters", "2 deliveries “letters” were refused for good")]
