"""`/metrics`: what happened, as numbers for Prometheus.

What this process counts is kept in memory; with `microblog.metrics.directory` in files there, by which
the numbers of all processes are added up. What the database knows is read when somebody asks.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from zope.interface import implementer

from microblog.background.queries import get_newest_heartbeat
from microblog.health.probes import Probe
from microblog.health.views import plain
from microblog.metrics.interfaces import INumbers
from microblog.metrics.settings import METRICS, METRICS_ALLOW, METRICS_DIRECTORY
from microblog.observing import Observation
from microblog.outbox.queries import Depth, depths, now
from microblog.request import Request
from microblog.search.interfaces import SearchError, Status
from microblog.tree import Resource

log = logging.getLogger(__name__)

SECONDS_FOR_THE_DATABASE = 2.0
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the library's own
NOT_FROM_HERE = "This address may not ask: it is not in microblog.metrics.allow.\n"
NOWHERE = ("none", "none")
BYTES_OF_A_FILE = 1 << 20  # with few labels it never needs more
EMPTY = Depth(0, 0, 0.0)

# What may be counted: its meaning, and its labels.
COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "logins": ("Attempts to log in, by result: done or failed.", ("result",)),
    "mails": ("Mails, by result: sent or failed.", ("result",)),
    "worker_rounds": ("Rounds of the worker.", ()),
    "worker_failures": ("Tasks of the worker that failed in a round.", ("task",)),
}


@implementer(INumbers)
class NoNumbers:
    """Counts nothing: metrics are off."""

    def count(self, name: str, **labels: str) -> None:
        """A name that is not there is a fault of ours here too, so that tests find it."""
        if name not in COUNTERS:
            raise KeyError(name)


class Kept:
    """What is kept of the numbers, by `prometheus_client`."""

    def __init__(self, registry: Any) -> None:
        from prometheus_client import Counter, Histogram, disable_created_metrics

        # When each number began: as many lines again, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.requests = Counter(
            "microblog_requests",
            "Requests, by class of the resource, name of the view, and status.",
            ("context", "view", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "microblog_request_seconds",
            "Seconds until the answer, by class of the resource and name of the view.",
            ("context", "view"),
            buckets=BUCKETS,
            registry=registry,
        )
        self.statements = Counter(
            "microblog_sql_statements",
            "SQL statements, by where they ran: request or task.",
            ("where",),
            registry=registry,
        )
        self.sql_seconds = Counter(
            "microblog_sql_seconds",
            "Seconds in which SQL ran, by where: request or task.",
            ("where",),
            registry=registry,
        )
        self.counters = {
            name: Counter(f"microblog_{name}", meaning, labels, registry=registry)
            for name, (meaning, labels) in COUNTERS.items()
        }


@implementer(INumbers)
class Numbers:
    """The numbers of one application.

    With a directory they are kept in files there, one for each process and kind; then they are no part
    of a registry, and are read from the files of all processes. Nothing is made before the first request
    or round of the worker: a command leaves no files.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._registry: Any = None
        self._made: Kept | None = None

    @property
    def _kept(self) -> Kept:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Kept:
        if self._directory is not None:
            try:
                return self._in_files(self._directory)
            except OSError as error:
                log.error(
                    "The folder %s (%s) cannot be used (%s): numbers are of this process alone.",
                    self._directory,
                    METRICS_DIRECTORY.key,
                    error.strerror,
                )
                self._directory = None
        from prometheus_client import CollectorRegistry

        self._registry = CollectorRegistry()
        return Kept(self._registry)

    def _in_files(self, directory: Path) -> Kept:
        """:raises OSError: when there can be no files in it."""
        directory.mkdir(parents=True, exist_ok=True)
        reserve(directory)
        os.environ[DIRECTORY_VARIABLE] = str(directory)
        from prometheus_client import values

        if values.ValueClass is values.MutexValue:
            # It was imported before the variable was there.
            values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        return Kept(None)

    def count(self, name: str, **labels: str) -> None:
        counter = self._kept.counters[name]
        try:
            (counter.labels(**labels) if labels else counter).inc()
        except OSError:  # the disk is full; what is counted goes on
            log.exception("%s could not be counted.", name)

    def observe(self, observation: Observation, response: Any) -> None:
        """An observer of requests and tasks."""
        request = observation.request
        if request is None and self._made is None:
            return  # a command
        kept = self._kept
        where = "task" if request is None else "request"
        kept.statements.labels(where).inc(observation.statements)
        kept.sql_seconds.labels(where).inc(observation.sql_ns / 1e9)
        if request is not None:
            context, view = place_of(request)
            status = "500" if response is None else str(response.status_int)
            kept.requests.labels(context, view, status).inc()
            kept.seconds.labels(context, view).observe(observation.seconds)

    def text(self, *more: Any) -> str:
        """Everything, in the format of Prometheus; `more` are collectors of what is read now."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        self._kept  # noqa: B018  # made, if nobody was here yet
        if self._directory is None:
            registry.register(self._registry)  # it collects, too
        else:
            MultiProcessCollector(registry, str(self._directory))  # type: ignore[no-untyped-call]
        for collector in more:
            registry.register(collector)
        return generate_latest(registry).decode()


def reserve(directory: Path) -> None:
    """Make the files of this process at the size that the library gives them.

    The library writes them through the memory, where a disk that is full kills the process (SIGBUS).

    :raises OSError: when there is no room.
    """
    for kind in ("counter", "histogram"):
        with (directory / f"{kind}_{os.getpid()}.db").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, BYTES_OF_A_FILE)


def place_of(request: Request) -> tuple[str, str]:
    """(class of the resource, name of the view), both "none" for what is no page: there are few values."""
    if getattr(request, "matched_route", None) is not None:
        return "static", ""
    context, name = getattr(request, "context", None), getattr(request, "view_name", None)
    if context is None or name is None or request.subpath:
        return NOWHERE
    for known, view_name, _ in request.registry.page_methods:
        if view_name == name and isinstance(context, known):
            return type(context).__name__, name
    return NOWHERE


class FromTheDatabase:
    """What waits in the outbox, and how far the search index is behind; asked when it is collected."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self._kinds: set[str] = set()
        self._outbox = Probe(self._depths)
        self._search = Probe(self._status)

    def _depths(self) -> tuple[dict[str, Depth], int | None]:
        database = self._registry.database
        with database.for_a_request(), database.read() as session:
            return depths(session), get_newest_heartbeat(session)

    def _status(self) -> Status:
        database = self._registry.database
        with database.for_a_request(), database.read() as session:
            status: Status = self._registry.search.status(session)
            return status

    def describe(self) -> list[Any]:
        """Nothing: the library would otherwise collect once to learn the names."""
        return []

    def collect(self) -> Iterator[Any]:
        up = gauge("microblog_up", "1 when it answers, else 0, by part.", labels=["part"])
        found = self._asked(self._outbox)
        up.add_metric(["database"], float(found is not None))
        if found is not None:
            waiting, seen = found
            yield from self._of_outbox(waiting)
            if seen is not None:
                yield of_worker(seen)
            status = self._asked(self._search)
            up.add_metric(["search"], float(status is not None))
            if status is not None:
                yield from of_search(status)
        yield up

    def _asked(self, probe: Probe[Any]) -> Any:
        """None when there is no answer: `/health/ready` and the log say why."""
        try:
            return probe.ask(SECONDS_FOR_THE_DATABASE)
        except (SearchError, TimeoutError, sa.exc.SQLAlchemyError):
            return None

    def _of_outbox(self, found: dict[str, Depth]) -> Iterator[Any]:
        # A kind that was there once is told on as empty, not left out: a line of a graph does not break off.
        self._kinds.update(found)
        waiting, dead, oldest = (
            gauge(f"microblog_outbox_{name}", meaning, labels=["kind"])
            for name, meaning in (
                ("waiting", "Entries of the outbox that wait, by kind."),
                ("dead_letters", "Entries of the outbox that were refused for good, by kind."),
                ("oldest_seconds", "Seconds that the oldest entry has waited, by kind."),
            )
        )
        for kind in sorted(self._kinds):
            depth = found.get(kind, EMPTY)
            waiting.add_metric([kind], depth.waiting)
            dead.add_metric([kind], depth.dead_letters)
            oldest.add_metric([kind], depth.lag_seconds)
        yield from (waiting, dead, oldest)


