"""The health check of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import orm

from microblog.background.advice import get_advice
from microblog.background.queries import get_newest_heartbeat, get_seconds_since_heartbeat, has_heartbeats
from microblog.checks import FAULT, OK, CheckedSite, Finding, NotAsked
from microblog.health.interfaces import get_watch
from microblog.health.watch import SECONDS_UNTIL_MISSED
from microblog.measuring import Gauge
from microblog.request import Registry

SECONDS_FOR_THE_WORKER = 0.5


def check_worker(registry: Registry) -> str | None:
    watch = get_watch(registry)
    database = registry.database
    if database.outage is not None:
        raise NotAsked  # no worker can write a heartbeat now
    with database.for_a_request(), database.read() as session:
        if has_heartbeats(session):
            watch.note_heartbeat(get_newest_heartbeat(session))
    watch.report()
    return watch.find_problem()


def describe_worker(site: CheckedSite) -> Iterator[Finding]:
    """Was a worker seen lately? One that was stopped properly is not missed: the site may be stopped, too."""
    with site.database.read() as session:
        seconds = get_seconds_since_heartbeat(session)
    if seconds is None:
        yield Finding(OK, "None runs now.")
    elif seconds > SECONDS_UNTIL_MISSED:
        yield Finding(FAULT, f"None has been seen for {seconds:,.0f} seconds. {get_advice(site)}")
    else:
        yield Finding(OK, f"One was seen {seconds:,.0f} seconds ago.")


def read_heartbeat(registry: Registry, session: orm.Session) -> Iterator[Gauge]:
    seconds = get_seconds_since_heartbeat(session)
    if seconds is not None:
        yield Gauge("worker_seen_seconds", "Seconds since a worker was last seen.", seconds)


def includeme(config: Any) -> None:
    config.add_metric("worker_seen", read=read_heartbeat, order=41)
    if get_watch(config.registry).is_needed:
        config.add_health_check(
            "worker",
            check_worker,
            details=describe_worker,
            seconds=SECONDS_FOR_THE_WORKER,
            in_metrics=False,
            logs_itself=True,
            order=4,
        )
