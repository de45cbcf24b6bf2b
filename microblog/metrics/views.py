"""`/metrics`: metrics for Prometheus.

What this process counts is kept in memory, or with `microblog.metrics.directory` in files there, from which
the metrics of all processes are added up. What the database knows is read for each request.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from zope.interface import Interface, implementer

from microblog.errors import OperatorError
from microblog.events import RoundStarted, TaskFailed
from microblog.health.interfaces import get_readiness
from microblog.health.views import respond
from microblog.measuring import PREFIX, Gauge, IMetrics, Metric, Read, count, get_counters, get_readers
from microblog.metrics.settings import METRICS, METRICS_ALLOW, METRICS_DIRECTORY
from microblog.observing import Observation
from microblog.probes import Probe
from microblog.request import Registry, Request
from microblog.tree import Resource
from microblog.web.errors import list_view_methods
from microblog.web.pages import page_view

log = logging.getLogger(__name__)

SECONDS_FOR_THE_DATABASE = 2.0
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the library's own
NOT_FROM_HERE = "This address may not ask: it is not in microblog.metrics.allow.\n"
NOWHERE = ("none", "none")
BYTES_OF_A_FILE = 1 << 20  # enough, since there are few labels


class Instruments:
    """The counters and histograms of `prometheus_client`."""

    def __init__(self, counters: list[Metric], registry: Any) -> None:
        from prometheus_client import Counter, Histogram, disable_created_metrics

        # The `_created` series would double the number of lines.
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
            metric.name: Counter(f"{PREFIX}{metric.name}", metric.help, metric.labels, registry=registry)
            for metric in counters
        }


@implementer(IMetrics)
class Metrics:
    """The metrics of one application.

    With a directory they are kept in files there, one for each process and kind; then they are not part of a
    registry, and are read from the files of all processes. Nothing is created before the first request or
    round of the worker, so that a command leaves no files.
    """

    def __init__(self, application: Any, directory: Path | None) -> None:
        self._application = application
        self._directory = directory
        self._lock = threading.Lock()
        self._registry: Any = None
        self._instruments: Instruments | None = None

    @property
    def instruments(self) -> Instruments:
        with self._lock:
            if self._instruments is None:
                self._instruments = self._create()
            return self._instruments

    def _create(self) -> Instruments:
        if self._directory is not None:
            try:
                return self._create_in_files(self._directory)
            except OSError as error:
                log.error(
                    "The folder %s (%s) cannot be used (%s): metrics are of this process alone.",
                    self._directory,
                    METRICS_DIRECTORY.key,
                    error.strerror,
                )
                self._directory = None
        from prometheus_client import CollectorRegistry

        self._registry = CollectorRegistry()
        return Instruments(get_counters(self._application), self._registry)

    def _create_in_files(self, directory: Path) -> Instruments:
        """:raises OSError: when no files can be created in it."""
        directory.mkdir(parents=True, exist_ok=True)
        reserve_files(directory)
        os.environ[DIRECTORY_VARIABLE] = str(directory)
        from prometheus_client import values

        if values.ValueClass is values.MutexValue:
            # It was imported before the variable was set.
            values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        return Instruments(get_counters(self._application), None)

    def count(self, name: str, **labels: str) -> None:
        counter = self.instruments.counters[name]
        try:
            (counter.labels(**labels) if labels else counter).inc()
        except OSError:  # the disk is full; the caller must not fail
            log.exception("%s could not be counted.", name)

    def observe(self, observation: Observation, response: Any) -> None:
        """Count a request or task; an observer."""
        request = observation.request
        if request is None and self._instruments is None:
            return  # a command
        instruments = self.instruments
        where = "task" if request is None else "request"
        instruments.statements.labels(where).inc(observation.statements)
        instruments.sql_seconds.labels(where).inc(observation.sql_ns / 1e9)
        if request is not None:
            context, view = get_page_labels(request)
            status = "500" if response is None else str(response.status_int)
            instruments.requests.labels(context, view, status).inc()
            instruments.seconds.labels(context, view).observe(observation.seconds)

    def render(self, *more: Any) -> str:
        """All metrics in the format of Prometheus; `more` are collectors of what is read now."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        self.instruments  # noqa: B018  # creates them, if that has not happened yet
        if self._directory is None:
            registry.register(self._registry)  # a registry is a collector, too
        else:
            MultiProcessCollector(registry, str(self._directory))  # type: ignore[no-untyped-call]
        for collector in more:
            registry.register(collector)
        return generate_latest(registry).decode()


