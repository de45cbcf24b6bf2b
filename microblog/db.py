"""The database: the base of all models, the engine, and the only code that makes sessions.

A read session has a read-only transaction, which the database itself enforces. A write session has a write
transaction, on SQLite from its first statement on (`BEGIN IMMEDIATE`: a transaction that begins with reading
and writes later fails at once when somebody else wrote meanwhile). Requests get theirs from
`microblog.transactions`.
"""

from __future__ import annotations

import re
import secrets
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pyramid_retry import mark_error_retryable
from sqlalchemy import event, orm
from sqlalchemy.dialects import postgresql, sqlite

from microblog.engine import (
    Patience,
    SiteEngine,
    Timeouts,
    is_transient,
    mark_transient,
    probing,
    use_patience,
)
from microblog.outages import FULL, Outage, Outages
from microblog.redaction import hide_passwords
from microblog.settings import Setting, number, text, whole_number

if TYPE_CHECKING:
    from microblog.request import Registry

__all__ = ["is_transient", "mark_transient"]

IS_CALL_SITE = False  # microblog/call_sites.py

DATABASE_URL = Setting(
    "microblog.database.url",
    text,
    "sqlite+pysqlite:///microblog.sqlite3",
    "The database: sqlite+pysqlite:///PATH, or postgresql+psycopg://USER:PASSWORD@HOST/NAME.",
    secret=True,
)

CONNECT_TIMEOUT = Setting(
    "microblog.database.connect_timeout",
    whole_number(2, 300),
    2,
    "Seconds to wait for a new connection to PostgreSQL, and for a free one of the pool.",
)
STATEMENT_TIMEOUT = Setting(
    "microblog.database.statement_timeout",
    number(0.1, 3600),
    2.0,
    "Seconds that a statement of a request may take on PostgreSQL, or wait for the lock of SQLite. "
    "A database that exceeds it by a quarter of a second hangs, and is not waited for.",
)
BACKGROUND_TIMEOUT = Setting(
    "microblog.database.background_timeout",
    number(1, 86_400),
    30.0,
    "The same for the worker. A command may take longer, as long as PostgreSQL lets others in.",
)

# Written to test whether the database can be written: as many pages as a post takes.
BYTES_OF_A_PROBE = 20_000
HEARTBEATS = sa.table("heartbeats", sa.column("name"), sa.column("seen"), sa.column("padding"))
NAME_OF_A_PROBE = "try"