def of_worker(seen: int) -> Any:
    seconds = max(0.0, (now() - seen) / 1000)
    return gauge("microblog_worker_seen_seconds", "Seconds since a worker was last seen.", value=seconds)


def of_search(status: Status) -> Iterator[Any]:
    yield gauge("microblog_search_documents", "Posts in the search index.", value=status.documents)
    yield gauge(
        "microblog_search_pending", "Changes that the search index does not know yet.", value=status.pending
    )
    yield gauge(
        "microblog_search_lag_seconds", "Seconds that the oldest of them waits.", value=status.lag_seconds
    )


def gauge(name: str, meaning: str, **more: Any) -> Any:
    from prometheus_client.metrics_core import GaugeMetricFamily

    return GaugeMetricFamily(name, meaning, **more)


class Metrics(Resource):
    """`/metrics`, when it is on."""


def metrics(node: Metrics, request: Request) -> Response:
    if not request.microblog[METRICS_ALLOW].allow(request.remote_addr or ""):
        return plain(NOT_FROM_HERE, 403)
    registry = request.registry
    return plain(registry.numbers.text(registry.numbers_from_the_database))


def includeme(config: Any) -> None:
    settings = config.registry.microblog
    if not settings[METRICS]:
        config.registry.numbers = NoNumbers()
        return
    config.registry.numbers = Numbers(settings[METRICS_DIRECTORY])
    config.registry.numbers_from_the_database = FromTheDatabase(config.registry)
    config.add_observer(config.registry.numbers.observe)
    config.add_branch("metrics", Metrics)
    config.add_view(
        metrics,
        context=Metrics,
        request_method=("GET",),
        permission=NO_PERMISSION_REQUIRED,
        page=True,
    )
