"""Migrations: they agree with the models, go up and down, and lose neither a row nor a trigger."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from microblog import configure_without_site
from microblog.accounts.queries import add_user
from microblog.db import Database
from microblog.operations import migrating
from microblog.people.models import Follow
from microblog.posts.models import Post
from microblog.posts.queries import add_post
from microblog.search.embedded.fts5 import FTS5Search
from tests.competing import has_to_wait
from tests.conftest import POSTGRESQL_URL
from tests.functional.commands.conftest import write_ini
from tests.migrations import before

ROOT = Path(__file__).parents[3]
ALEMBIC = f"""
[alembic]
script_location = {ROOT}/alembic
path_separator = os
"""


@pytest.fixture(autouse=True, scope="module")
def every_model() -> None:
    configure_without_site()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if not POSTGRESQL_URL:
        database = Database(f"sqlite+pysqlite:///{tmp_path}/empty.sqlite3")
        yield database
        database.close()
        return
    name = f"microblog_test_migrating_{os.getpid()}"
    server = sa.create_engine(POSTGRESQL_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    database = Database(sa.make_url(POSTGRESQL_URL).set(database=name).render_as_string(hide_password=False))
    yield database
    database.close()
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


def tables(database: Database) -> set[str]:
    with database.reading.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def counts(database: Database) -> list[tuple[int, int, int]]:
    with database.read() as session:
        rows = session.execute(
            sa.text("SELECT posts_count, followers_count, following_count FROM users ORDER BY id")
        )
        return [tuple(row) for row in rows]


def test_models_and_migrations_agree(empty):
    migrating.upgrade(empty)
    assert migrating.find_differences(empty) == []


def test_a_difference_between_models_and_database_is_found(empty):
    migrating.upgrade(empty)
    with empty.write() as session:
        session.execute(sa.text("DROP INDEX ix_posts_user_id_id"))
    assert [difference[0] for difference in migrating.find_differences(empty)] == ["add_index"]


def test_migrations_go_up_and_down_and_up_again(empty):
    assert migrating.get_current_revision(empty) is None
    migrating.upgrade(empty)
    assert migrating.get_current_revision(empty) == migrating.get_head()
    there = tables(empty)
    migrating.downgrade(empty)
    assert tables(empty) == {"alembic_version"}
    assert migrating.get_current_revision(empty) is None
    migrating.upgrade(empty)
    assert tables(empty) == there
    assert migrating.find_differences(empty) == []


@pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)
def test_a_second_migration_waits_for_the_first_and_finds_it_done(empty, tmp_path):
    """Two servers start with `serve --upgrade` at once."""
    with empty.engine.connect() as first, migrating.alone(first):
        assert has_to_wait(empty, lambda second: take_turns(second.connection()))
        assert has_to_wait(empty, lambda second: migrating.wait_for_others(second.connection()))
    with empty.engine.connect() as second:
        take_turns(second)
    url = empty.engine.url.render_as_string(hide_password=False)
    patient = "microblog.slow_queries.threshold = 0"  # one waits for the other
    ini = write_ini(tmp_path / "site.ini", url, more=patient, sections=ALEMBIC)
    command = [sys.executable, "-m", "alembic", "-c", str(ini), "upgrade", "head"]
    both = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(process.communicate()[1], process.returncode) for process in both] == [("", 0), ("", 0)]
    assert migrating.find_differences(empty) == []


def take_turns(connection: sa.Connection) -> None:
    with migrating.alone(connection):
        pass


def fill(database: Database) -> None:
    """Two people, one follows the other, three posts."""
    with database.write() as session:
        susan, john = add_user(session, "susan"), add_user(session, "john")
        session.execute(sa.insert(Follow).values(follower_id=susan, followee_id=john, since=1))
        for number in range(3):
            add_post(session, john, f"post {number}")


def test_a_filled_database_survives_a_batch_migration_with_every_row_and_trigger(empty):
    migrating.upgrade(empty)
    search = FTS5Search()
    if empty.dialect == "sqlite":
        with empty.write() as session:
            search.install(session)
    fill(empty)

    def change(operations: Operations) -> None:
        for table, column in (("users", "nickname"), ("posts", "body"), ("follows", "since")):
            with migrating.batch_alter_table(operations, table, recreate="auto") as batch:
                batch.add_column(sa.Column("added", sa.Integer))
                batch.alter_column(column, nullable=False)

    run(empty, change)
    assert counts(empty) == [(0, 0, 1), (3, 1, 0)]
    with empty.write() as session:
        session.execute(sa.delete(Post).where(Post.body == "post 0"))
        if empty.dialect == "sqlite":
            assert search.has_pending(session)
            search.index_pending(session, 100)
    assert counts(empty) == [(0, 0, 1), (2, 1, 0)], "the triggers are there and count"
    if empty.dialect == "sqlite":
        assert not search.verify(empty)


@pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)
def test_a_table_that_somebody_holds_is_not_waited_for_by_all_others(empty):
    migrating.upgrade(empty, "0006")
    with empty.engine.connect() as backup:
        backup.exec_driver_sql("LOCK TABLE outbox IN ACCESS SHARE MODE")
        with pytest.raises(migrating.MigrationError, match="Another process, such as a running backup"):
            migrating.upgrade(empty, attempts=1)
        backup.rollback()
    assert migrating.get_current_revision(empty) == "0006"
    migrating.upgrade(empty)
    assert migrating.get_current_revision(empty) == migrating.get_head()


@pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)
def test_each_migration_keeps_writers_from_at_most_one_table_that_was_there(empty):
    """Else somebody who has written to the second and waits for the first meets a deadlock.

    Of the tables that the version before does not know it writes to none.
    """
    migrating.upgrade(empty, before.REVISION)
    there = tables(empty)
    locked: list[set[str]] = []

    def note_locks(connection: sa.Connection) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(
            """SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
            WHERE pid = pg_backend_pid() AND relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"""
        )
        locked.append(there.intersection(name for (name,) in cursor.fetchall()))

    sa.event.listen(empty.writing, "commit", note_locks)
    migrating.upgrade(empty)
    assert [sorted(names) for names in locked if len(names) > 1] == []
    assert {"users"} in locked
    assert {"posts"} in locked


@pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)
def test_somebody_who_has_written_to_one_table_may_write_to_one_that_an_earlier_migration_changed(empty):
    """Migration 0012 changes the people, 0013 waits for the posts."""
    migrating.upgrade(empty, "0011")
    with empty.engine.connect() as writer, ThreadPoolExecutor(1) as pool:
        writer.exec_driver_sql("LOCK TABLE posts IN ROW EXCLUSIVE MODE")
        upgraded = pool.submit(migrating.upgrade, empty)
        while migrating.get_current_revision(empty) != "0012":
            assert not upgraded.done()
        writer.exec_driver_sql("LOCK TABLE users IN ROW EXCLUSIVE MODE NOWAIT")
        writer.rollback()
    upgraded.result()
    assert migrating.get_current_revision(empty) == migrating.get_head()


def test_a_database_that_is_not_there_is_no_lock():
    with pytest.raises(sa.exc.OperationalError, match="refused"):
        migrating.upgrade(Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))


def test_no_migration_uses_the_batch_mode_that_loses_triggers():
    """`alembic revision --autogenerate` writes it; ours in `operations/migrating.py` replaces it."""
    scripts = {path.name: path.read_text() for path in (ROOT / "alembic" / "versions").glob("*.py")}
    assert scripts
    assert not [name for name, text in scripts.items() if "op.batch_alter_table" in text]


def test_a_migration_that_would_break_a_reference_changes_nothing(empty):
    migrating.upgrade(empty)
    fill(empty)

    def change(operations: Operations) -> None:
        operations.execute("DELETE FROM users")

    if empty.dialect == "sqlite":  # there the checks are off while migrations run
        with pytest.raises(migrating.MigrationError, match="would break"):
            run(empty, change)
        assert counts(empty) == [(0, 0, 1), (3, 1, 0)]
    else:
        run(empty, change)
        assert counts(empty) == []


def run(database: Database, change: Any) -> None:
    """Run a migration of the test's own the way ours run."""

    class Context(SimpleNamespace):
        """As much of Alembic's context as `run_migrations` uses."""

        migration: MigrationContext

        def configure(self, connection: sa.Connection, **options: Any) -> None:
            self.migration = MigrationContext.configure(connection, opts=options)

        def begin_transaction(self) -> Any:
            return self.migration.begin_transaction()

        def run_migrations(self) -> None:
            with self.migration.begin_transaction(_per_migration=True):
                change(Operations(self.migration))

    migrating.run_migrations(Context(config=SimpleNamespace(attributes={"database": database})))


