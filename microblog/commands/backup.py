"""`microblog backup` and `microblog restore`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from microblog import migrating
from microblog.archive import backup as backups
from microblog.archive.backup import POSTGRESQL, SQLITE, SUFFIXES, BackupError, Inventory
from microblog.archive.copying import first_table_with_rows
from microblog.commands.copying import MADE_FOR
from microblog.commands.progress import Progress
from microblog.commands.site import Site, pass_site
from microblog.db import Database
from microblog.search.adapters import uninstall_others

NAMES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
PER_CENT = 100
MOMENT = "%Y-%m-%dT%H%M%SZ"
# SQLite brings what is in the last three into whatever database lies beside them.
PARTS_OF_SQLITE = ("", "-wal", "-shm", "-journal")
INSIDE_THE_DATABASE = ("fts5", "postgresql")  # adapters whose index is in the backup too
file_argument = click.argument("file", type=click.Path(path_type=Path))


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong with files and databases is a sentence for the operator."""
    try:
        yield
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    except sqlite3.Error as error:
        raise click.ClickException(f"The database cannot be used ({error}).") from error
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or 'The file'} cannot be read or written ({error.strerror})."
        ) from error


@click.command()
@file_argument
@click.option("--overwrite", is_flag=True, help="Replace FILE when it is there.")
@click.option("--keep", type=click.IntRange(min=1), help="Of the backups in the folder keep so many.")
@pass_site
def backup(site: Site, *, file: Path, overwrite: bool, keep: int | None) -> None:
    """Write the whole database to FILE, while the site goes on.

    Where FILE is a folder, the backup is named for this moment. It holds addresses and hashes of
    passwords: only its owner may read it. The ini file and its secret are not in it.
    """
    kind = site.database.dialect
    folder = file if file.is_dir() else None
    if folder is not None:
        file = folder / f"microblog-{datetime.now(UTC):{MOMENT}}{SUFFIXES[kind]}"
    elif keep is not None:
        raise click.UsageError("--keep is for a folder of backups: name a folder.")
    if site.database_file is not None and file.resolve() == site.database_file.resolve():
        raise click.ClickException(f"{file} is the site's database itself: name another file.")
    if file.exists() and not overwrite:
        raise click.ClickException(f"There is {file} already: name another, or say --overwrite.")
    with told():
        with backups.appearing(file) as partial:
            write(site, partial)
        click.echo(f"Backed up the database to {file} ({file.stat().st_size:,} bytes).")
        if folder is not None and keep is not None:
            for old in backups.tidy(folder, keep):
                click.echo(f"Removed {old}.")


def write(site: Site, partial: Path) -> None:
    if site.database.dialect == POSTGRESQL:
        backups.dump_postgresql(site.database.reading, partial)
        return
    source = site.database_file
    if source is None or not source.exists():
        raise BackupError(f"There is no database to back up at {source or 'a place in memory'}.")
    copy_sqlite(source, partial)
    backups.seal(partial)


