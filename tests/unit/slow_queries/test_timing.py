"""Every way to run a statement and to fetch from it is timed, and counted for the current observation."""

from __future__ import annotations

import itertools
import re
import sqlite3

import pytest
import sqlalchemy as sa

from microblog.call_sites import CallSite, find_call_site
from microblog.db import Database
from microblog.observing import Observation, observe
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
    """A reporter that keeps its calls; it leaves reporting to the cursors."""

    def __init__(self) -> None:
        self.begun: list[Run] = []
        self.over: list[Run] = []
        self.often: list[str] = []

    def note_slow(self, run: Run) -> bool:
        self.begun.append(run)
        return False

    def report(self, run: Run) -> None:
        self.over.append(run)

    def note_repeated(self, observation: Observation, statement: str, where: CallSite) -> None:
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

    def timed(*, threshold=1e-9, repeats=0, **options):
        database = Database(migrated())
        install(database.engine, Timer(notes, threshold=threshold, repeats=repeats, **options))
        made.append(database)
        return database

    yield timed
    for database in made:
        database.close()


@pytest.fixture
def observation():
    with observe(Registry(), "a test") as observation:
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
def test_a_statement_that_is_slow_only_by_its_fetching_is_slow(timed, notes):
    """Each look at the clock of the test takes a second, once a statement was prepared."""
    seconds = itertools.count()
    step = 0
    with timed(threshold=1.5, clock=lambda: next(seconds) * step).read() as session:
        session.execute(THREE).all()
        step = SECOND
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


def test_a_statement_that_is_sent_as_it_is_written_is_one_too(timed, observation):
    with timed().read() as session:
        connection = session.connection(execution_options={"no_parameters": True})
        assert connection.exec_driver_sql("SELECT 1 WHERE 'x' LIKE '%'").all() == [(1,)]
    assert observation.statements == 1


def test_inserts_of_many_rows_are_counted_by_their_batches(timed, notes, observation):
    """SQLAlchemy inserts each batch by the same cursor."""
    table = sa.Table("heartbeats", sa.MetaData(), sa.Column("name", sa.String), sa.Column("seen", sa.Integer))
    insert = table.insert().returning(table.c.name)
    rows = [{"name": f"worker {number}", "seen": 0} for number in range(5)]
    with timed().write() as session:
        options = {"insertmanyvalues_page_size": 2}
        names = session.connection().execute(insert, rows, execution_options=options).scalars().all()
    assert sorted(names) == [row["name"] for row in rows]
    inserts = [statement for statement in notes.statements() if statement.startswith("INSERT")]
    assert len(inserts) == observation.statements == 3
    assert sum(times for times, _ in observation.counts.values()) == 3


@on_sqlite
def test_a_cursor_of_another_class_is_as_it_was_wanted(timed):
    class Own(sqlite3.Cursor):
        pass

    with timed().read() as session:
        driver = session.connection().connection.driver_connection
        assert type(driver.cursor(Own)) is Own


@on_postgresql
def test_a_cursor_of_the_server_is_timed(timed, notes, observation):
    with timed().read() as session:
        rows = session.execute(THREE, execution_options={"yield_per": 1})
        executed = observation.counts[str(THREE)][1]
        assert len(list(rows)) == 3
        assert observation.counts[str(THREE)][1] > executed
    assert str(THREE) in notes.statements()


def test_a_connection_from_before_the_timing_stays_untimed(migrated, notes, observation):
    database = Database(migrated())
    with database.engine.connect() as connection:
        connection.rollback()
        install(database.engine, Timer(notes, threshold=1e-9, repeats=0))
        assert len(connection.execute(THREE).all()) == 3
    database.close()
    assert (notes.begun, observation.statements) == ([], 0)


def test_a_recording_observation_has_every_statement_with_its_call_site(timed, notes, observation):
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
        r"tests/unit/slow_queries/test_timing\.py:\d+ in test_a_recording_observation_.*", statement.source
    )
    observation.recorded = None
    with timed(threshold=60).read() as session:
        session.execute(THREE)
    assert notes.begun == []


def test_the_first_run_above_the_limit_is_reported(timed, notes, observation):
    with timed(threshold=0, repeats=2).read() as session:
        for _ in range(5):
            session.execute(THREE).all()
    assert (notes.often, notes.begun) == ([str(THREE)], [])


def test_a_long_task_keeps_so_many_different_statements_only(timed, observation):
    with timed(threshold=0, most_statements=2).read() as session:
        for number in (1, 2, 3, 3, 1):
            session.execute(sa.text(f"SELECT {number}"))
    assert (list(observation.counts), observation.statements) == (["SELECT 1", "SELECT 2"], 5)


def test_the_call_site_is_the_innermost_frame_outside_of_the_libraries():
    assert re.fullmatch(
        r"tests/unit/slow_queries/test_timing\.py:\d+ in test_the_call_site_is_.*", str(find_call_site())
    )
    assert str(CallSite("", "")) == "not known"
    assert str(CallSite("a.py:1 in f", "a.py:1 in f")) == "a.py:1 in f"
    assert str(CallSite("a.py:1 in f", "views.py:2 in g")) == "a.py:1 in f, called from views.py:2 in g"