class Base(orm.DeclarativeBase):
    """All models. The naming convention lets Alembic drop a constraint by its name."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class StaleData(Exception):
    """What was read and verified before the write transaction has changed since.

    A request is tried again (`pyramid_retry`) on the new data; a command reports it.
    """


mark_error_retryable(StaleData)


def require_changed(result: Any) -> None:
    """:raises StaleData: when the statement, which repeats what was verified as its condition, changed no
    row.
    """
    if result.rowcount < 1:  # for an INSERT, SQLAlchemy sets it only with preserve_rowcount; else it is -1
        raise StaleData("The row to be changed is gone, or somebody else has changed it.")


# SQLite assigns ids only to a column of exactly this type.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """A timestamp, always aware and in UTC on the Python side, however the database stores it."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A timestamp needs a time zone; use datetime.now(UTC).")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """The engine, and the only code that makes sessions.

    `sessions` has every session that is still referenced, so that a test can show that none outlives its
    request. `info` initializes `session.info` of each: the application's sessions have its `registry` there,
    by which an action without a request finds subscribers and settings. Building it connects to nothing.
    """

    def __init__(
        self,
        url: str,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
        info: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        parsed = parse_url(url)
        self.outages = Outages(self.probe)
        self._site = SiteEngine(parsed, get_sqlite_file(parsed), timeouts, self.outages)
        self.engine = self._site.engine
        self.reading = self.engine.execution_options(sqlite_begin="DEFERRED", postgresql_readonly=True)
        self.writing = self.engine.execution_options(sqlite_begin="IMMEDIATE")
        self.sessions: weakref.WeakSet[orm.Session] = weakref.WeakSet()
        # A closed session stays closed: code that keeps one beyond its request fails at once.
        options: dict[str, Any] = {"expire_on_commit": False, "close_resets_only": False, "info": dict(info)}
        # We read rows, never entities, so an UPDATE or DELETE has none to bring up to date; SQLAlchemy would
        # put its condition together once more, in Python, to find them.
        options["execution_options"] = {"synchronize_session": False}
        self._read_session = orm.sessionmaker(bind=self.reading, **options)
        self._write_session = orm.sessionmaker(bind=self.writing, **options)

    def before_commit(self, action: Callable[[orm.Session], None]) -> None:
        """Call `action(session)` in every write transaction, just before its COMMIT."""

        def call_unless_nested(session: orm.Session) -> None:
            if not session.in_nested_transaction():  # SQLAlchemy calls it for savepoints too
                action(session)

        event.listen(self._write_session, "before_commit", call_unless_nested)

    def after_begin(self, action: Callable[[orm.Session, sa.Connection], None]) -> None:
        """Call `action(session, connection)` at the beginning of every write transaction."""

        def call_unless_nested(session: orm.Session, transaction: Any, connection: sa.Connection) -> None:
            if not transaction.nested:
                action(session, connection)

        event.listen(self._write_session, "after_begin", call_unless_nested)

    def guard(self) -> None:
        """For a worker: outages are logged and waited for."""
        self.outages.guard()

    def serve(self) -> None:
        """For a server: like `guard`, and connections have the limits of requests by default."""
        self._site.serves_requests = True
        self.guard()

    def for_a_request(self) -> AbstractContextManager[None]:
        """Inside of it, statements have the time limit of a request."""
        return use_patience(Patience.REQUEST)

    def without_limits(self) -> AbstractContextManager[None]:
        """Inside of it, statements have no time limit."""
        return use_patience(Patience.UNLIMITED)

    @property
    def outage(self) -> Outage | None:
        """The gravest outage now, as far as this process knows; None when there is none."""
        ongoing = sorted(self.outages.list_ongoing(), key=lambda outage: not outage.stops_everything)
        if ongoing:
            return ongoing[0]
        return FULL if self._site.is_disk_full else None

    def close(self) -> None:
        """Close every idle connection; the next session opens a new one."""
        self.outages.forget()  # its thread would return a connection to the disposed pool
        self.engine.dispose()

    def probe(self, writing: bool) -> None:
        """Try to read the database, or with `writing` to write as much as a post takes; raises when that
        fails.
        """
        with probing():
            if not writing:
                with self.reading.connect() as connection:
                    connection.exec_driver_sql("SELECT 1")
                return
            padding = secrets.token_hex(BYTES_OF_A_PROBE // 2)
            with self.writing.begin() as connection:
                values = {"name": NAME_OF_A_PROBE, "seen": 0, "padding": padding}
                connection.execute(sa.delete(HEARTBEATS).where(HEARTBEATS.c.name == NAME_OF_A_PROBE))
                connection.execute(sa.insert(HEARTBEATS), values)
            with self.writing.begin() as connection:
                connection.execute(sa.delete(HEARTBEATS).where(HEARTBEATS.c.name == NAME_OF_A_PROBE))

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def open_session(self, *, write: bool) -> orm.Session:
        session = self._write_session() if write else self._read_session()
        self.sessions.add(session)
        return session

    @contextmanager
    def read(self) -> Iterator[orm.Session]:
        """A short read-only session, closed at once: identity, and checks before slow work."""
        with self.open_session(write=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[orm.Session]:
        """A read-only session whose statements all see the same state, as on SQLite they always do."""
        with self.open_session(write=False) as session:
            if self.dialect == "postgresql":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def write(self) -> Iterator[orm.Session]:
        """A short write transaction outside a request's: commands, the worker, deferred writes."""
        with self.open_session(write=True) as session, session.begin():
            yield session


# `sqlite+pysqlite:///PATH`. An ini file may begin PATH with %(here)s, the name of a folder, in which nothing
# is quoted: a ? begins no query, and a % is a %. Only options that the driver knows are no part of the path.
SQLITE_URL = re.compile(r"(?P<driver>sqlite(?:\+\w+)?):///(?P<rest>.+)", re.DOTALL)
SQLITE_OPTIONS = re.compile(
    r"\?(?:(?:uri|mode|cache|timeout|immutable|nolock|psow|vfs|isolation_level|detect_types|check_same_thread"
    r"|cached_statements)=[^&/?]*(?:&|\Z))+\Z"
)


INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def build_insert(session: orm.Session, table: Any) -> Any:
    """An INSERT of the session's database, which understands ON CONFLICT and RETURNING."""
    return INSERTS[session.get_bind().dialect.name](table)


def select_once(query: sa.Select[Any]) -> Any:
    """The one column of `query`, for `column.in_(…)`, found by running it once.

    PostgreSQL may run a plain subquery again for each row of the outer statement. One that locks and has a
    limit then finds others each time, and the limit is none.
    """
    found = query.cte("found").prefix_with("MATERIALIZED")
    return sa.select(found)


DIALECTS: dict[str, Any] = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


def compile_to_text(query: sa.Select[Any], dialect: str) -> tuple[sa.TextClause, dict[str, Any]]:
    """A query that is always the same, as the text that SQLAlchemy makes of it, and the values in it.

    It takes SQLAlchemy a tenth of a millisecond then, instead of a whole one. Its columns have names, and no
    types: only for those that need no conversion.
    """
    compiled = query.compile(dialect=DIALECTS[dialect](paramstyle="named"))
    # The name of a parameter would not end before its type.
    return sa.text(str(compiled).replace("::", " ::")), dict(compiled.params)


def parse_url(text: str) -> sa.URL:
    """Parse `microblog.database.url`. Only this function knows where the path of a file ends.

    :raises sqlalchemy.exc.ArgumentError: when it is not a URL.
    """
    match = SQLITE_URL.fullmatch(text)
    if match is None:
        return sa.make_url(text)
    options = SQLITE_OPTIONS.search(match["rest"])
    query = "" if options is None else options[0]
    url = sa.make_url(f"{match['driver']}://{query}")
    return url.set(database=match["rest"].removesuffix(query))


def get_sqlite_file(url: str | sa.URL) -> Path | None:
    """The file of an SQLite database, or None for PostgreSQL and databases in memory."""
    parsed = parse_url(url) if isinstance(url, str) else url
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))


def mask_password(text: str) -> str:
    """The URL of a database without its password, for everybody to read.

    :raises sqlalchemy.exc.ArgumentError: when it is not a URL.
    """
    url = parse_url(text)
    file = get_sqlite_file(url)
    if file is not None:
        return f"{url.drivername}:///{file}"
    return hide_passwords(url.render_as_string(hide_password=True))


def add_models(config: Any, module: str | ModuleType) -> None:
    """Directive: `config.add_models("microblog.posts.models")`, whose classes derive from `Base`.

    Migrations, copies, the check of the database and the shell find the tables by it.
    """
    found: ModuleType = config.maybe_dotted(module)

    def register() -> None:
        config.registry.models[found.__name__] = found

    introspectable = config.introspectable("models", found.__name__, found.__name__, "models")
    config.action(("models", found.__name__), register, order=-10, introspectables=(introspectable,))


def get_models(registry: Registry) -> dict[str, type[Base]]:
    """Every model of every room, by its name."""
    return {
        name: model
        for module in registry.models.values()
        for name, model in vars(module).items()
        if isinstance(model, type) and issubclass(model, Base) and model.__module__ == module.__name__
    }


def includeme(config: Any) -> None:
    config.registry.models = {}
    config.add_directive("add_models", add_models)
    config.declare_settings(DATABASE_URL, CONNECT_TIMEOUT, STATEMENT_TIMEOUT, BACKGROUND_TIMEOUT)
    settings = config.registry.microblog
    url = settings[DATABASE_URL]
    timeouts = Timeouts(settings[CONNECT_TIMEOUT], settings[STATEMENT_TIMEOUT], settings[BACKGROUND_TIMEOUT])
    try:
        config.registry.database = Database(url, timeouts, {"registry": config.registry})
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        config.registry.microblog.add_fault(
            f"{DATABASE_URL.key} must be sqlite+pysqlite:///PATH or postgresql+psycopg://…; "
            f"its value cannot be used ({type(error).__name__})."
        )
        config.registry.database = Database(DATABASE_URL.default)
