"""`microblog database upgrade` on a stored site of the version before, with 100,000 posts: nothing is lost,
no large table is written anew, and processes of that version go on serving meanwhile."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from microblog.db import Database
from microblog.operations import migrating
from microblog.people.queries import get_person
from microblog.search.people.tasks import PEOPLE_IN_A_ROUND, compare_words
from tests.conftest import POSTGRESQL_URL, Application, get_adapter, settings_for
from tests.functional.commands.conftest import run, write_ini
from tests.migrations import before
from tests.walk import bodies, write

pytestmark = pytest.mark.slow

# What takes longer, people notice; on a machine that does nothing else it is milliseconds.
MOST_SECONDS_OF_WAITING = 4.0
LARGE = 1_000  # rows


class Stored:
    """The stored site; `copy()` is the URL of a copy of it."""

    def __init__(self, make: Callable[[str], str]) -> None:
        self._make = make
        self._number = 0

    def copy(self) -> str:
        self._number += 1
        return self._make(str(self._number))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    if POSTGRESQL_URL:
        yield from stored_in_postgresql(POSTGRESQL_URL)
        return
    folder = tmp_path_factory.mktemp("before")
    build(f"sqlite+pysqlite:///{folder}/site.sqlite3")

    def copy(number: str) -> str:
        shutil.copyfile(folder / "site.sqlite3", folder / f"{number}.sqlite3")
        return f"sqlite+pysqlite:///{folder}/{number}.sqlite3"

    yield Stored(copy)  # noqa: PT022  # the other way out of this function is a generator


def stored_in_postgresql(url: str) -> Iterator[Stored]:
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    names = [f"microblog_test_before_{os.getpid()}"]

    def parse_url(name: str) -> str:
        return sa.make_url(url).set(database=name).render_as_string(hide_password=False)

    def copy(number: str) -> str:
        names.append(f"{names[0]}_{number}")
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {names[-1]} TEMPLATE {names[0]}")
        return parse_url(names[-1])

    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {names[0]}")
    build(parse_url(names[0]))
    yield Stored(copy)
    with server.connect() as connection:
        for name in names:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


def build(url: str) -> None:
    """Its migrations, its rows, and an index of its posts, whose tables are the search adapter's own."""
    database = Database(url)
    migrating.upgrade(database, before.REVISION)
    with database.writing.connect() as connection, connection.begin():
        before.fill(connection)
    database.close()
    application = Application(settings_for(url))
    # The adapter of that version kept no rule. Ours needs the column, which the migration adds later.
    with application.database.write() as session:
        session.execute(sa.text("ALTER TABLE index_states ADD COLUMN rule VARCHAR(64)"))
        get_adapter(application).install(session)
    get_adapter(application).rebuild(application.database, lambda count: None)
    with application.database.write() as session:
        session.execute(sa.text("ALTER TABLE index_states DROP COLUMN rule"))
    application.database.close()


@pytest.fixture
def database(stored: Stored) -> Iterator[Database]:
    """A copy of the stored site."""
    database = Database(stored.copy())
    yield database
    database.close()


def parse_url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def upgrade(database: Database, tmp_path: Path) -> Callable[[], str]:
    """Runs the command; what it says."""
    settings = settings_for(parse_url(database))
    ini = write_ini(tmp_path / "site.ini", settings["microblog.database.url"], settings["microblog.search"])
    return lambda: run("-c", ini, "database", "upgrade").output


def tables(connection: sa.Connection) -> dict[str, sa.Table]:
    """Those of the application, as they are in the database."""
    metadata = sa.MetaData()
    names = [
        name
        for name in sa.inspect(connection).get_table_names()
        if not name.startswith(migrating.ADAPTERS_PREFIX) and name != "alembic_version"
    ]
    metadata.reflect(connection, only=names)
    return dict(metadata.tables)


def contents(connection: sa.Connection, known: dict[str, sa.Table]) -> dict[str, tuple[int, str]]:
    """The number of rows of each table, and a hash of these columns of all of them."""
    found = {}
    for name, table in known.items():
        digest, count = hashlib.sha256(), 0
        for row in connection.execute(sa.select(table).order_by(*table.primary_key)):
            digest.update(repr(tuple(row)).encode())
            count += 1
        found[name] = (count, digest.hexdigest())
    return found


def read_root_pages(connection: sa.Connection) -> dict[str, int]:
    """Where each large table begins in the file, or its file: another one after the table was rebuilt."""
    if connection.dialect.name == "postgresql":
        rows = connection.execute(
            sa.text(
                "SELECT relname, pg_relation_filenode(oid) FROM pg_class WHERE relkind = 'r' "
                "AND relnamespace = 'public'::regnamespace"
            )
        )
    else:
        rows = connection.execute(
            sa.text("SELECT name, rootpage FROM sqlite_master WHERE type = 'table' AND rootpage > 0")
        )
    found = {str(name): int(page) for name, page in rows}
    return {
        name: page
        for name, page in found.items()
        if (connection.scalar(sa.text(f'SELECT count(*) FROM "{name}"')) or 0) >= LARGE
    }


def triggers(connection: sa.Connection) -> set[tuple[str, str]]:
    """Their names and tables."""
    statement = {
        "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal",
    }[connection.dialect.name]
    return {(row[0], row[1]) for row in connection.execute(sa.text(statement))}


def broken_references(connection: sa.Connection) -> list[Any]:
    if connection.dialect.name == "sqlite":
        return list(connection.execute(sa.text("PRAGMA foreign_key_check")))
    invalid = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
    return list(connection.execute(sa.text(invalid)))


