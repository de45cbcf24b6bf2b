"""Metrics: counters, and gauges that are read on demand. Rooms declare them, `/metrics` shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from sqlalchemy import orm
from zope.interface import Interface, implementer

from microblog.checks import DATABASE
from microblog.request import Registry

PREFIX = "microblog_"


class IMetrics(Interface):
    """Counts events. One is always registered; it does nothing when metrics are off."""

    def count(name: str, **labels: str) -> None:  # noqa: N805  # zope.interface
        """Increment the counter that `config.add_metric(name, …)` declared; a label has few values.

        Takes microseconds.

        :raises KeyError: when there is no such counter.
        """


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge that was read: one value, or one for each combination of labels."""

    name: str
    help: str
    value: float | None = None
    labels: tuple[str, ...] = ()
    values: Mapping[tuple[str, ...], float] = field(default_factory=dict)


Read = Callable[[Any, orm.Session], Iterator[Gauge]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter, or with `read(registry, session)` gauges that are read on demand.

    `part` is the health check that it depends on, if it is not read from the database alone.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    read: Read | None
    part: str
    order: int


def add_metric(
    config: Any,
    name: str,
    help: str = "",
    *,
    labels: tuple[str, ...] = (),
    read: Read | None = None,
    part: str = DATABASE,
    order: int = 0,
) -> None:
    """Directive: `config.add_metric("logins", "Attempts to log in, by result.", labels=("result",))`.

    It is `microblog_logins_total` at `/metrics`; they come in the order of `order`.
    """
    metric = Metric(name, help, labels, read, part, order)

    def register() -> None:
        config.registry.metrics[name] = metric

    introspectable = config.introspectable("metrics", name, name, "metric")
    config.action(("metric", name), register, order=-10, introspectables=(introspectable,))


def get_counters(registry: Registry) -> list[Metric]:
    return [metric for metric in get_all(registry) if metric.read is None]


def get_readers(registry: Registry) -> list[tuple[Metric, Read]]:
    return [(metric, metric.read) for metric in get_all(registry) if metric.read is not None]


def get_all(registry: Registry) -> list[Metric]:
    return sorted(registry.metrics.values(), key=attrgetter("order"))


@implementer(IMetrics)
class NoMetrics:
    """Counts nothing: metrics are off."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def count(self, name: str, **labels: str) -> None:
        """Raises for an unknown name like the real one, so that tests find it."""
        if name not in self._registry.metrics:
            raise KeyError(name)


def count(registry: Registry, name: str, **labels: str) -> None:
    """Increment this counter."""
    registry.getUtility(IMetrics).count(name, **labels)


def includeme(config: Any) -> None:
    config.registry.metrics = {}
    config.registry.registerUtility(NoMetrics(config.registry), IMetrics)
    config.add_directive("add_metric", add_metric)