def test_after_a_migration_references_are_checked_again(empty):
    migrating.upgrade(empty)
    with pytest.raises(sa.exc.IntegrityError), empty.write() as session:
        session.execute(sa.insert(Post).values(id=1, user_id=999, body="x"))


def test_the_library_alembic_is_found_from_the_root():
    """A folder alembic/ with an __init__.py would hide it."""
    command = [sys.executable, "-c", "import alembic.config; print(alembic.config.__file__)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert not Path(done.stdout.strip()).is_relative_to(ROOT / "alembic")
    assert not list((ROOT / "alembic").rglob("__init__.py"))


def test_alembic_upgrades_the_database_of_an_ini_file(empty, tmp_path):
    url = empty.engine.url.render_as_string(hide_password=False)
    run_alembic(tmp_path, url)
    assert migrating.get_current_revision(empty) == migrating.get_head()


def test_the_environment_names_the_database_before_the_ini_file(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROBLOG_DATABASE_URL", f"sqlite+pysqlite:///{tmp_path}/elsewhere.sqlite3")
    run_alembic(tmp_path, f"sqlite+pysqlite:///{tmp_path}/from-ini.sqlite3")
    assert (tmp_path / "elsewhere.sqlite3").exists()
    assert not (tmp_path / "from-ini.sqlite3").exists()


def run_alembic(folder, url):
    ini = write_ini(folder / "site.ini", url, sections=ALEMBIC)
    command = [sys.executable, "-m", "alembic", "-c", str(ini), "upgrade", "head"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
