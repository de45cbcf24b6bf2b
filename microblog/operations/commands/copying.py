"""`microblog copy-database FROM TO`: everything, from SQLite to PostgreSQL or back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa

from microblog.console.progress import Progress
from microblog.console.site import get_console
from microblog.db import DATABASE_URL, Base, Database, get_sqlite_file, mask_password
from microblog.errors import OperatorError
from microblog.media.models import Picture
from microblog.operations import migrating
from microblog.operations.commands.pictures import PictureCopy
from microblog.operations.copying import (
    copy,
    count_rows,
    find_table_with_rows,
    list_tables,
    list_unknown_tables,
)
from microblog.operations.queries import find_file_faults

PRIVATE = 0o600
FORMS = "write sqlite+pysqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"
MADE_FOR = "createdb --owner=ROLE --encoding=UTF8 --template=template0 NAME"
# A server has many names: localhost, 127.0.0.1, a socket's folder.
THIS_DATABASE = sa.text(
    "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()"
)


@click.command("copy-database")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--overwrite", is_flag=True, help="Replace what is in TO.")
@click.option(
    "--pictures", "folder", type=click.Path(path_type=Path), help="Also copy the files of pictures there."
)
@click.pass_context
def copy_database(
    context: click.Context, *, source: str, target: str, overwrite: bool, folder: Path | None
) -> None:
    """Copy everything from the database FROM to the database TO, and compare the two.

    Both are URLs as in microblog.database.url. Leave passwords out of them: they may be in
    $PGPASSWORD or in ~/.pgpass. TO is empty, or is made. First stop the site and the worker:
    what is written meanwhile is not copied. When the command is interrupted, nothing is copied.

    The files of pictures are in no database: they stay where the settings say (-c FILE.ini), unless
    --pictures names a folder for a copy of them.
    """
    registry = get_console(context).registry
    derived, pictures = registry.derived_kinds, PictureCopy(registry, folder)
    with open_database(source) as reading, open_database(target) as writing:
        refuse_the_same(reading, writing)
        require_head(reading, hide_password(source))
        prepare(writing, hide_password(target), overwrite=overwrite)
        require_whole(reading, hide_password(source))
        pictures.copy(reading)
        with reading.snapshot() as old, writing.write() as new:
            total = count_rows(old, derived)
            if overwrite and not total:
                raise OperatorError(
                    f"There is nothing in {hide_password(source)} to copy: do you mean TO FROM?"
                )
            unknown = list_unknown_tables(old)
            counters = make_counter(total, "rows copied"), make_counter(total, "rows compared")
            done = copy(old, new, derived, *counters)
    click.echo(
        f"Copied {done.rows:,} rows of {len(done.contents)} tables, and compared both sides: they are equal."
    )
    if unknown:
        click.echo(
            f"Not copied, since no package of this site knows them: {', '.join(unknown)}. If they are a "
            "plug-in's, name the site with -c FILE.ini, whose pyramid.includes brings it in."
        )
    about_pictures = pictures.describe(done.contents[Picture.__tablename__].rows)
    if about_pictures is not None:
        click.echo(about_pictures)
    if done.waiting:
        click.echo(
            f"{done.waiting:,} outbox entries wait in both databases: start nothing on the old one, "
            "or they are delivered twice."
        )
    click.echo(
        f"Now set {DATABASE_URL.key} (or {DATABASE_URL.variable}) and microblog.search, "
        "make the search index with `microblog search rebuild`, and start the site."
    )


def make_counter(total: int, noun: str) -> Callable[[int], None]:
    """A function to call with the number of further rows done; its clock starts with the first call."""
    progress: Progress | None = None
    count = 0

    def done(more: int) -> None:
        nonlocal progress, count
        progress = progress or Progress(total, noun)
        count += more
        progress.update(count, count)
        if count >= total:
            progress.finish()

    return done


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    try:
        database = Database(url)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        reason = type(error).__name__
        if isinstance(error, ModuleNotFoundError):
            reason = f"{error.name} is not installed"
        raise OperatorError(
            f"{hide_password(url)} is no database that can be used ({reason}): {FORMS}."
        ) from error
    try:
        if get_file(database) is None:
            reach(database, url)
        yield database
    finally:
        database.close()


def reach(database: Database, url: str) -> None:
    """Connect once, to report which of the two databases cannot be reached."""
    try:
        database.reading.connect().close()
    except sa.exc.OperationalError as error:
        reason = " ".join(str(error.orig).split())
        raise OperatorError(
            f"{hide_password(url)} cannot be reached ({reason}): start it, or correct its URL or password."
        ) from error


def get_file(database: Database) -> Path | None:
    return get_sqlite_file(database.engine.url)


def hide_password(url: str) -> str:
    """The URL without its password."""
    try:
        return mask_password(url)
    except (sa.exc.ArgumentError, ValueError):
        return "One of the two"


def refuse_the_same(source: Database, target: Database) -> None:
    if identify(source) == identify(target):
        raise OperatorError("FROM and TO are the same database: name two.")


def identify(database: Database) -> tuple[object, ...]:
    """The same for two URLs of the same database."""
    if database.dialect == "postgresql":
        with database.read() as session:
            return tuple(session.execute(THIS_DATABASE).one())
    file = get_file(database)
    if file is None or not file.exists():
        return (file,)
    found = file.stat()
    return (found.st_dev, found.st_ino)


def require_head(database: Database, name: str) -> None:
    file = get_file(database)
    if file is not None and not file.exists():
        raise OperatorError(f"There is no file {file}: correct FROM.")
    revision = migrating.get_current_revision(database)
    if revision is None:
        raise OperatorError(f"There is no microblog in {name}: correct FROM.")
    if revision != migrating.get_head():
        raise OperatorError(
            f"{name} is at revision {revision}, and this microblog needs {migrating.get_head()}: run "
            "`microblog database upgrade` with settings that name it."
        )


def require_whole(database: Database, name: str) -> None:
    """:raises OperatorError: when the file is damaged, so that its copy would be, too."""
    if database.dialect == "sqlite":
        with database.read() as session:
            for fault in find_file_faults(session):
                raise OperatorError(f"{name} is damaged ({fault}): restore a backup, and copy that.")


def prepare(database: Database, name: str, *, overwrite: bool) -> None:
    """Make the tables if there are none.

    :raises OperatorError: when there is something in them, without `overwrite`.
    """
    file = get_file(database)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(PRIVATE)
    revision = migrating.get_current_revision(database)
    if revision is None:
        if sa.inspect(database.reading).get_table_names():
            raise OperatorError(
                f"{name} holds tables that are not microblog's: name a database that is empty."
            )
        make_tables(database, name)
    elif revision != migrating.get_head():
        raise OperatorError(
            f"{name} is at revision {revision}, and this microblog needs {migrating.get_head()}: name a "
            "database that is empty."
        )
    with database.write() as session:  # tables of packages whose migrations are not ours
        Base.metadata.create_all(session.connection(), tables=list_tables(), checkfirst=True)
    with database.read() as session:
        table = None if overwrite else find_table_with_rows(session)
    if table is not None:
        raise OperatorError(
            f"{name} is not empty (there is something in table {table}): name another database, or add "
            "--overwrite to replace everything in it."
        )


def make_tables(database: Database, name: str) -> None:
    try:
        migrating.upgrade(database)
    except sa.exc.ProgrammingError as error:
        reason = str(error.orig).splitlines()[0]
        raise OperatorError(
            f"Tables cannot be made in {name} ({reason}): make the database with `{MADE_FOR}`."
        ) from error
