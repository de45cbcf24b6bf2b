"""Accounts that are being deleted, for `microblog doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from microblog.accounts.departure_queries import get_overview
from microblog.background.advice import get_advice
from microblog.checks import OK, WARNING, CheckedSite, Finding

LATE = timedelta(days=1)


def describe_departures(site: CheckedSite) -> Iterator[Finding]:
    """Are accounts deleted in time?"""
    with site.database.read() as session:
        found = get_overview(session, datetime.now(UTC), LATE)
    waiting = f"{found.waiting:,} wait to be deleted"
    leaving = f"{found.leaving:,} being deleted"
    if found.since is not None:
        leaving += f", the first since {found.since:%Y-%m-%d %H:%M} UTC"
    if found.late is None:
        yield Finding(OK, f"{waiting}, {leaving}.")
    else:
        yield Finding(
            WARNING,
            f"{waiting}, {leaving}. One should have been deleted on {found.late:%Y-%m-%d}: "
            f"{get_advice(site)} `{site.command('user departures')}` lists them.",
        )


def includeme(config: Any) -> None:
    config.add_health_check("departures", details=describe_departures, order=14)
