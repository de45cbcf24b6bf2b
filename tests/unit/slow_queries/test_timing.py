"""Every way to run a statement and to fetch from it is timed, and told to whoever is observed."""

from __future__ import annotations

import re
import sqlite3

import psycopg.sql
import pytest
import sqlalchemy as sa

from microblog.call_sites import Place, place
from microblog.db import Database
from microblog.observing import Observation, observed
from microblog.slow_queries import timing
from microblog.slow_queries.timing import Run, Timer, install
from tests.conftest import POSTGRESQL_URL

THREE = sa.text("SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3")
SECOND = 1_000_000_000

on_sqlite = pytest.mark.skipif(
    bool(POSTGRESQL_URL), reason="Run without MICROBLOG_TEST_DATABASE_URL too: this is about SQLite."
)
on_postgresql = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: this is about PostgreSQL's cursors."
)


class Registry:
    observers: tuple[()] = ()


class Notes:
    """A reporter that keeps what it is told; it leaves everything to the cursors."""

    def __init__(self) -> None:
        self.begun: list[Run] = []
        self.over: list[Run] = []
        self.often: list[str] = []

    def slow(self, run: Run) -> bool:
        self.begun.append(run)
        return False

    def finished(self, run: Run) -> None:
        self.over.append(run)

    def repeated(self, observation: Observation, statement: str, where: Place) -> None:
        self.often.append(statement)

    def statements(self) -> list[str]:
        return [run.statement for run in self.over]


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def timed(migrated, notes):
    """A function that gives a database whose statements are all too slow, unless `threshold` says else."""
    made = []

    def timed(*, threshold=1e-9, repeats=0):
        database = Database(migrated())
        install(database.engine, Timer(notes, threshold=threshold, repeats=repeats))
        made.append(database)
        return database

    yield timed
    for database in made:
        database.close()


@pytest.fixture
def connection(timed):
    """The driver's own connection."""
    database = timed()
    connection = database.engine.raw_connection()
    yield connection
    connection.close()


@pytest.fixture
def observation():
    with observed(Registry(), "a test") as observation:
        yield observation


def test_machinery_counts_as_no_statement(timed, observation):
    with timed().write() as session:
        session.execute(THREE).all()
        with session.begin_nested():
            session.execute(THREE).all()
        session.connection().exec_driver_sql("SET LOCAL x.y = 1" if POSTGRESQL_URL else "PRAGMA user_version")
    (times, ns) = observation.counts.pop(next(iter(observation.counts)))
    assert (observation.statements, times, observation.counts) == (2, 2, {})
    assert 0 < ns < observation.sql_ns  # which has the COMMIT too


def test_waiting_for_the_write_lock_is_reported_though_it_counts_as_no_statement(timed, notes, observation):
    database = timed()
    with database.write():
        pass
    with database.read() as session:
        session.execute(THREE).all()
    if database.dialect == "sqlite":
        assert "BEGIN DEFERRED" in notes.statements()
    assert observation.statements == 1


def test_without_an_observation_slow_statements_are_reported_too(timed, notes):
    with timed().read() as session:
        session.execute(THREE).all()
    run = notes.over[-1]
    assert (run.statement, run.observation) == (str(THREE), None)
    assert run.seconds == run.ns / 1e9 > 0


@pytest.mark.parametrize(
    "fetch",
    [
        lambda result: result.all(),
        lambda result: [row.a for row in result],
        lambda result: [result.fetchone(), result.fetchone(), result.fetchone(), result.fetchone()],
        lambda result: [result.fetchmany(2), result.fetchmany(2), result.fetchmany(2)],
        lambda result: result.first(),
    ],
    ids=["all", "iteration", "fetchone", "fetchmany", "first"],
)
def test_fetching_counts_for_its_statement(timed, notes, observation, fetch):
    with timed().read() as session:
        result = session.execute(THREE)
        executed = observation.counts[str(THREE)][1]
        (run,) = [run for run in notes.begun if run.statement == str(THREE)]
        assert run not in notes.over
        fetch(result)
        assert run in notes.over
    # The rows of PostgreSQL come with the statement.
    assert executed < run.ns or POSTGRESQL_URL
    assert observation.counts[str(THREE)][1] == run.ns
    assert observation.counts[str(THREE)][0] == 1


def test_a_result_that_was_left_half_read_is_reported_at_the_end_of_its_transaction(timed, notes):
    with timed().read() as session:
        result = session.execute(THREE)
        result.fetchone()
        assert str(THREE) not in notes.statements()
    assert notes.statements().count(str(THREE)) == 1


def test_a_half_read_result_is_reported_when_its_transaction_is_committed(timed, notes):
    with timed().write() as session:
        session.execute(THREE).fetchone()
    assert notes.statements().count(str(THREE)) == 1


@on_sqlite
def test_what_is_slow_only_by_its_fetching_is_slow(timed, notes, monkeypatch):
    """The clock of the test goes on by a second at each look."""
    seconds = iter(range(1000))
    database = timed(threshold=1.5)
    with database.read() as session:
        session.execute(THREE).all()
        monkeypatch.setattr(timing, "now", lambda: next(seconds) * SECOND)
        result = session.execute(THREE)
        assert notes.begun == []
        result.fetchone()
        ((run,), waiting) = notes.begun, notes.over[:]
        assert (run.seconds, waiting) == (2, [])
        result.all()
        assert run.seconds == 3
    assert notes.over[0] is run


def test_a_driver_that_fails_is_timed_until_then(timed, notes):
    with timed().read() as session, pytest.raises(sa.exc.DBAPIError):
        session.execute(sa.text("SELECT nothing FROM nowhere"))
    assert "SELECT nothing FROM nowhere" in notes.statements()