def test_an_upgrade_loses_nothing_and_writes_no_large_table_anew(database, upgrade):
    with database.reading.connect() as connection:
        known = tables(connection)
        there = contents(connection, known)
        large = read_root_pages(connection)
        old_triggers = triggers(connection)
    database.close()
    assert there["posts"][0] == before.POSTS
    assert {"users", "nicknames", "sessions", "posts", "follows"} <= large.keys()
    said = upgrade()
    if migrating.get_head() != before.REVISION:
        assert f"upgraded from revision {before.REVISION} to {migrating.get_head()}" in said
    with database.reading.connect() as connection:
        assert contents(connection, known) == there
        assert read_root_pages(connection).items() >= large.items()
        assert triggers(connection) >= old_triggers
        assert broken_references(connection) == []
    assert migrating.find_differences(database) == []


def test_the_previous_version_serves_while_the_database_is_upgraded(database, upgrade):
    engine = sa.create_engine(
        parse_url(database), isolation_level="AUTOCOMMIT", connect_args=connect_args(database)
    )
    process = before.Process(engine)
    process.serve()  # what the first statement alone has to load
    waited: list[float] = []
    failures: list[BaseException] = []
    is_upgraded = threading.Event()

    def serve() -> None:
        try:
            while not is_upgraded.is_set():
                began = time.monotonic()
                process.serve()
                waited.append(time.monotonic() - began)
        except BaseException as failure:
            failures.append(failure)

    server = threading.Thread(target=serve)
    server.start()
    try:
        upgrade()
    finally:
        is_upgraded.set()
        server.join()
    process.serve()  # and afterwards
    process.close()
    engine.dispose()
    assert failures == []
    assert max(waited) < MOST_SECONDS_OF_WAITING
    with database.read() as session:
        person = get_person(session, "Person1")
        written = session.scalar(sa.text("SELECT count(*) FROM posts WHERE body = 'Meanwhile'"))
        posts = session.scalar(sa.text("SELECT count(*) FROM posts WHERE user_id = 1"))
    assert written == process.rounds
    assert person is not None
    assert person.posts_count == posts


# Those that keep writers from a table, the weakest first.
LOCKS = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
HELD_LOCKS = """SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.granted AND c.relkind = 'r'"""


@pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: this is about PostgreSQL's locks."
)
def test_a_migration_takes_the_strongest_lock_of_one_table_first(database, upgrade):
    with database.read() as session:
        present = set(sa.inspect(session.connection()).get_table_names()) - {"alembic_version"}
    held: dict[Any, dict[str, int]] = {}  # of a connection in its transaction, by the table
    faults: set[str] = set()

    def look(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        with connection.connection.driver_connection.cursor() as own:
            found = own.execute(HELD_LOCKS).fetchall()
        first = held.setdefault(connection, {})
        for name in present & {name for name, mode in found if mode in LOCKS}:
            strongest = max(LOCKS.index(mode) for each, mode in found if each == name and mode in LOCKS)
            if first.setdefault(name, strongest) < strongest:
                faults.add(f"a stronger lock of {name}: {statement}")
        if len(first) > 1:
            faults.add(f"locks of {sorted(first)}: {statement}")

    def forget(connection: Any) -> None:
        held.pop(connection, None)

    hooks = (("after_cursor_execute", look), ("commit", forget), ("rollback", forget))
    for name, hook in hooks:
        event.listen(sa.Engine, name, hook)
    try:
        upgrade()
    finally:
        for name, hook in hooks:
            event.remove(sa.Engine, name, hook)
    assert not faults


def connect_args(database: Database) -> dict[str, Any]:
    """How the version before waits for others."""
    return {"timeout": 5.0} if database.dialect == "sqlite" else {"options": "-c jit=off"}


def test_pages_search_and_sessions_of_the_stored_site_work_after_the_upgrade(database, upgrade):
    upgrade()
    application = Application(settings_for(parse_url(database)))
    browser = application.browser()
    browser.set_cookie("session", before.TOKEN)
    assert len(bodies(browser.get("/"))) == 25
    written = "After the upgrade we walked through all the gardens"
    assert bodies(write(browser, written))[0] == written
    assert len(bodies(browser.get("/search?q=word5 brulee"))) == 25
    assert bodies(browser.get("/search?q=upgrade")) == [written]
    assert bodies(browser.get("/search?q=garden+walking")) == [written]  # new posts have word forms
    assert len(bodies(browser.get("/users/Person2"))) == 25
    assert browser.get("/users/former2", status=301).headers["Location"].endswith("/users/Person2")
    with application.database.read() as session:
        status = get_adapter(application).status(session)
    assert status.documents == pytest.approx(before.POSTS + 1, rel=0.01)  # PostgreSQL estimates
    assert status.pending == 0
    assert status.is_old
    application.database.close()


def test_the_people_of_the_stored_site_are_found_by_their_words_once_the_worker_was_there(database, upgrade):
    upgrade()
    application = Application(settings_for(parse_url(database)))
    browser = application.browser()

    def find(q: str) -> list[str]:
        return [str(link["href"]) for link in browser.get("/users/", {"q": q}).html.select(".person-name a")]

    assert find("person1999") == ["/users/Person1999"]  # by nickname, as before
    assert find("about 1999") == []
    rounds = 1
    while compare_words(application.registry):
        rounds += 1
    assert rounds <= before.PEOPLE / PEOPLE_IN_A_ROUND + 1
    assert find("about 1999") == ["/users/Person1999"]
    application.database.close()
