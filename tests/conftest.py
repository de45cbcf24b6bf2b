"""Databases, applications and browsers for all tests.

Every test has a database of its own, built by the migrations: on SQLite a copy of a file that was
migrated once, on PostgreSQL (`MICROBLOG_TEST_DATABASE_URL`) one database a process, emptied before
each test. The application runs for real, with its transactions, retries and read-only requests.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from pyramid.config import Configurator
from sqlalchemy import event, orm
from webtest import TestApp

from microblog import configure
from microblog.db import Base, Database
from microblog.operations import migrating
from microblog.search.embedded.postgresql import PostgreSQLSearch
from microblog.search.interfaces import get_search, get_search_index
from microblog.search.queries import uninstall_triggers
from microblog.search.text import get_rule
from tests.clock import ids_by

# How long an example takes says something about the machine; what may take how long has tests of its own.
hypothesis.settings.register_profile("microblog", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("microblog")

pytest_plugins = ["tests.plugins.no_skips", "tests.plugins.scheduling"]

POSTGRESQL_URL = os.environ.get("MICROBLOG_TEST_DATABASE_URL")
ELASTICSEARCH_URL = os.environ.get("MICROBLOG_TEST_ELASTICSEARCH_URL")
# Compiling the templates takes longer than building an application, and tests build hundreds.
TEMPLATES = tempfile.mkdtemp(prefix="microblog-templates-")
atexit.register(shutil.rmtree, TEMPLATES, ignore_errors=True)
# Of all tests of this process; a test that looks at the folder has one of its own.
PICTURES = tempfile.mkdtemp(prefix="microblog-pictures-")
atexit.register(shutil.rmtree, PICTURES, ignore_errors=True)
TEST_SECRET = "only for tests, but long enough to be one"
SETTINGS = {
    "microblog.secret": TEST_SECRET,
    "microblog.cookies.secure": "false",
    "microblog.worker": "off",
    "microblog.media.folder": PICTURES,
    "jinja2.bytecode_caching": "true",
    "jinja2.bytecode_caching_directory": TEMPLATES,
    # Counted as ever, and nobody is refused; tests of limits have their own (tests/functional/limits).
    **dict.fromkeys(
        (
            "microblog.limits.login.per_account_and_address",
            "microblog.limits.login.per_account",
            "microblog.limits.login.per_address",
            "microblog.limits.login.site",
            "microblog.limits.sign_up.per_address",
            "microblog.limits.sign_up.site",
            "microblog.limits.password_reset.per_account",
            "microblog.limits.password_reset.per_address",
            "microblog.limits.password_reset.site",
            "microblog.limits.confirmations.per_account",
            "microblog.limits.posts.per_account",
            "microblog.limits.follows.per_account",
            "microblog.limits.likes.per_account",
            "microblog.limits.boosts.per_account",
            "microblog.limits.searches.per_account",
            "microblog.limits.searches.per_address",
        ),
        "1000000 per hour",
    ),
}

# For developers on this machine: the toolbar shows the trace of an error, so the exception leaves the
# application.
TOOLBAR = {
    "microblog.development": "true",
    "pyramid.includes": "pyramid_debugtoolbar",
    "debugtoolbar.hosts": "127.0.0.1",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--search-adapter", metavar="NAME", help="hold this adapter (a dotted name) to the search contract"
    )
    parser.addoption(
        "--only-with-database",
        action="store_true",
        help="run only tests that use a database: for a second run on another database",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--only-with-database"):
        left_out = [item for item in items if not uses_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def uses_database(item: Any) -> bool:
    """By our fixtures, or by one of its module's own on the same server."""
    return "migrated" in item.fixturenames or hasattr(item.module, "POSTGRESQL_URL")


LOCKS_IN_A_SUBQUERY = re.compile(r"\bIN \(SELECT\b[^()]*(\([^()]*\)[^()]*)*\bFOR (UPDATE|NO KEY|SHARE|KEY)\b")


