"""Who gets the write lock of SQLite, and when."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest
import sqlalchemy as sa

from microblog.db import Database
from microblog.engine import Timeouts
from microblog.write_lock import SQLITE_BUSY_SECONDS, Turns, WaitingConnection

LONG_ENOUGH = 30.0
WRITE = sa.text("INSERT INTO written VALUES (:who)")


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite+pysqlite:///{tmp_path}/written.sqlite3", Timeouts(statement=LONG_ENOUGH))
    with database.write() as session:
        session.execute(sa.text("CREATE TABLE written (who TEXT)"))
    yield database
    database.close()


def write(database: Database, who: str) -> None:
    with database.for_a_request(), database.write() as session:
        session.execute(WRITE, {"who": who})


def start(target, *arguments):
    thread = threading.Thread(target=target, args=arguments)
    thread.start()
    return thread


def get_driver(session) -> WaitingConnection:
    return session.connection().connection.driver_connection


def wait_until_there_are(turns: Turns, count: int) -> None:
    until = time.monotonic() + LONG_ENOUGH
    while len(turns) < count:
        assert time.monotonic() < until


def test_who_writes_again_and_again_does_not_overtake_those_who_wait(database):
    with database.write() as session:
        session.execute(WRITE, {"who": "susan"})
        turns = get_driver(session).turns
        threads = []
        for count, who in enumerate(("john", "tomas"), start=1):
            threads.append(start(write, database, who))
            wait_until_there_are(turns, count)
    write(database, "susan")
    for thread in threads:
        thread.join()
    with database.read() as session:
        order = session.scalars(sa.text("SELECT who FROM written ORDER BY rowid")).all()
    assert order == ["susan", "john", "tomas", "susan"]
    assert len(turns) == 0


def test_who_has_waited_long_enough_for_a_turn_goes_on_without_one():
    turns, went_on = Turns(), []

    def take():
        with turns.take(0.001):
            went_on.append(len(turns))

    with turns.take(LONG_ENOUGH):
        start(take).join()
        assert went_on == [2]
        assert len(turns) == 1
    assert len(turns) == 0


def test_a_lock_of_another_process_is_waited_for_as_long_as_a_request_may_take(tmp_path):
    url = f"sqlite+pysqlite:///{tmp_path}/written.sqlite3"
    holder, database = Database(url), Database(url, Timeouts(statement=0.2))
    with holder.write() as held:
        held.execute(sa.text("CREATE TABLE written (who TEXT)"))
        began = time.monotonic()
        with pytest.raises(sa.exc.OperationalError, match="locked"):
            write(database, "susan")
        assert 0.2 <= time.monotonic() - began < LONG_ENOUGH
    write(database, "john")
    with database.read() as session:
        assert session.scalars(sa.text("SELECT who FROM written")).all() == ["john"]
    holder.close()
    database.close()


def test_an_error_that_waiting_does_not_mend_comes_at_once(database):
    with database.write() as session:
        driver = get_driver(session)
        began = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
            driver.execute("BEGIN IMMEDIATE")
        assert time.monotonic() - began < driver.seconds_for_the_lock / 2
        assert len(driver.turns) == 0


def test_other_statements_leave_the_waiting_to_sqlite(database):
    with database.write() as session:
        timeout = session.scalar(sa.text("PRAGMA busy_timeout"))
    assert timeout == SQLITE_BUSY_SECONDS * 1000