def test_a_statement_with_many_parameters_is_one(timed, observation):
    with timed().write() as session:
        session.execute(sa.text("DELETE FROM posts WHERE id = :id"), [{"id": 1}, {"id": 2}])
    assert [times for times, _ in observation.counts.values()] == [1]


def test_cursors_of_the_driver_are_timed_too(connection, notes, observation):
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    assert notes.statements() == []
    cursor.execute("SELECT 2")
    assert notes.statements() == ["SELECT 1"]
    assert cursor.fetchall() == [(2,)]
    cursor.close()
    assert notes.statements() == ["SELECT 1", "SELECT 2"]
    assert observation.statements == 2


@on_sqlite
def test_a_cursor_that_is_used_again_has_told_what_it_fetched(timed, observation):
    connection = timed(threshold=60).engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    executed = observation.counts["SELECT 1"][1]
    cursor.fetchone()
    cursor.execute("SELECT 2")
    assert observation.counts["SELECT 1"][1] > executed
    connection.close()


@on_sqlite
def test_iteration_over_a_cursor_of_sqlite_is_timed(connection, observation):
    cursor = connection.cursor()
    assert list(cursor.execute("SELECT 1 UNION SELECT 2")) == [(1,), (2,)]
    cursor.close()
    assert list(observation.counts) == ["SELECT 1 UNION SELECT 2"]


@on_sqlite
def test_what_a_connection_of_sqlite_executes_itself_is_timed(connection, observation):
    driver = connection.driver_connection
    driver.execute("SELECT 1")
    driver.executemany("DELETE FROM posts WHERE id = ?", [(1,), (2,)])
    driver.executescript("SELECT 2; SELECT 3")
    assert list(observation.counts) == ["SELECT 1", "DELETE FROM posts WHERE id = ?", "SELECT 2; SELECT 3"]


@on_sqlite
def test_a_cursor_of_another_class_is_as_it_was_wanted(connection):
    class Own(sqlite3.Cursor):
        pass

    assert type(connection.driver_connection.cursor(Own)) is Own


@on_postgresql
def test_what_psycopg_takes_as_a_statement_is_timed(connection, observation):
    cursor = connection.cursor()
    cursor.execute(b"SELECT 1")
    cursor.execute(psycopg.sql.SQL("SELECT 2"))
    cursor.close()
    assert list(observation.counts) == ["SELECT 1", "SQL('SELECT 2')"]


@on_postgresql
def test_a_cursor_of_the_server_is_timed(timed, notes, observation):
    with timed().read() as session:
        rows = session.execute(THREE, execution_options={"yield_per": 1})
        executed = observation.counts[str(THREE)][1]
        assert len(list(rows)) == 3
        assert observation.counts[str(THREE)][1] > executed
    assert str(THREE) in notes.statements()


def test_a_connection_from_before_the_timing_goes_on_untimed(migrated, notes, observation):
    database = Database(migrated())
    with database.engine.connect() as connection:
        connection.rollback()
        install(database.engine, Timer(notes, threshold=1e-9, repeats=0))
        assert len(connection.execute(THREE).all()) == 3
    database.close()
    assert (notes.begun, observation.statements) == ([], 0)


def test_whoever_asks_has_every_statement_with_its_place(timed, notes, observation):
    observation.recorded = []
    with timed(threshold=60).write() as session:
        result = session.execute(
            sa.text("SELECT a FROM (SELECT 1 AS a UNION ALL SELECT 2) AS v WHERE a < :most"), {"most": 5}
        )
        executed = observation.recorded[0].seconds
        result.all()
    statement, commit = observation.recorded
    assert statement.statement.startswith("SELECT a FROM (SELECT 1 AS a UNION ALL SELECT 2) AS v WHERE a < ")
    assert (statement.parameters, commit.statement) == ("most=5", "COMMIT")
    assert 0 < executed < statement.seconds or POSTGRESQL_URL
    assert re.fullmatch(
        r"tests/unit/slow_queries/test_timing\.py:\d+ in test_whoever_asks_.*", statement.source
    )
    observation.recorded = None
    with timed(threshold=60).read() as session:
        session.execute(THREE)
    assert notes.begun == []


def test_a_cursor_that_is_used_again_is_recorded_again(connection, observation):
    observation.recorded = []
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    cursor.execute("SELECT 2")
    observation.recorded = None
    cursor.execute("SELECT 3")
    cursor.close()
    assert observation.statements == 3


def test_the_first_run_too_many_is_told(timed, notes, observation):
    with timed(threshold=0, repeats=2).read() as session:
        for _ in range(5):
            session.execute(THREE).all()
    assert (notes.often, notes.begun) == ([str(THREE)], [])


def test_a_long_task_keeps_so_many_different_statements_only(timed, observation, monkeypatch):
    monkeypatch.setattr(timing, "MOST_DIFFERENT_STATEMENTS", 2)
    with timed(threshold=0).read() as session:
        for number in (1, 2, 3, 3, 1):
            session.execute(sa.text(f"SELECT {number}"))
    assert (list(observation.counts), observation.statements) == (["SELECT 1", "SELECT 2"], 5)


def test_the_place_is_the_innermost_frame_outside_of_the_libraries():
    assert re.fullmatch(r"tests/unit/slow_queries/test_timing\.py:\d+ in test_the_place_is_.*", str(place()))
    assert str(Place("", "")) == "not known"
    assert str(Place("a.py:1 in f", "a.py:1 in f")) == "a.py:1 in f"
    assert str(Place("a.py:1 in f", "views.py:2 in g")) == "a.py:1 in f, called from views.py:2 in g"