def refuse_locks_in_a_repeated_query(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
    """PostgreSQL may run such a subquery once for each row, and lock other rows each time."""
    assert not LOCKS_IN_A_SUBQUERY.search(statement), f"Use select_once (microblog.db): {statement}"


class Application:
    """A built application: `wsgi`, its `registry`, and the `database` under it."""

    def __init__(
        self, settings: dict[str, str], extend: Callable[[Configurator], None] = lambda config: None
    ) -> None:
        config: Configurator = configure(settings)
        extend(config)
        self.wsgi: Any = config.make_wsgi_app()
        self.registry: Any = self.wsgi.registry
        self.database: Database = self.registry.database
        event.listen(self.database.engine, "before_cursor_execute", refuse_locks_in_a_repeated_query)

    def browser(self, **environ: str) -> TestApp:
        """A new browser, with no cookies yet."""
        return TestApp(self.wsgi, extra_environ=environ)

    def close(self) -> None:
        self.database.close()
        self.registry.picture_decoder.close()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Callable[[], str]]:
    """A function that gives the URL of an empty, migrated database; what it gave before is gone."""
    if POSTGRESQL_URL:
        yield from migrated_postgresql(POSTGRESQL_URL, worker_id)
        return
    folder = tmp_path_factory.mktemp("database")
    template = folder / "template.sqlite3"
    prepare(f"sqlite+pysqlite:///{template}")
    file = folder / "test.sqlite3"

    def empty() -> str:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{file}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(template, file)
        return f"sqlite+pysqlite:///{file}"

    yield empty  # noqa: PT022  # the other way out of this function is a generator


# Every table, trigger and function that an adapter may have made, as one text.
WHAT_SEARCH_HAS = """SELECT string_agg(name, ' ' ORDER BY name) FROM (
    SELECT relkind::text || relname AS name FROM pg_class WHERE relname LIKE 'search%'
    UNION ALL SELECT tgname::text || tgenabled::text || md5(pg_get_triggerdef(oid))
        FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace) made"""


def migrated_postgresql(url: str, worker: str) -> Iterator[Callable[[], str]]:
    name = f"microblog_test_{worker}_{os.getpid()}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    own = sa.make_url(url).set(database=name).render_as_string(hide_password=False)
    prepare(own)
    engine = sa.create_engine(own)
    search = PostgreSQLSearch()
    tables = [f'"{table.name}"' for table in reversed(Base.metadata.sorted_tables)]
    emptied = "; ".join(f"DELETE FROM {table}" for table in (*tables, search.pending, search.texts))
    emptied += f"; INSERT INTO index_states (adapter, rule) VALUES ('{search.name}', '{get_rule()}')"

    def made(connection: sa.Connection) -> str | None:
        return connection.scalar(sa.text(WHAT_SEARCH_HAS))

    with engine.connect() as connection:
        usual = made(connection)

    def empty() -> str:
        with engine.begin() as connection:
            empty_audit(connection)
            if made(connection) == usual:
                connection.exec_driver_sql(emptied)
                return own
        # A test of search has left the tables and triggers of another adapter, or none.
        with orm.Session(engine) as session:
            for table in tables:
                session.execute(sa.text(f"DELETE FROM {table}"))
            uninstall_triggers(session)
            search.uninstall(session)
            search.install(session)
            session.execute(sa.text("DELETE FROM index_states"))  # as above: it is one of the tables
            session.commit()
        return own

    yield empty
    engine.dispose()
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


def empty_audit(connection: sa.Connection) -> None:
    """Nobody may do this: triggers refuse it."""
    if connection.scalar(sa.text("SELECT count(*) FROM (SELECT 1 FROM audit_entries LIMIT 1) found")):
        for statement in (
            "ALTER TABLE audit_entries DISABLE TRIGGER USER",
            "DELETE FROM audit_entries",
            "ALTER TABLE audit_entries ENABLE TRIGGER USER",
        ):
            connection.exec_driver_sql(statement)


