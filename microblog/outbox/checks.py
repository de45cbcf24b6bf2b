"""The state of the outbox, for `microblog doctor` and the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import orm

from microblog.background.advice import LATE_SECONDS, get_advice
from microblog.checks import FAULT, OK, WARNING, CheckedSite, Finding
from microblog.measuring import Gauge
from microblog.outbox.lag import STUCK_SECONDS
from microblog.outbox.queries import Depth, measure_depths
from microblog.request import Registry


def describe_outbox(site: CheckedSite) -> Iterator[Finding]:
    """Does any kind have dead letters, or lag behind?"""
    with site.database.read() as session:
        found = measure_depths(session)
    waiting = sum(depth.waiting for depth in found.values())
    for kind, depth in found.items():
        if depth.dead_letters:
            yield Finding(
                WARNING,
                f"{depth.dead_letters:,} deliveries “{kind}” were refused for good; "
                f"`{site.command(f'outbox list --kind {kind}')}` says why.",
            )
        if depth.lag_seconds > LATE_SECONDS:
            yield Finding(
                FAULT if depth.lag_seconds > STUCK_SECONDS else WARNING,
                f"{depth.waiting:,} deliveries “{kind}” wait, the oldest for "
                f"{depth.lag_seconds:,.0f} seconds. {get_advice(site)}",
            )
    yield Finding(OK, f"{waiting:,} deliveries wait.")


def read_depths(registry: Registry, session: orm.Session) -> Iterator[Gauge]:
    """The metrics of each kind."""
    found: dict[tuple[str, ...], Depth] = {(kind,): depth for kind, depth in measure_depths(session).items()}
    for name, help, attribute in (
        ("outbox_waiting", "Entries of the outbox that wait, by kind.", "waiting"),
        ("outbox_dead_letters", "Entries of the outbox that were refused for good, by kind.", "dead_letters"),
        ("outbox_oldest_seconds", "Seconds that the oldest entry has waited, by kind.", "lag_seconds"),
    ):
        values = {kind: float(getattr(depth, attribute)) for kind, depth in found.items()}
        yield Gauge(name, help, labels=("kind",), values=values)


def includeme(config: Any) -> None:
    config.add_metric("outbox", read=read_depths, order=40)
    config.add_health_check("outbox", details=describe_outbox, order=5)
