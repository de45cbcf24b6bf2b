"""`microblog backup` and `microblog restore`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import sqlalchemy as sa

from microblog.alerts.failed_commands import mailed, warn
from microblog.console.progress import Progress
from microblog.console.site import Site, pass_site
from microblog.db import Database
from microblog.errors import OperatorError
from microblog.operations import backup as backups
from microblog.operations import dumps, keeping, migrating
from microblog.operations.backup import POSTGRESQL, SQLITE, Inventory, NotWhole
from microblog.operations.commands.copying import MADE_FOR
from microblog.operations.copying import first_table_with_rows
from microblog.search.adapters import uninstall_others
from microblog.search.interfaces import find_search_feed

NAMES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
PER_CENT = 100
# SQLite brings what is in the last three into whatever database lies beside them.
PARTS_OF_SQLITE = ("", "-wal", "-shm", "-journal")
file_argument = click.argument("file", type=click.Path(path_type=Path))


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong with files and databases is a sentence for the operator."""
    try:
        yield
    except sqlite3.Error as error:
        raise OperatorError(
            f"The database cannot be used ({error}): if it is damaged, restore the newest backup."
        ) from error
    except OSError as error:
        raise OperatorError(
            f"{error.filename or 'The file'} cannot be read or written ({error.strerror})."
        ) from error


@click.command()
@file_argument
@click.option("--overwrite", is_flag=True, help="Replace FILE when it is there.")
@click.option("--keep", type=click.IntRange(min=1), help="Of the backups in the folder keep so many.")
@pass_site
def backup(site: Site, *, file: Path, overwrite: bool, keep: int | None) -> None:
    """Write the whole database to FILE, while the site goes on, and read it again.

    Where FILE is a folder, the backup is named for this moment. It holds addresses and hashes of
    passwords: only its owner may read it. The ini file and its secret are not in it.

    What is not whole gets another name and replaces nothing. A failure is mailed to microblog.admins.
    """
    folder = file if file.is_dir() else None
    if folder is None and keep is not None:
        raise click.UsageError("--keep is for a folder of backups: name a folder.")
    with mailed(site, "The backup", folder), told():
        if folder is not None:
            file = folder / keeping.name_of_backup(site.database.dialect)
        made = make(site, file, overwrite=overwrite)
        click.echo(f"Backed up the database to {file} ({file.stat().st_size:,} bytes; {counted(made)}).")
        if folder is not None and keep is not None:
            tidy(site, file, made, keep)


def make(site: Site, file: Path, *, overwrite: bool) -> Inventory:
    """:raises OperatorError: when there is no new backup, or one that is not whole."""
    if site.database_file is not None and file.resolve() == site.database_file.resolve():
        raise OperatorError(f"{file} is the site's database itself: name another file.")
    if file.exists() and not overwrite:
        raise OperatorError(f"There is {file} already: name another, or say --overwrite.")
    with backups.appearing(file) as partial:
        try:
            write(site, partial)
            made = keeping.read_inventory(partial)
        except NotWhole as error:
            aside = keeping.put_aside(partial, file)
            raise OperatorError(
                f"The copy of the database {error.reason}. It is now {aside}, and no other backup was "
                f"removed. Run `{site.command('doctor --full')}`: if the database itself is damaged, stop "
                "the site and restore the newest backup; if it is not, this disk is."
            ) from error
        if file.exists() and keeping.has_far_more(file, made):
            raise OperatorError(
                f"{file} has far more in it than the database now ({counted(made)}), and was not replaced: "
                "look what became of the rest, or remove the file."
            )
    return made


def tidy(site: Site, file: Path, made: Inventory, keep: int) -> None:
    """Remove what is older than the backups to be kept, and tell of what should not be there."""
    done = keeping.tidy(file, made, keep)
    for old in done.removed:
        click.echo(f"Removed {old}.")
    for old, why in done.left:
        click.echo(f"Warning: {old} {why}; it does not count, and was not removed.", err=True)
    if done.better:
        warn(
            site,
            "The site has lost much of what its backups have",
            f"{done.better[0]} has far more in it than the database now ({counted(made)}). Look what became "
            "of the rest. Backups that have more are not removed; if all is well, remove them yourself.",
        )


def counted(inventory: Inventory) -> str:
    return f"{inventory.people:,} people and {inventory.posts:,} posts"


