"""Runs migrations on both databases without losing a row or a trigger.

SQLite cannot alter most of a table, so Alembic's batch mode copies it. With foreign keys on, the implicit
DELETE cascades to the children, and the triggers are lost. So foreign keys are off while migrations run, and
checked before the COMMIT, and migrations use `batch_alter_table` of this module, which restores the triggers.

On PostgreSQL each migration is a transaction. One for all would keep writers from one table while it waits
for the next, and a post that has written to that one and waits for the first would be given up as a deadlock.
For the same reason a migration keeps writers from at most one table that was there before it, and takes its
strongest lock of that table first: who reads the table and is about to write to it would wait for the weaker
one, and the migration for them.

Alembic is imported where it is used: most commands, and `microblog --help`, do not need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.operations import BatchOperations, Operations

from microblog import configure
from microblog.console.ini import IniFile
from microblog.db import Base, Database
from microblog.errors import OperatorError

ADAPTERS_PREFIX = "search_"
LOCK = 0x6D6963726F  # an advisory lock of PostgreSQL; any number that nothing else uses
LOCK_TIMEOUT = (
    "1500ms"  # less than a request may take, so that requests behind the migration are still served
)
LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"
ATTEMPTS = 40


class MigrationError(OperatorError):
    """A migration failed, and was rolled back."""


def build_alembic_config(database: Database) -> Config:
    """Alembic's configuration for the migrations that came with this installation."""
    from alembic.config import Config

    config = Config(attributes={"database": database})
    config.set_main_option("script_location", "microblog:migrations")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(database: Database, revision: str = "head", *, attempts: int = ATTEMPTS) -> None:
    """Each attempt waits only briefly for locks of PostgreSQL, since all users of a table queue behind it.

    :raises MigrationError: when others held a lock all the time.
    """
    from alembic import command

    for _ in range(attempts):
        try:
            command.upgrade(build_alembic_config(database), revision)
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in (LOCK_NOT_AVAILABLE, DEADLOCK):
                raise
        else:
            return
    raise MigrationError(
        "Another process, such as a running backup, holds a lock on a table that has to be changed. Try "
        "again when it has ended: the upgrade goes on where it is."
    )


def downgrade(database: Database, revision: str = "base") -> None:
    from alembic import command

    command.downgrade(build_alembic_config(database), revision)


def get_head() -> str | None:
    """The newest revision that this installation knows."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "microblog:migrations")
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config).get_current_head()


def list_known_revisions(database: Database) -> set[str]:
    """The revisions that this installation knows."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(build_alembic_config(database))
    return {script.revision for script in scripts.walk_revisions()}


def get_current_revision(database: Database) -> str | None:
    """The revision of the database; None when it is empty."""
    from alembic.migration import MigrationContext

    with database.reading.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def find_differences(database: Database) -> list[Any]:
    """How the database differs from the models; empty when migrations and models agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.reading.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": is_ours, "compare_server_default": True}
        )
        return list(compare_metadata(context, Base.metadata))


def describe_difference(difference: Any) -> str:
    """One of Alembic's differences, on one line; changed columns are given as lists of differences."""
    first = difference[0] if isinstance(difference, list) else difference
    return " ".join(str(part) for part in first if part is not None)


def is_ours(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Is this not a table of a search adapter? Adapters maintain their tables themselves."""
    return not (kind == "table" and (name or "").startswith(ADAPTERS_PREFIX))


def run_migrations(context: Any) -> None:
    """Run by `alembic/env.py`, for the database in its attributes, else for that of Alembic's ini file."""
    database = context.config.attributes.get("database")
    if database is None:
        settings = IniFile(Path(context.config.config_file_name)).get_wsgi_app_settings("main")
        database = configure(settings).registry.database  # this also imports the models of all packages
    with database.writing.connect() as connection:
        options = {
            "connection": connection,
            "target_metadata": Base.metadata,
            "include_object": is_ours,
            "render_as_batch": True,
            "transactional_ddl": True,
        }
        if database.dialect == "sqlite":
            run_in_one_transaction(context, connection, options)
        else:
            run_in_a_transaction_each(context, connection, options)


def run_in_one_transaction(context: Any, connection: sa.Connection, options: dict[str, Any]) -> None:
    """On SQLite, where the transaction keeps other processes out, and foreign keys are checked at its end."""
    driver_connection: Any = connection.connection.driver_connection
    driver_connection.execute("PRAGMA foreign_keys=OFF")
    try:
        with connection.begin():
            context.configure(**options, transaction_per_migration=False)
            with context.begin_transaction():
                context.run_migrations()
            if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
                raise MigrationError(
                    f"The migration would break {len(broken)} references, first in table {broken[0][0]}; "
                    "nothing was changed."
                )
    finally:
        driver_connection.execute("PRAGMA foreign_keys=ON")


def run_in_a_transaction_each(context: Any, connection: sa.Connection, options: dict[str, Any]) -> None:
    with alone(connection):
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.commit()
        context.configure(**options, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


def wait_for_others(connection: sa.Connection) -> None:
    """Keep migrations of other processes out until this transaction ends.

    On SQLite the transaction itself, which has begun to write, keeps others out.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


@contextmanager
def alone(connection: sa.Connection) -> Iterator[None]:
    """Let processes migrate one after the other, on PostgreSQL; the second finds nothing to do."""
    connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    try:
        yield
    finally:
        connection.rollback()
        connection.exec_driver_sql("RESET lock_timeout")
        connection.execute(sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()


@contextmanager
def batch_alter_table(op: Operations, table: str, **kwargs: Any) -> Iterator[BatchOperations]:
    """Like `op.batch_alter_table`, but on SQLite no trigger is lost.

    Dropping the old table drops its triggers, and triggers of other tables that write to it make the renaming
    fail. So all triggers are dropped first, and created again afterwards.
    """
    triggers: list[sa.Row[tuple[str, str]]] = []
    connection = op.get_bind()
    if op.get_context().dialect.name == "sqlite":
        rows = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        triggers = list(rows)
    for trigger in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{trigger.name}"')
    with op.batch_alter_table(table, **kwargs) as batch:
        yield batch
    for trigger in triggers:
        # Not op.execute: a colon in a trigger is no parameter.
        connection.exec_driver_sql(trigger.sql)
