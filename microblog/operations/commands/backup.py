"""`microblog backup` and `microblog restore`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import sqlalchemy as sa

from microblog.alerts.failed_commands import mail_failures, warn
from microblog.console.progress import Progress
from microblog.console.site import Site, pass_site
from microblog.db import Database
from microblog.errors import OperatorError
from microblog.operations import backup as backups
from microblog.operations import dumps, keeping, migrating
from microblog.operations.backup import POSTGRESQL, SQLITE, Inventory, NotWhole
from microblog.operations.commands.copying import MADE_FOR
from microblog.operations.commands.pictures import (
    ALLOW_MISSING,
    PictureBackup,
    PictureRestore,
    restore_pictures_only,
    tidy_pictures,
    verify_pictures,
)
from microblog.operations.copying import find_table_with_rows
from microblog.search.adapters import uninstall_others
from microblog.search.interfaces import find_search_feed

NAMES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
PER_CENT = 100
# SQLite applies the last three to any database beside them.
PARTS_OF_SQLITE = ("", "-wal", "-shm", "-journal")
file_argument = click.argument("file", type=click.Path(path_type=Path))


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn errors of files and databases into sentences for the operator."""
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
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@click.option("--keep", type=click.IntRange(min=1), help="Keep this many backups in the folder.")
@pass_site
def backup(site: Site, *, file: Path, overwrite: bool, keep: int | None) -> None:
    """Write the whole database to FILE, while the site goes on, and verify it.

    Where FILE is a folder, the backup is named after the current time. It holds addresses and hashes of
    passwords: only its owner may read it. The ini file and its secret are not in it. Pictures that the site
    keeps in a folder are copied into one beside FILE, each once for all backups of a folder.

    A damaged backup gets another name and replaces nothing. A failure is mailed to microblog.admins.
    """
    folder = file if file.is_dir() else None
    if folder is None and keep is not None:
        raise click.UsageError("--keep is for a folder of backups: name a folder.")
    with mail_failures(site, "The backup", folder), report_errors():
        if folder is not None:
            file = folder / keeping.make_backup_name(site.database.dialect)
        require_free(site, file, overwrite=overwrite)
        pictures = PictureBackup(site, file)
        pictures.copy()
        made = make(site, file)
        click.echo(
            f"Backed up the database to {file} ({file.stat().st_size:,} bytes; {format_counts(made)})."
        )
        pictures.copy()
        pictures.finish()
        if folder is not None and keep is not None:
            tidy(site, file, made, keep)
            tidy_pictures(folder)


def require_free(site: Site, file: Path, *, overwrite: bool) -> None:
    """:raises OperatorError: when the backup may not have this name."""
    if site.database_file is not None and file.resolve() == site.database_file.resolve():
        raise OperatorError(f"{file} is the site's database itself: name another file.")
    if file.exists() and not overwrite:
        raise OperatorError(f"There is {file} already: name another, or add --overwrite.")
    if not file.parent.is_dir():
        raise OperatorError(f"There is no folder {file.parent}: make it, or name another.")


def make(site: Site, file: Path) -> Inventory:
    """:raises OperatorError: when no backup could be made, or one that is not whole."""
    with backups.write_atomically(file) as partial:
        try:
            write(site, partial)
            made = keeping.read_inventory(partial)
        except NotWhole as error:
            damaged = keeping.rename_damaged(partial, file)
            raise OperatorError(
                f"The copy of the database {error.reason}. It is now {damaged}, and no other backup was "
                f"removed. Run `{site.command('doctor --full')}`: if the database itself is damaged, stop "
                "the site and restore the newest backup; if it is not, this disk is."
            ) from error
        if file.exists() and keeping.has_far_more(file, made):
            raise OperatorError(
                f"{file} has far more in it than the database now ({format_counts(made)}), and was not "
                "replaced: find out what became of the rest, or remove the file."
            )
    return made


def tidy(site: Site, file: Path, made: Inventory, keep: int) -> None:
    """Remove backups that are older than those to be kept, and report those that should not be there."""
    done = keeping.tidy(file, made, keep)
    for old in done.removed:
        click.echo(f"Removed {old}.")
    for old, why in done.left:
        click.echo(f"Warning: {old} {why}; it does not count, and was not removed.", err=True)
    if done.better:
        warn(
            site,
            "The site has lost much of what its backups have",
            f"{done.better[0]} has far more in it than the database now ({format_counts(made)}). Find out "
            "what became of the rest. Backups that have more are not removed; if all is well, remove them "
            "yourself.",
        )


def format_counts(inventory: Inventory) -> str:
    return f"{inventory.people:,} people and {inventory.posts:,} posts"


