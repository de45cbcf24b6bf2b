"""`/health/live` and `/health/ready`: for the machine that decides whether people are sent here."""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import Any

from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from microblog.background.queries import get_newest_heartbeat
from microblog.health.probes import Probe
from microblog.health.settings import HEALTH_ALLOW
from microblog.operations import queries
from microblog.operations.migrating import head
from microblog.outages import DatabaseUnavailable
from microblog.paging import Cursor
from microblog.request import Request
from microblog.search.interfaces import SearchError
from microblog.search.language import parse
from microblog.tree import Container
from microblog.web.pages import page_view

log = logging.getLogger(__name__)

# Together less than the five seconds that most who ask have patience for.
SECONDS_FOR_THE_DATABASE = 1.5
SECONDS_FOR_SEARCH = 2.0
A_SEARCH = "microblog"
NOT_FROM_HERE = "This address may not ask: it is not in microblog.health.allow.\n"

newest_revision = cache(head)  # of this installation: it does not change while it runs


class Health(Container):
    """`/health/`; nobody's page, so it knows no person."""


def problem_of(revision: str | None) -> str | None:
    if revision == newest_revision():
        return None
    return (
        f"the database is at revision {revision}, this microblog needs {newest_revision()}: "
        "run `microblog database upgrade`"
    )


class Readiness:
    """Asks each part that a request needs, and tells the log when one of them changes."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self._database = Probe(self._ask_database)
        self._search = Probe(self._ask_search)
        self._lock = threading.Lock()
        self._told: dict[str, str | None] = {}

    def parts(self) -> dict[str, str | None]:
        """What is wrong by the part's name, None when it is well; what needs a broken one is not asked."""
        found: dict[str, str | None] = {}
        answer, found["database"] = self._ask("database", self._database, SECONDS_FOR_THE_DATABASE)
        outage = self._registry.database.outage
        if found["database"] is None:
            found["migrations"] = problem_of(answer)
            self._tell("migrations", found["migrations"])
            _, found["search"] = self._ask("search", self._search, SECONDS_FOR_SEARCH)
        if outage is not None:
            found["database"] = outage.problem
        watch = self._registry.watch
        if watch.is_needed and found["database"] is None:
            found["worker"] = watch.problem()
            watch.tell()
        return found

    def _ask(self, name: str, probe: Probe[Any], seconds: float) -> tuple[Any, str | None]:
        """(answer, what is wrong)"""
        try:
            answer = probe.ask(seconds)
        except SearchError as error:
            problem = str(error)
            self._tell(name, problem)
        except DatabaseUnavailable as error:
            problem = error.outage.problem  # the log has it already
        except TimeoutError:
            problem = f"does not answer within {seconds:g} seconds"
            self._tell(name, problem)
        except Exception as error:
            # Its own words may tell names and addresses: they are for the log.
            problem = "does not answer; the log says why"
            self._tell(name, problem, error)
        else:
            self._tell(name, None)
            return answer, None
        return None, problem

    def _tell(self, name: str, problem: str | None, error: Exception | None = None) -> None:
        """Once for each change, not for each time that somebody asks."""
        with self._lock:
            before = self._told.get(name)
            self._told[name] = problem
        if problem is not None and problem != before:
            log.warning("Not ready: %s: %s", name, problem, exc_info=error)
        elif problem is None and before is not None:
            log.info("Ready again: %s", name)

    def _ask_database(self) -> str | None:
        database = self._registry.database
        with database.for_a_request(), database.read() as session:
            revision = queries.revision(session)
            if self._registry.watch.is_needed and problem_of(revision) is None:
                self._registry.watch.note(get_newest_heartbeat(session))
            return revision

    def _ask_search(self) -> None:
        adapter, database = self._registry.search, self._registry.database
        if adapter.name != "none":
            with database.for_a_request(), database.read() as session:
                adapter.search(session, parse(A_SEARCH), Cursor(), 1)


def refused(request: Request) -> Response | None:
    if request.microblog[HEALTH_ALLOW].allow(request.remote_addr or ""):
        return None
    return plain(NOT_FROM_HERE, 403)


def plain(text: str, status: int = 200) -> Response:
    return Response(text, status=status, content_type="text/plain", charset="UTF-8", cache_control="no-store")


@page_view(context=Health, name="live", permission=NO_PERMISSION_REQUIRED)
def live(health: Health, request: Request) -> Response:
    """The process answers; nothing else is asked."""
    return refused(request) or plain("ok\n")


@page_view(context=Health, name="ready", permission=NO_PERMISSION_REQUIRED)
def ready(health: Health, request: Request) -> Response:
    """200 when all parts are well, else 503; `Accept: application/json` gets the parts as JSON."""
    if (refusal := refused(request)) is not None:
        return refusal
    parts = request.registry.readiness.parts()
    status = 503 if any(parts.values()) else 200
    offers = request.accept.acceptable_offers(["text/plain", "application/json"])
    if offers and offers[0][0] == "application/json":
        body = {name: problem or "ok" for name, problem in parts.items()}
        return Response(json_body=body, status=status, cache_control="no-store")
    return plain("".join(f"{name}: {problem or 'ok'}\n" for name, problem in parts.items()), status)


def includeme(config: Any) -> None:
    config.registry.readiness = Readiness(config.registry)
    config.add_branch("health", Health)