def write(site: Site, partial: Path) -> None:
    if site.database.dialect == POSTGRESQL:
        dumps.dump_postgresql(site.database.reading, partial)
        return
    source = site.database_file
    if source is None or not source.exists():
        raise OperatorError(f"There is no database to back up at {source or 'a place in memory'}.")
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
    if verify:
        with mailed(site, "The backup's verification", file if file.is_dir() else None), told():
            click.echo(verified(site, find_newest(file)))
        return
    with told():
        file = find_newest(file)
        kind = backups.detect_kind(file)
        if kind != site.database.dialect:
            raise OperatorError(
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
    # An index that is fed by transactions is inside the database, and in the backup too.
    index = "search verify --fix" if find_search_feed(site.registry) else "search rebuild"
    click.echo(f"Now bring the search index in step with `{site.command(index)}`, and start the site.")


def find_newest(file: Path) -> Path:
    """The file itself, or the newest backup of a folder."""
    if not file.is_dir():
        return file
    newest = keeping.newest_in(file)
    if newest is None:
        raise OperatorError(f"There is no backup in {file}.")
    return newest


def verified(site: Site, file: Path) -> str:
    """A sentence about a backup that is whole.

    :raises OperatorError: when it is not.
    """
    whole = described(site, file, keeping.read_inventory(file))
    if backups.detect_kind(file) == SQLITE:
        return whole
    engine = site.database.engine
    if site.database.dialect == POSTGRESQL and dumps.try_dump(engine, file) is not None:
        return whole
    return (
        f"{whole} It was read from its beginning to its end, and not test-restored: the settings name "
        "no server, it does not answer, or the role may not make databases (ALTER ROLE … CREATEDB)."
    )


def described(site: Site, file: Path, inventory: Inventory) -> str:
    if inventory.revision not in migrating.known_revisions(site.database):
        raise OperatorError(
            f"{file} was made by a newer version of microblog (revision {inventory.revision}) than this one "
            f"(revision {migrating.head()}): restore it with that version."
        )
    return f"{file} is whole: {counted(inventory)} (revision {inventory.revision})."


def restore_sqlite(site: Site, file: Path, *, overwrite: bool) -> None:
    database = site.database_file
    if database is None:
        raise OperatorError("The site's database is in memory: name a file in its settings.")
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

    :raises OperatorError: when it is in use, or nobody said that it may be moved.
    """
    try:
        if not backups.close_sqlite(database):
            raise OperatorError(
                f"{database} is in use, or may not be written: stop the site and its worker, and do this "
                "as their user."
            )
        empty = backups.is_empty(database)
    except sqlite3.DatabaseError:  # damaged, which may be why somebody restores
        empty = False
    if not empty and not overwrite:
        raise OperatorError(
            f"{database} is not empty: say --overwrite to move it aside, or name another in the settings."
        )
    if empty:
        for part in PARTS_OF_SQLITE:
            database.with_name(f"{database.name}{part}").unlink(missing_ok=True)
    else:
        move_parts(database)


def move_parts(database: Path) -> None:
    """Rename the files of a database, or what was left of them; harmless when there are none."""
    name = f"{database.name}.before-restore-{datetime.now(UTC):{keeping.MOMENT}}"
    for part in PARTS_OF_SQLITE:
        old = database.with_name(f"{database.name}{part}")
        if old.exists():
            new = old.rename(database.with_name(f"{name}{part}"))
            click.echo(f"What was there is now {new}.")


def restore_postgresql(site: Site, file: Path) -> None:
    database = site.database
    described(site, file, dumps.inventory_of_dump(file))
    revision = migrating.current(database)
    with database.read() as session:
        tables = sa.inspect(session.connection()).get_table_names()
        empty = not tables or (revision == migrating.head() and first_table_with_rows(session) is None)
    if not empty:
        raise OperatorError(
            f"The site's database is not empty: make another one (`{MADE_FOR}`), and name it in the settings."
        )
    if tables:
        remove_tables(database)
    dumps.load_postgresql(database.engine, file)
    database.close()


def remove_tables(database: Database) -> None:
    """Those of an empty site, which the backup brings itself."""
    with database.write() as session:
        uninstall_others(session, "none")
    migrating.downgrade(database)
    with database.write() as session:
        session.execute(sa.text("DROP TABLE alembic_version"))
