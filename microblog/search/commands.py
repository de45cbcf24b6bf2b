"""`microblog search`: rebuild, verify and repair the index."""

from __future__ import annotations

from collections.abc import Iterator

import click

from microblog.console.progress import Progress
from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from microblog.posts.queries import count_posts
from microblog.search import adapters
from microblog.search.feeding import catch_up
from microblog.search.interfaces import MANY_SEGMENTS, Drift, Rebuilding, Status, Verified, get_search_index
from microblog.search.records import OLD
from microblog.search.settings import SEARCH

POSTS_IN_A_TRANSACTION = 1000
MOST_IDS_SHOWN = 20
MANY = 10_000  # posts: from here on the steps after the last post take seconds, too


@click.group()
def search() -> None:
    """Rebuild the search index, compare it with the posts, repair it."""


@search.command()
@pass_site
def rebuild(site: Site) -> None:
    """Rebuild the whole index from the posts."""
    database, index = site.require_database(), get_search_index(site.registry)
    with database.read() as session:
        expected = count_posts(session)
    progress = Progress(expected, "posts")

    def report(more: int) -> None:
        before = progress.done
        progress.advance(more)
        if before < expected <= progress.done and expected >= MANY:
            progress.say("All posts are in the new index, which is now optimized and compared with them.")

    total = index.rebuild(database, report)
    progress.finish()
    adapters.take_down_others(database, index.name)
    click.echo(f"The index ({index.name}) is rebuilt: {total:,} posts.")


@search.command()
@click.option("--fix", is_flag=True, help="Repair what differs.")
@pass_site
def verify(site: Site, *, fix: bool) -> None:
    """Compare the whole index with the posts; exit status 1 when they differ."""
    database, index = site.require_database(), get_search_index(site.registry)
    drift = index.verify(database)
    for line in describe_drift(drift):
        click.echo(line)
    if not drift:
        click.echo(f"The index ({index.name}) agrees with the posts.")
    elif not fix:
        raise OperatorError(f"The index differs: run `{site.command('search verify --fix')}`.")
    else:
        repair(site, drift)
        click.echo(f"The index ({index.name}) is repaired, and agrees with the posts.")


def repair(site: Site, drift: Drift) -> None:
    """Repair these differences.

    :raises OperatorError: when the index still differs afterwards.
    """
    database, index = site.database, get_search_index(site.registry)
    with database.write() as session:
        index.repair(session, drift)
    status = get_status(site)
    total = status.documents + status.pending
    progress = Progress(total, "posts")
    done = 0
    while caught_up := catch_up(site.registry, POSTS_IN_A_TRANSACTION):
        done += caught_up
        progress.update(min(done, total), done)
    progress.finish()
    if index.verify(database):
        raise OperatorError(f"The index still differs: run `{site.command('search rebuild')}`.")


@search.command()
@click.argument("name")
@pass_site
def remove(site: Site, *, name: str) -> None:
    """Remove from the database what the adapter NAME has stored there.

    For an adapter that you have written yourself; `rebuild` does it for all others.
    """
    database = site.require_database()
    if name == site.registry.microblog[SEARCH]:
        raise OperatorError(
            f"{name} is the adapter of this site: choose another one in {site.ini}, "
            f"run `{site.command('search rebuild')}`, and then this command again."
        )
    adapters.remove(database, name)
    click.echo(f"What the adapter {name} had stored in the database is removed.")


@search.command()
@pass_site
def status(site: Site) -> None:
    """How many posts are in the index, how many wait, and what the last verify found."""
    site.require_database()
    for line in describe_status(site, get_status(site)):
        click.echo(line)


def describe_status(site: Site, now: Status) -> Iterator[str]:
    yield f"{now.adapter}: {now.documents:,} posts indexed, {now.pending:,} wait for the worker."
    if now.lag_seconds:
        yield f"The oldest has waited for {now.lag_seconds:,.1f} s."
    if now.segments > MANY_SEGMENTS:
        yield f"{now.segments:,} segments of the index wait for the worker to merge them."
    if now.refused:
        yield (
            f"{now.refused:,} were refused for good; the log says why. "
            f"When that is corrected: `{site.command('search verify --fix')}`."
        )
    if now.is_old:
        yield OLD
    yield describe_verify(now.verified)
    if now.rebuilding is not None:
        yield describe_rebuild(site, now.rebuilding)


def describe_verify(verified: Verified | None) -> str:
    if verified is None:
        return "It has not been verified yet."
    at = f"Last verify: {verified.at:%Y-%m-%d %H:%M:%S} UTC"
    if verified.agreed:
        return f"{at}, agreed."
    return f"{at}, {verified.missing:,} missing, {verified.stale:,} stale, {verified.ghosts:,} ghosts."


def describe_rebuild(site: Site, rebuilding: Rebuilding) -> str:
    seen = f"{rebuilding.seen_at:%Y-%m-%d %H:%M:%S} UTC"
    if rebuilding.is_alive:
        return f"A rebuild is running: {rebuilding.posts:,} posts at {seen}."
    return (
        f"A rebuild has not ended, and was last heard of at {seen}: "
        f"run `{site.command('search rebuild')}` again."
    )


def get_status(site: Site) -> Status:
    with site.database.read() as session:
        return get_search_index(site.registry).status(session)


def describe_drift(drift: Drift) -> Iterator[str]:
    """One line for each kind of difference."""
    for kind, ids in (
        ("Missing in the index", drift.missing),
        ("Indexed with another text", drift.stale),
        ("In the index but no posts", drift.ghosts),
    ):
        if ids:
            shown = " ".join(str(number) for number in ids[:MOST_IDS_SHOWN])
            more = f" … and {len(ids) - MOST_IDS_SHOWN:,} more" if len(ids) > MOST_IDS_SHOWN else ""
            yield f"{kind}: {shown}{more}"