def write(site: Site, partial: Path) -> None:
    if site.database.dialect == POSTGRESQL:
        dumps.dump_postgresql(site.database.reading, partial)
        return
    source = site.database_file
    if source is None or not source.exists():
        raise OperatorError(f"There is no database to back up at {source or ':memory:'}.")
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
@click.option("--verify", is_flag=True, help="Only check whether the backup is whole.")
@click.option("--overwrite", is_flag=True, help="Rename a database of SQLite that is not empty.")
@click.option("--pictures", "only_pictures", is_flag=True, help="Only bring back files of pictures.")
@click.option(ALLOW_MISSING, "allow_missing", is_flag=True, help="Even when some are not in the backup.")
@pass_site
def restore(
    site: Site, *, file: Path, verify: bool, overwrite: bool, only_pictures: bool, allow_missing: bool
) -> None:
    """Load the backup FILE into the site's database, which is empty or missing, and bring back its pictures.

    With --verify nothing is changed, FILE may be a folder, whose newest backup is read, and the exit status
    is 1 when it is not whole. With --pictures the database is left alone, and the site may go on: files that
    are missing or damaged are brought back, of pictures that the site still has.
    """
    if verify:
        with (
            mail_failures(site, "The backup's verification", file if file.is_dir() else None),
            report_errors(),
        ):
            newest = find_newest(file)
            whole = verify_backup(site, newest)
            click.echo(f"{whole} {verify_pictures(site, newest)}".rstrip())
        return
    with report_errors():
        file = find_newest(file)
        if only_pictures:
            restore_pictures_only(site, file)
            return
        pictures = PictureRestore(site, file, allow_missing=allow_missing)
        kind = backups.detect_kind(file)
        if kind != site.database.dialect:
            raise OperatorError(
                f"{file} is a backup of {NAMES[kind]}, and the site's database is one of "
                f"{NAMES[site.database.dialect]}: restore it into one of {NAMES[kind]}, and then use "
                "`microblog copy-database`."
            )
        if kind == SQLITE:
            restore_sqlite(site, file, pictures, overwrite=overwrite)
        else:
            restore_postgresql(site, file, pictures)
    click.echo(f"Restored {file}.")
    click.echo(site.upgrade())
    # An index inside the database is in the backup, too.
    index = "search verify --fix" if find_search_feed(site.registry) else "search rebuild"
    click.echo(f"Now update the search index with `{site.command(index)}`, and start the site.")


def find_newest(file: Path) -> Path:
    """The file itself, or the newest backup of a folder."""
    if not file.is_dir():
        return file
    newest = keeping.find_newest(file)
    if newest is None:
        raise OperatorError(f"There is no backup in {file}.")
    return newest


def verify_backup(site: Site, file: Path) -> str:
    """A sentence about a backup that is whole.

    :raises OperatorError: when it is not.
    """
    whole = describe_backup(site, file, keeping.read_inventory(file))
    if backups.detect_kind(file) == SQLITE:
        return whole
    engine = site.database.engine
    if site.database.dialect == POSTGRESQL and dumps.try_restore(engine, file) is not None:
        return whole
    return (
        f"{whole} It was read from its beginning to its end, and not test-restored: the settings name "
        "no server, it does not answer, or the role may not create databases (ALTER ROLE … CREATEDB)."
    )


def describe_backup(site: Site, file: Path, inventory: Inventory) -> str:
    if inventory.revision not in migrating.list_known_revisions(site.database):
        raise OperatorError(
            f"{file} was made by a newer version of microblog (revision {inventory.revision}) than this one "
            f"(revision {migrating.get_head()}): restore it with that version."
        )
    return f"{file} is whole: {format_counts(inventory)} (revision {inventory.revision})."


def restore_sqlite(site: Site, file: Path, pictures: PictureRestore, *, overwrite: bool) -> None:
    database = site.database_file
    if database is None:
        raise OperatorError("The site's database is in memory: name a file in its settings.")
    describe_backup(site, file, backups.read_sqlite_inventory(file))
    database.parent.mkdir(parents=True, exist_ok=True)
    with backups.write_atomically(database) as partial:
        copy_sqlite(file, partial)  # including its WAL, as it was read above
        backups.unseal(partial)
        if database.exists():
            require_room(database, overwrite=overwrite)
        pictures.bring_back()
        if database.exists():
            make_room(database, overwrite=overwrite)
        else:
            move_parts(database)


def make_room(database: Path, *, overwrite: bool) -> None:
    """Make room for another database: remove an empty one, and rename one that is not empty.

    :raises OperatorError: see `require_room`.
    """
    if require_room(database, overwrite=overwrite):
        for part in PARTS_OF_SQLITE:
            database.with_name(f"{database.name}{part}").unlink(missing_ok=True)
    else:
        move_parts(database)


def require_room(database: Path, *, overwrite: bool) -> bool:
    """May another database take its place? Is it empty?

    :raises OperatorError: when it is in use, or not empty without `overwrite`.
    """
    try:
        if not backups.close_sqlite(database):
            raise OperatorError(
                f"{database} is in use, or may not be written: stop the site and its worker, and do this "
                "as their user."
            )
        empty = backups.is_empty(database)
    except sqlite3.DatabaseError:  # damaged, which may be the reason for restoring
        empty = False
    if not empty and not overwrite:
        raise OperatorError(
            f"{database} is not empty: add --overwrite to rename it, or name another in the settings."
        )
    return empty


def move_parts(database: Path) -> None:
    """Rename the files of a database, as far as they exist."""
    name = f"{database.name}.before-restore-{datetime.now(UTC):{keeping.TIMESTAMP}}"
    for part in PARTS_OF_SQLITE:
        old = database.with_name(f"{database.name}{part}")
        if old.exists():
            new = old.rename(database.with_name(f"{name}{part}"))
            click.echo(f"What was there is now {new}.")


def restore_postgresql(site: Site, file: Path, pictures: PictureRestore) -> None:
    database = site.database
    describe_backup(site, file, dumps.read_dump_inventory(file))
    revision = migrating.get_current_revision(database)
    with database.read() as session:
        tables = sa.inspect(session.connection()).get_table_names()
        empty = not tables or (revision == migrating.get_head() and find_table_with_rows(session) is None)
    if not empty:
        raise OperatorError(
            f"The site's database is not empty: make another one (`{MADE_FOR}`), and name it in the settings."
        )
    pictures.bring_back()
    if tables:
        remove_tables(database)
    dumps.load_postgresql(database.engine, file)
    database.close()


def remove_tables(database: Database) -> None:
    """Remove the tables of an empty site, since the backup contains them."""
    with database.write() as session:
        uninstall_others(session, "none")
    migrating.downgrade(database)
    with database.write() as session:
        session.execute(sa.text("DROP TABLE alembic_version"))
