"""Does search answer, does its index lag behind, and does it agree with the posts?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from sqlalchemy import orm

from microblog.background.advice import LATE_SECONDS, get_advice
from microblog.checks import FAULT, OK, WARNING, CheckedSite, Finding
from microblog.measuring import Gauge
from microblog.paging import Cursor
from microblog.request import Registry
from microblog.search.interfaces import (
    MANY_SEGMENTS,
    OldIndex,
    SearchOff,
    SearchUnavailable,
    get_search,
    get_search_index,
)
from microblog.search.language import parse
from microblog.search.records import OLD

SECONDS_FOR_SEARCH = 2.0
A_SEARCH = "microblog"


def check_search(registry: Registry) -> None:
    """:raises SearchError: when search does not answer."""
    database = registry.database
    with suppress(SearchOff), database.for_a_request(), database.read() as session:
        get_search(registry).search(session, parse(A_SEARCH), Cursor(), 1)


def describe_search(site: CheckedSite) -> Iterator[Finding]:
    """Does search answer, and does its index lag behind?"""
    try:
        check_search(site.registry)
        with site.database.read() as session:
            status = get_search_index(site.registry).status(session)
    except SearchUnavailable as error:
        yield Finding(FAULT, str(error))
        return
    counts = f"{status.adapter}: {status.documents:,} posts indexed, {status.pending:,} wait"
    if status.refused:
        yield Finding(
            WARNING,
            f"{counts}; {status.refused:,} were refused for good, the log says why. When that is corrected: "
            f"`{site.command('search verify --fix')}`.",
        )
    elif status.lag_seconds > LATE_SECONDS:
        yield Finding(
            WARNING, f"{counts}, the oldest for {status.lag_seconds:,.0f} seconds. {get_advice(site)}"
        )
    elif status.segments > MANY_SEGMENTS:
        yield Finding(
            WARNING,
            f"{counts}; {status.segments:,} segments of the index wait to be merged, so searches get slower. "
            f"{get_advice(site)}",
        )
    else:
        yield Finding(OK, f"{counts}.")
    if status.is_old:
        yield Finding(WARNING, OLD)
    if status.verified is not None and not status.verified.agreed:
        yield Finding(
            WARNING,
            f"When the index was last verified ({status.verified.at:%Y-%m-%d %H:%M} UTC) it differed "
            f"from the posts: run `{site.command('search verify --fix')}`.",
        )


def describe_index(site: CheckedSite) -> Iterator[Finding]:
    """Compare the whole index with the posts."""
    try:
        drift = get_search_index(site.registry).verify(site.database)
    except OldIndex as error:
        yield Finding(WARNING, str(error))
        return
    except SearchUnavailable as error:
        yield Finding(FAULT, str(error))
        return
    if drift:
        yield Finding(
            FAULT, f"The index differs from the posts: run `{site.command('search verify --fix')}`."
        )
    else:
        yield Finding(OK, "The index agrees with the posts.")


def read_status(registry: Registry, session: orm.Session) -> Iterator[Gauge]:
    status = get_search_index(registry).status(session)
    yield Gauge("search_documents", "Posts in the search index.", status.documents)
    yield Gauge("search_pending", "Changes that the search index does not know yet.", status.pending)
    yield Gauge("search_lag_seconds", "Seconds that the oldest of them waits.", status.lag_seconds)
    yield Gauge("search_segments", "Segments of the search index, which the worker merges.", status.segments)


def includeme(config: Any) -> None:
    config.add_metric("search_index", read=read_status, part="search", order=42)
    config.add_health_check(
        "search", check_search, details=describe_search, seconds=SECONDS_FOR_SEARCH, order=3
    )
    config.add_health_check("index", details=describe_index, full=True, order=11)