def prepare(url: str) -> None:
    """Migrations, and the tables of the search adapter that fits the database."""
    database = Database(url)
    migrating.upgrade(database)
    database.close()
    application = Application({**settings_for(url)})
    with application.database.write() as session:
        get_search_index(application.registry).install(session)
    # The last connection that SQLite closes writes everything into the one file.
    application.database.close()


def get_adapter(application: Any) -> Any:
    """The search adapter of an application, with all of its own members."""
    return get_search(application.registry)


def elasticsearch_settings() -> dict[str, str]:
    """Settings for an index of the test's own; skips the test where there is no server."""
    if not ELASTICSEARCH_URL:
        pytest.skip(
            "Start an Elasticsearch 8 and set MICROBLOG_TEST_ELASTICSEARCH_URL=http://HOST:PORT, "
            "to test search in a real server."
        )
    return {
        "microblog.search.elasticsearch.url": ELASTICSEARCH_URL,
        "microblog.search.elasticsearch.index": f"test-{uuid.uuid4().hex[:12]}",
    }


def settings_for(url: str) -> dict[str, str]:
    search = "fts5" if url.startswith("sqlite") else "postgresql"
    return {**SETTINGS, "microblog.database.url": url, "microblog.search": search}


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """This process among those of pytest-xdist; also without it."""
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


@pytest.fixture(scope="session")
def shared_application(
    migrated: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """Built once; use `application`, which has an empty database for each test."""
    profiles = {"microblog.profiler.directory": str(tmp_path_factory.mktemp("profiles"))}
    application = Application({**settings_for(migrated()), **profiles})
    yield application
    application.close()


@pytest.fixture(autouse=True)
def ids_of_its_own() -> Iterator[None]:
    """After a test that was in the future, all that the next one publishes would be in the past."""
    with ids_by():
        yield


@pytest.fixture
def application(shared_application: Application, migrated: Callable[[], str]) -> Application:
    """The application on an empty database."""
    shared_application.database.close()
    migrated()
    shared_application.registry.deferred.clear()
    return shared_application


@pytest.fixture
def make_application(migrated: Callable[[], str]) -> Iterator[Callable[..., Application]]:
    """Builds an application with settings of its own, on an empty database:
    `make_application({"microblog.page_size": "2"})`; `extend=function` may add views to it."""
    url = migrated()
    made: list[Application] = []

    def make(settings: dict[str, str] | None = None, **more: Any) -> Application:
        application = Application({**settings_for(url), **(settings or {})}, **more)
        made.append(application)
        return application

    yield make
    for application in made:
        application.close()


@pytest.fixture
def database(application: Application) -> Database:
    return application.database


@pytest.fixture
def session(database: Database) -> Iterator[orm.Session]:
    """A write session of the test itself, for the queries; committed by the test, or never."""
    with database.open_session(write=True) as session:
        yield session


@pytest.fixture
def browser(application: Application) -> TestApp:
    """A visitor's browser."""
    return application.browser()


@pytest.fixture
def needs_fts5(application: Application) -> None:
    """For tests of the embedded search, which lives inside SQLite."""
    if application.database.dialect != "sqlite":
        pytest.skip("Run without MICROBLOG_TEST_DATABASE_URL too: fts5 lives inside SQLite.")


@contextmanager
def counted_statements(database: Database, *, everything: bool = False) -> Iterator[list[str]]:
    """The SQL statements that are sent inside; BEGIN, PRAGMA and savepoints count with `everything`."""
    statements: list[str] = []

    def remember(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if everything or not statement.startswith(
            ("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET LOCAL")
        ):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", remember)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", remember)


@pytest.fixture
def count_statements(database: Database) -> Callable[[], Any]:
    """`with count_statements() as statements:` lists the SQL that is sent inside."""
    return lambda: counted_statements(database)