def reserve_files(directory: Path) -> None:
    """Create the files of this process in the size that the library needs.

    The library maps them into memory, where a full disk would kill the process (SIGBUS).

    :raises OSError: when there is not enough room.
    """
    for kind in ("counter", "histogram"):
        with (directory / f"{kind}_{os.getpid()}.db").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, BYTES_OF_A_FILE)


def get_page_labels(request: Request) -> tuple[str, str]:
    """(class of the resource, name of the view), or "none" for both where there is no page: few values."""
    if getattr(request, "matched_route", None) is not None:
        return "static", ""
    context, name = getattr(request, "context", None), getattr(request, "view_name", None)
    if context is None or name is None or request.subpath:
        return NOWHERE
    for known, view_name, _ in list_view_methods(request):
        if view_name == name and isinstance(context, known):
            return type(context).__name__, name
    return NOWHERE


class ICollector(Interface):
    """A collector of `prometheus_client` whose metrics are read for each request."""


@implementer(ICollector)
class Collector:
    """The metrics that packages read for each request, and which parts of the site work."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._probes: dict[str, Probe[list[Gauge]]] = {}
        self._seen: dict[str, set[tuple[str, ...]]] = {}
        self._broken: set[str] = set()  # readers whose fault the log has

    def describe(self) -> list[Any]:
        """Empty: otherwise the library would collect once to learn the names."""
        return []

    def collect(self) -> Iterator[Any]:
        answers = get_readiness(self._registry).ask(for_metrics=True)
        for metric, read in get_readers(self._registry):
            if metric.part in answers and answers[metric.part].has_answered:
                yield from map(self._build_family, self._read(metric, read))
        up = build_gauge(f"{PREFIX}up", "1 when it answers, else 0, by part.", labels=["part"])
        for name, answer in answers.items():
            up.add_metric([name], float(answer.problem is None))
        yield up

    def _read(self, metric: Metric, read: Read) -> list[Gauge]:
        """Empty when the database does not answer: `/health/ready` and the log say why."""
        with self._lock:
            probe = self._probes.setdefault(metric.name, Probe(partial(self._ask, read)))
        try:
            return probe.ask(SECONDS_FOR_THE_DATABASE)
        except (OperatorError, TimeoutError, sa.exc.SQLAlchemyError):
            return []
        except Exception:
            if metric.name not in self._broken:
                log.exception("The metric “%s” could not be read, and is left out.", metric.name)
            self._broken.add(metric.name)
            return []

    def _ask(self, read: Read) -> list[Gauge]:
        database = self._registry.database
        with database.for_a_request(), database.read() as session:
            return list(read(self._registry, session))

    def _build_family(self, read: Gauge) -> Any:
        if not read.labels:
            return build_gauge(f"{PREFIX}{read.name}", read.help, value=read.value)
        family = build_gauge(f"{PREFIX}{read.name}", read.help, labels=read.labels)
        # Labels that were seen before are shown as 0 and not left out, so that lines of graphs go on.
        seen = self._seen.setdefault(read.name, set())
        seen.update(read.values)
        for labels in sorted(seen):
            family.add_metric(labels, read.values.get(labels, 0))
        return family


def build_gauge(name: str, meaning: str, **more: Any) -> Any:
    from prometheus_client.metrics_core import GaugeMetricFamily

    return GaugeMetricFamily(name, meaning, **more)


class MetricsPage(Resource):
    """`/metrics`, when it is on."""


def metrics(node: MetricsPage, request: Request) -> Response:
    if not request.microblog[METRICS_ALLOW].allow(request.remote_addr or ""):
        return respond(NOT_FROM_HERE, 403)
    registry = request.registry
    return respond(registry.getUtility(IMetrics).render(registry.getUtility(ICollector)))


def count_round(event: RoundStarted) -> None:
    count(event.registry, "worker_rounds")


def count_failure(event: TaskFailed) -> None:
    count(event.registry, "worker_failures", task=event.task)


def includeme(config: Any) -> None:
    config.add_metric("worker_rounds", "Rounds of the worker.", order=30)
    config.add_metric(
        "worker_failures", "Tasks of the worker that failed in a round.", labels=("task",), order=31
    )
    config.add_subscriber(count_round, RoundStarted)
    config.add_subscriber(count_failure, TaskFailed)
    registry = config.registry
    if not registry.microblog[METRICS]:
        return
    metrics_utility = Metrics(registry, registry.microblog[METRICS_DIRECTORY])
    registry.registerUtility(metrics_utility, IMetrics)
    registry.registerUtility(Collector(registry), ICollector)
    config.add_observer(metrics_utility.observe)
    config.add_branch("metrics", MetricsPage)
    config.add_view(metrics, **vars(page_view(context=MetricsPage, permission=NO_PERMISSION_REQUIRED)))
