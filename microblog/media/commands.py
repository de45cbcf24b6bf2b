"""`microblog media`: how many pictures there are, what nobody needs, and whether all is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click

from microblog.console.progress import Progress
from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from microblog.ids import get_now, to_milliseconds
from microblog.media import collecting
from microblog.media import upkeep_queries as queries
from microblog.media.checking import FileCheck, check_rows
from microblog.media.collecting import A_DAY
from microblog.media.describing import describe_files, describe_rows
from microblog.media.storage.interfaces import get_storage
from microblog.media.upkeep_queries import MOST_COUNTED, Total, Unfinished

MEGABYTE = 1_000_000
SECONDS_OF_AN_HOUR = 3600
# More files that no row knows than others: the wrong database, or that of another site.
MANY_UNKNOWN = 20


@click.group()
def media() -> None:
    """Count pictures, delete what nobody needs of them, and check whether all files are there."""


@media.command()
@pass_site
def status(site: Site) -> None:
    """How many pictures there are, how much room they take, what waits, and where they are kept."""
    database = site.require_database()
    with database.without_limits(), database.read() as session:
        totals = queries.list_totals(session)
        unfinished = queries.get_unfinished(session)
    for line in describe_totals(totals):
        click.echo(line)
    for line in describe_unfinished(unfinished, get_now()):
        click.echo(line)
    click.echo(get_storage(site.registry).check())


def describe_totals(totals: list[Total]) -> Iterator[str]:
    for total in totals:
        yield f"{total.purpose}: {total.shown:,} shown, {total.waiting:,} wait, {format_size(total.bytes)}."
    count, size = sum(total.shown + total.waiting for total in totals), sum(total.bytes for total in totals)
    yield f"All: {count:,} pictures, {format_size(size)}."


def describe_unfinished(found: Unfinished, now: int) -> Iterator[str]:
    """`now` in milliseconds since 1970."""
    if found.waiting_since is not None:
        hours = (now - found.waiting_since) / 1000 / SECONDS_OF_AN_HOUR
        yield (
            f"{format_count(found.waiting)} wait for their post or profile, the oldest for {hours:,.1f} "
            "hours; after a day they are deleted."
        )
    if found.leftovers_since is None:
        yield "No files of deleted pictures are left."
    else:
        seconds = (now - found.leftovers_since) / 1000
        yield (
            f"The files of {format_count(found.leftovers)} deleted pictures wait for the worker to delete "
            f"them, the oldest for {seconds:,.0f} seconds."
        )


def format_count(count: int) -> str:
    return f"{count:,} or more" if count == MOST_COUNTED else f"{count:,}"


def format_size(count: int) -> str:
    return f"{count / MEGABYTE:,.1f} MB"


@media.command()
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted.")
@click.option("--all", "even_most", is_flag=True, help="Also when most files belong to no picture.")
@click.option("--older-than", type=click.FloatRange(min=0), hidden=True, default=A_DAY.total_seconds())
@pass_site
def collect(site: Site, *, dry_run: bool, even_most: bool, older_than: float) -> None:
    """Delete what nobody needs: pictures that have waited for more than a day, files of deleted pictures, and
    files that belong to no picture and are older than a day. The site may go on meanwhile.

    The worker does the first two by itself.
    """
    site.require_database()
    age = timedelta(seconds=older_than)
    if dry_run:
        count_waiting(site, age)
    else:
        delete_waiting(site, age)
        delete_leftovers(site)
    delete_unknown(site, age, even_most=even_most, dry_run=dry_run)


def count_waiting(site: Site, age: timedelta) -> None:
    with site.database.read() as session:
        old = queries.count_old(session, to_milliseconds(datetime.now(UTC) - age))
        leftovers = queries.get_unfinished(session).leftovers
    click.echo(f"{old:,} pictures that have waited for too long would be deleted.")
    click.echo(f"The files of {format_count(leftovers)} deleted pictures would be deleted.")


def delete_waiting(site: Site, age: timedelta) -> None:
    count = 0
    while done := collecting.delete_waiting(site.registry, age):
        count += done
    click.echo(f"Deleted {count:,} pictures that had waited for too long.")


def delete_leftovers(site: Site) -> None:
    """
    :raises StorageUnavailable: when some files cannot be deleted.
    """
    count, after, refused = 0, "", None
    with site.database.read() as session:
        progress = Progress(queries.get_unfinished(session).leftovers, "pictures deleted")
    while True:
        batch = collecting.delete_leftovers(site.registry, after)
        count, after, refused = count + batch.deleted, batch.after, batch.refused or refused
        progress.advance(batch.deleted)
        if not after or (batch.refused and not batch.deleted):
            break
    progress.finish()
    click.echo(f"Deleted the files of {count:,} deleted pictures.")
    if refused:
        raise refused


def delete_unknown(site: Site, age: timedelta, *, even_most: bool, dry_run: bool) -> None:
    """
    :raises OperatorError: when most files belong to no picture.
    """
    files, unknown, size = count_unknown(site, age)
    if dry_run:
        click.echo(f"{unknown:,} of {files:,} files belong to no picture ({format_size(size)}).")
    if unknown > max(files - unknown, MANY_UNKNOWN) and not even_most:
        raise OperatorError(
            f"{unknown:,} of {files:,} files belong to no picture in the database of this site: does it keep "
            "pictures where another site does, or was its database emptied? None of them was deleted. If all "
            f"is well, run `{site.command('media collect --all')}`."
        )
    if dry_run:
        return
    storage = get_storage(site.registry)
    deleted = size = 0
    progress = Progress(unknown, "files deleted")
    for listed in collecting.list_unknown_files(site.registry, age) if unknown else ():
        storage.delete([file.name for file in listed.unknown])
        deleted += len(listed.unknown)
        size += sum(file.size for file in listed.unknown)
        progress.advance(len(listed.unknown))
    progress.finish()
    click.echo(f"Deleted {deleted:,} files that belonged to no picture ({format_size(size)}).")


def count_unknown(site: Site, age: timedelta) -> tuple[int, int, int]:
    """How many files there are, how many of them belong to no picture, and the bytes of these."""
    with site.database.read() as session:
        pictures = queries.count_pictures(session)
    progress = Progress(2 * pictures, "files listed")  # about two of each
    files = unknown = size = 0
    for listed in collecting.list_unknown_files(site.registry, age):
        files += listed.files
        unknown += len(listed.unknown)
        size += sum(file.size for file in listed.unknown)
        progress.advance(listed.files)
    progress.finish()
    return files, unknown, size


@media.command()
@pass_site
def check(site: Site) -> None:
    """Read all pictures: is each file there, and as it was stored? Compare them with the posts and people who
    show them; exit status 1 when something is wrong. The site may go on meanwhile.
    """
    database = site.require_database()
    with database.read() as session:
        progress = Progress(queries.count_pictures(session), "pictures read")
    try:
        files = FileCheck(site.registry, lambda: progress.advance(1)).run()
    finally:
        progress.finish()
    findings = [*describe_files(site, files), *describe_rows(check_rows(site.registry))]
    for finding in findings:
        click.echo(finding.sentence)
    if findings:
        raise OperatorError(f"{len(findings)} kinds of faults were found: do what is said above.")
    click.echo(f"All is well with {files.pictures:,} pictures and their {files.files:,} files.")
