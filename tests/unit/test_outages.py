"""What is an outage, who is refused for one, and how it ends."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest
import sqlalchemy as sa

from microblog import outages
from microblog.db import Database
from microblog.engine import Timeouts
from microblog.outages import (
    AWAY,
    DAMAGED,
    FULL,
    LOCKED,
    MISSING,
    OVERLOADED,
    READ_ONLY,
    DatabaseUnavailable,
    Outage,
    Outages,
    ends_the_transaction,
    find_outage,
)
from tests.conftest import POSTGRESQL_URL
from tests.probing import wait_until_it_is_over


class OfSQLite(sqlite3.OperationalError):
    def __init__(self, code):
        super().__init__("no")
        self.sqlite_errorcode = code


class OperationalError(Exception):
    """As the drivers of PostgreSQL call it."""

    def __init__(self, sqlstate=None):
        super().__init__("no")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (OfSQLite(13), FULL),
        (OfSQLite(8 | (5 << 8)), READ_ONLY),  # SQLITE_READONLY_CANTINIT
        (OfSQLite(10 | (3 << 8)), DAMAGED),  # SQLITE_IOERR_WRITE
        (OfSQLite(11), DAMAGED),
        (OfSQLite(26), DAMAGED),
        (OfSQLite(14), MISSING),
        (OfSQLite(267), None),  # of an index of search alone
        (OfSQLite(1), None),
        (OperationalError("53100"), FULL),
        (OperationalError("25006"), READ_ONLY),
        (OperationalError("XX001"), DAMAGED),
        (OperationalError("57014"), None),
        (OperationalError("23505"), None),
        (OperationalError(), None),
        (ValueError(), None),
    ],
)
def test_which_errors_of_the_drivers_are_outages(error, outage):
    assert find_outage(error, is_connecting=False, is_writing=True) is outage


def test_every_failure_to_connect_means_that_the_database_is_away():
    assert find_outage(OperationalError(), is_connecting=True, is_writing=True) is AWAY
    assert find_outage(ValueError(), is_connecting=True, is_writing=True) is None


def test_a_write_in_a_read_session_is_no_outage():
    for error in (OfSQLite(8), OperationalError("25006")):
        assert find_outage(error, is_connecting=False, is_writing=False) is None


def test_damage_of_one_table_does_not_end_a_transaction():
    lost = sa.exc.OperationalError("SELECT 1", {}, Exception("gone"), connection_invalidated=True)
    wrong = sa.exc.OperationalError("SELECT 1", {}, Exception("wrong"))
    assert ends_the_transaction(lost)
    assert ends_the_transaction(DatabaseUnavailable(FULL, "full"))
    assert not ends_the_transaction(DatabaseUnavailable(DAMAGED, "damaged"))
    assert not ends_the_transaction(wrong)
    assert not ends_the_transaction(ValueError())


def test_a_folder_that_is_gone_is_no_full_disk(tmp_path):
    assert not outages.is_disk_full(tmp_path / "gone" / "file")
    assert outages.is_disk_full(tmp_path / "file", least=10**18)


# The circuit breaker


class Server:
    """What is probed."""

    def __init__(self):
        self.is_readable = self.is_writable = False
        self.probes = []

    def probe(self, writing):
        self.probes.append(writing)
        if not (self.is_writable if writing else self.is_readable):
            raise DatabaseUnavailable(AWAY, "still")


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def reports():
    """(name, is it over?)"""
    return []


@pytest.fixture
def breaker(server, reports):
    breaker = Outages(server.probe, seconds_between_probes=0.01)
    breaker.observers.append(lambda outage, reason, is_over: reports.append((outage.name, is_over)))
    breaker.guard()
    yield breaker
    breaker.forget()


def until(condition):
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        threading.Event().wait(0.01)
    assert condition()


def kind(name, **more):
    return Outage(name, f"It is {name}", "problem", "people", "advice", quiet_seconds=0, **more)


SHUT = kind("shut", stops_everything=True)
STUCK = kind("stuck")


def test_everybody_is_refused_until_one_thread_has_got_an_answer(breaker, server, reports):
    breaker.report(SHUT, "reason")
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable) as caught:
            breaker.require()
        assert caught.value.outage is SHUT
    until(lambda: len(server.probes) > 3)
    assert reports == [("shut", False)]
    server.is_readable = True
    wait_until_it_is_over(breaker)
    breaker.require()
    assert reports == [("shut", False), ("shut", True)]
    assert server.probes.count(True) == 0  # nobody could not write


def test_an_outage_of_writers_refuses_nobody_and_ends_when_writing_works(breaker, server, reports):
    server.is_readable = True
    breaker.report(STUCK, "reason")
    breaker.report(STUCK, "another reason")
    breaker.require()
    until(lambda: server.probes.count(True) > 2)
    assert breaker.list_ongoing() == [STUCK]
    server.is_writable = True
    wait_until_it_is_over(breaker)
    assert reports == [("stuck", False), ("stuck", True)]


def test_an_outage_is_over_when_nobody_has_met_it_for_a_while(breaker, server, reports):
    """What comes and goes is reported once, but lets people in as soon as there is an answer."""
    server.is_readable = True
    comes_and_goes = Outage("flaps", "It flaps", "problem", "people", "advice", True, quiet_seconds=3600)
    for _ in range(3):
        breaker.report(comes_and_goes, "reason")
        until(lambda: breaker.stopping is None)
        breaker.require()
    assert breaker.list_ongoing() == [comes_and_goes]
    assert reports == [("flaps", False)]


def test_a_probe_does_not_take_a_writer_for_a_lock(server):
    def probe(writing):
        if writing:
            guarded.report(LOCKED, "database is locked")
            server.probes.append(writing)
            raise DatabaseUnavailable(LOCKED, "database is locked")

    guarded = Outages(probe, seconds_between_probes=0.01)
    guarded.guard()
    guarded.report(STUCK, "reason")
    until(lambda: len(server.probes) > 2)
    assert guarded.list_ongoing() == [STUCK]
    guarded.forget()


def test_a_command_is_refused_nothing_beforehand_and_starts_no_thread(server):
    unguarded = Outages(server.probe)
    unguarded.report(SHUT, "reason")
    unguarded.require()
    assert unguarded.list_ongoing() == []
    unguarded.forget()
    assert server.probes == []


def test_a_pool_without_a_free_connection_refuses_everybody_until_one_is_free(migrated, caplog):
    database = Database(migrated(), Timeouts(connect=2 if POSTGRESQL_URL else 0))
    database.outages.seconds_between_probes = 0.05
    database.guard()
    held = [database.engine.connect() for _ in range(15)]
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable) as caught, database.read() as session:
            session.execute(sa.text("SELECT 1"))
        assert caught.value.outage is OVERLOADED
    for connection in held:
        connection.close()
    until(lambda: database.outages.stopping is None)
    with database.read() as session:
        assert session.scalar(sa.text("SELECT 1")) == 1
    (line,) = [r.getMessage() for r in caplog.records if r.name == outages.__name__]
    assert line.startswith(
        "No connection to the database is free (QueuePool limit of size 5 overflow 10 reached,"
    )
    database.outages.forget()
    database.close()