def copy_sqlite(source: Path, target: Path) -> None:
    progress = Progress(PER_CENT, "pages")
    backups.copy_sqlite(
        source, target, lambda pages, total: progress.update(PER_CENT * pages // total, pages)
    )
    progress.finish()


@click.command()
@file_argument
@click.option("--verify", is_flag=True, help="Only look whether the backup is whole.")
@click.option("--overwrite", is_flag=True, help="Move a database of SQLite that is not empty aside.")
@pass_site
def restore(site: Site, *, file: Path, verify: bool, overwrite: bool) -> None:
    """Load the backup FILE into the site's database, which is empty or missing.

    With --verify nothing is changed, FILE may be a folder, whose newest backup is looked at, and the
    exit status is 1 when it is not whole.
    """
    with told():
        file = newest_of(file)
        kind = backups.kind_of(file)
        if verify:
            click.echo(verified(site, file, kind))
            return
        if kind != site.database.dialect:
            raise BackupError(
                f"{file} is a backup of {NAMES[kind]}, and the site's database is one of "
                f"{NAMES[site.database.dialect]}: restore it into one of {NAMES[kind]}, and then use "
                "`microblog copy-database`."
            )
        if kind == SQLITE:
            restore_sqlite(site, file, overwrite=overwrite)
        else:
            restore_postgresql(site, file)
    click.echo(f"Restored {file}.")
    click.echo(site.upgrade())
    index = "search verify --fix" if site.registry.search.name in INSIDE_THE_DATABASE else "search rebuild"
    click.echo(f"Now bring the search index in step with `{site.command(index)}`, and start the site.")


def newest_of(file: Path) -> Path:
    """The file itself, or the newest backup of a folder."""
    if not file.is_dir():
        return file
    found = backups.backups_in(file)
    if not found:
        raise BackupError(f"There is no backup in {file}.")
    return found[-1]


def verified(site: Site, file: Path, kind: str) -> str:
    """A sentence about a backup that is whole.

    :raises BackupError: when it is not.
    """
    if kind == SQLITE:
        return described(site, file, backups.inventory_of_sqlite(file))
    if site.database.dialect != POSTGRESQL:
        raise BackupError(f"{file} is a backup of PostgreSQL: verify it with settings that name a server.")
    inventory = backups.inventory_of_dump(site.database.engine, file)
    if inventory is None:
        return (
            f"{file} can be read from its beginning to its end. It was not restored for a try: the "
            "server does not answer, or the role may not make databases (ALTER ROLE … CREATEDB)."
        )
    return described(site, file, inventory)


def described(site: Site, file: Path, inventory: Inventory) -> str:
    scripts = ScriptDirectory.from_config(migrating.alembic_config(site.database))
    if inventory.revision not in {script.revision for script in scripts.walk_revisions()}:
        raise BackupError(
            f"{file} is of a newer microblog (revision {inventory.revision}) than this one "
            f"(revision {migrating.head()}): restore it with that version."
        )
    return (
        f"{file} is whole: {inventory.people:,} people and {inventory.posts:,} posts "
        f"(revision {inventory.revision})."
    )


def restore_sqlite(site: Site, file: Path, *, overwrite: bool) -> None:
    database = site.database_file
    if database is None:
        raise BackupError("The site's database is in memory: name a file in its settings.")
    described(site, file, backups.inventory_of_sqlite(file))
    database.parent.mkdir(parents=True, exist_ok=True)
    with backups.appearing(database) as partial:
        copy_sqlite(file, partial)  # with what is in its WAL, as it was looked at above
        backups.unseal(partial)
        if database.exists():
            put_aside(database, overwrite=overwrite)
        else:
            move_parts(database)


def put_aside(database: Path, *, overwrite: bool) -> None:
    """Make room for another database; one that is not empty is kept under another name.

    :raises BackupError: when it is in use, or nobody said that it may be moved.
    """
    try:
        if not backups.close_sqlite(database):
            raise BackupError(
                f"{database} is in use, or may not be written: stop the site and its worker, and do this "
                "as their user."
            )
        empty = backups.is_empty(database)
    except sqlite3.DatabaseError:  # damaged, which may be why somebody restores
        empty = False
    if not empty and not overwrite:
        raise BackupError(
            f"{database} is not empty: say --overwrite to move it aside, or name another in the settings."
        )
    if empty:
        for part in PARTS_OF_SQLITE:
            database.with_name(f"{database.name}{part}").unlink(missing_ok=True)
    else:
        move_parts(database)


def move_parts(database: Path) -> None:
    """Rename the files of a database, or what was left of them; harmless when there are none."""
    name = f"{database.name}.before-restore-{datetime.now(UTC):{MOMENT}}"
    for part in PARTS_OF_SQLITE:
        old = database.with_name(f"{database.name}{part}")
        if old.exists():
            new = old.rename(database.with_name(f"{name}{part}"))
            click.echo(f"What was there is now {new}.")


def restore_postgresql(site: Site, file: Path) -> None:
    database = site.database
    revision = migrating.current(database)
    with database.read() as session:
        tables = sa.inspect(session.connection()).get_table_names()
        empty = not tables or (revision == migrating.head() and first_table_with_rows(session) is None)
    if not empty:
        raise BackupError(
            f"The site's database is not empty: make another one (`{MADE_FOR}`), and name it in the settings."
        )
    if tables:
        remove_tables(database)
    backups.load_postgresql(database.engine, file)
    database.engine.dispose()


def remove_tables(database: Database) -> None:
    """Those of an empty site, which the backup brings itself."""
    with database.write() as session:
        uninstall_others(session, "none")
    migrating.downgrade(database)
    with database.write() as session:
        session.execute(sa.text("DROP TABLE alembic_version"))
