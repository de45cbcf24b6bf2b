"""Observations: what a request, a task of the worker or a command does, recorded while it runs.

Observers are called at the end, after the transaction. The log, the SQL events and the profiler find the
observation that is in progress by `get_current_observation()`.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from pyramid.tweens import INGRESS
from pyramid_retry import is_error_retryable

from microblog.call_sites import passes_on
from microblog.request import Registry, Request
from microblog.settings import TOOLBAR

log = logging.getLogger(__name__)

REQUEST_ID_HEADER = "X-Request-ID"
# It must not forge a line of the log, nor fill it.
VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
LONGEST_PATH = 500  # characters, in the log
KEY = "microblog.observation"  # in the WSGI environment, which a second attempt finds again
TOOLBAR_TWEEN = f"{TOOLBAR}.toolbar_tween_factory"

_current: ContextVar[Observation | None] = ContextVar("microblog_observation", default=None)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One SQL statement that ran: its seconds (fetching included) and its call site in our source."""

    statement: str
    parameters: str
    seconds: float
    source: str


class Observation:
    """One request (all of its attempts), task or command, so far.

    `counts` maps the text of each statement to the number of its runs and their nanoseconds in total.
    `recorded` is None unless every statement is to be kept, as the profiler asks for.
    """

    __slots__ = ("began_ns", "counts", "id", "recorded", "request", "sql_ns", "statements", "task")

    def __init__(self, task: str, *, request: Request | None = None, id: str | None = None) -> None:
        self.id = id or secrets.token_hex(8)
        self.task = task
        self.request = request
        self.began_ns = time.perf_counter_ns()
        self.statements = 0
        self.sql_ns = 0
        self.counts: dict[str, list[int]] = {}
        self.recorded: list[Recorded] | None = None

    @property
    def seconds(self) -> float:
        """Since it began."""
        return (time.perf_counter_ns() - self.began_ns) / 1e9

    @property
    def context_name(self) -> str:
        """The class of the request's resource; "" before traversal and for tasks."""
        context = getattr(self.request, "context", None)
        return "" if context is None else type(context).__name__

    @property
    def view_name(self) -> str:
        """The name of the view; "" for the default view of a resource."""
        return getattr(self.request, "view_name", None) or ""


Observer = Callable[[Observation, Any], None]
"""Called with the observation and the response: None for a task, and after an uncaught exception."""


class HasObservers(Protocol):
    """A registry, or an object instead of one, for commands that need no application."""

    @property
    def observers(self) -> Sequence[Observer]: ...


def get_current_observation() -> Observation | None:
    """The observation of this thread; None outside of requests, tasks and commands."""
    return _current.get()


@contextmanager
def observe(registry: HasObservers, task: str) -> Iterator[Observation]:
    """Observe a task of the worker, or a command, like a request."""
    observation = Observation(task)
    token = _current.set(observation)
    try:
        yield observation
    finally:
        notify_observers(registry, observation, None)
        _current.reset(token)


def notify_observers(registry: HasObservers, observation: Observation, response: Any) -> None:
    """Call every observer; none of them can fail the request."""
    for observer in registry.observers:
        try:
            observer(observation, response)
        except Exception:
            log.exception("An observer of requests failed; the request did not.")


def choose_request_id(request: Request) -> str:
    """The id that a proxy has sent, if it is valid, else a new one."""
    sent = request.environ.get("HTTP_X_REQUEST_ID", "")
    return sent if VALID_REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)


def get_observation(request: Request) -> Observation:
    """The observation of the request, whichever attempt this is."""
    observation: Observation | None = request.environ.get(KEY)
    if observation is None:
        # The raw path: it may not be decodable.
        path = request.environ.get("PATH_INFO", "")[:LONGEST_PATH]
        observation = Observation(f"{request.method} {path}", request=request, id=choose_request_id(request))
        request.environ[KEY] = observation
    observation.request = request
    return observation


def observing_tween(handler: Callable[[Any], Any], registry: Registry) -> Callable[[Any], Any]:
    """The outermost tween, so that it covers the commit, the error pages and their headers."""

    @passes_on
    def observing(request: Request) -> Any:
        observation = get_observation(request)
        token = _current.set(observation)
        try:
            try:
                with registry.database.for_a_request():
                    response = handler(request)
            except Exception as error:
                if not is_error_retryable(request, error):
                    notify_observers(registry, observation, None)
                raise
            response.headers[REQUEST_ID_HEADER] = observation.id
            squashed = getattr(request, "exception", None)
            if squashed is None or not is_error_retryable(request, squashed):
                notify_observers(registry, observation, response)
            return response
        finally:
            _current.reset(token)

    return observing


OBSERVING_TWEEN = f"{__name__}.{observing_tween.__name__}"


def add_observer(config: Any, observer: Observer) -> None:
    """Directive: `config.add_observer(observer)`."""
    config.action(None, lambda: config.registry.observers.append(observer))


def includeme(config: Any) -> None:
    config.registry.observers = []
    config.add_directive("add_observer", add_observer)
    config.add_tween(OBSERVING_TWEEN, under=(TOOLBAR_TWEEN, INGRESS))
