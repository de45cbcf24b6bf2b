"""Runs the health checks within their time limits, and logs when one of them changes."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from zope.interface import implementer

from microblog.checks import DATABASE, Check, HealthCheck, NotAsked, get_health_checks
from microblog.errors import OperatorError
from microblog.health.interfaces import IReadiness
from microblog.outages import DatabaseUnavailable
from microblog.probes import Probe
from microblog.request import Registry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """`problem` is the end of a sentence about what is wrong; None when all is well."""

    problem: str | None
    has_answered: bool


@implementer(IReadiness)
class Readiness:
    """Runs each check in one thread at most, however many requests ask for it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._probes: dict[str, Probe[str | None]] = {}
        self._logged: dict[str, str | None] = {}

    def ask(self, *, for_metrics: bool = False) -> dict[str, Answer]:
        """The answers by the names of the checks.

        When the database does not answer, checks that need it are not run, and left out.
        """
        found: dict[str, Answer] = {}
        has_database = True
        for entry in get_health_checks(self._registry):
            if entry.check is None or entry.full or (entry.needs_database and not has_database):
                continue
            if for_metrics and not entry.in_metrics:
                continue
            with suppress(NotAsked):
                found[entry.name] = self._ask(entry, self._get_probe(entry.name, entry.check))
            if entry.name == DATABASE:
                has_database = entry.name in found and found[entry.name].has_answered
        return found

    def _get_probe(self, name: str, check: Check) -> Probe[str | None]:
        with self._lock:
            return self._probes.setdefault(name, Probe(partial(check, self._registry)))

    def _ask(self, check: HealthCheck, probe: Probe[str | None]) -> Answer:
        """:raises NotAsked: when the check says so."""
        try:
            problem = probe.ask(check.seconds)
        except NotAsked:
            raise
        except OperatorError as error:
            problem = str(error)
            self._log(check, problem)
        except DatabaseUnavailable as error:
            problem = error.outage.problem  # logged already
        except TimeoutError:
            problem = f"does not answer within {check.seconds:g} seconds"
            self._log(check, problem)
        except Exception as error:
            # The error's message may contain names and addresses: it is only logged.
            problem = "does not answer; the log says why"
            self._log(check, problem, error)
        else:
            self._log(check, problem)
            return Answer(problem, has_answered=True)
        return Answer(problem, has_answered=False)

    def _log(self, check: HealthCheck, problem: str | None, error: Exception | None = None) -> None:
        """Log once for each change, and not for each request."""
        is_outage = problem is not None and self._registry.database.outage is not None
        if check.logs_itself or is_outage:  # an outage is logged when it begins
            return
        with self._lock:
            before = self._logged.get(check.name)
            self._logged[check.name] = problem
        if problem is not None and problem != before:
            log.warning("Not ready: %s: %s", check.name, problem, exc_info=error)
        elif problem is None and before is not None:
            log.info("Ready again: %s", check.name)


def includeme(config: Any) -> None:
    config.registry.registerUtility(Readiness(config.registry), IReadiness)
