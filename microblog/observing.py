"""What a request, a task of the worker or a command does, noted while it does it.

Whoever wants to know adds an observer; it is told at the end, when the transaction is over too.
The log, the SQL events and the profiler find the present observation by `present()`.
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
# Nothing that could forge a line of the log, or fill it.
VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
LONGEST_PATH = 500  # characters, in the log
KEY = "microblog.observation"  # in the WSGI environment, which a second attempt finds again
TOOLBAR_TWEEN = f"{TOOLBAR}.toolbar_tween_factory"

_present: ContextVar[Observation | None] = ContextVar("microblog_observation", default=None)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One SQL statement that ran: seconds with fetching, and the place in our source."""

    statement: str
    parameters: str
    seconds: float
    source: str


class Observation:
    """What is known so far of one request (all of its attempts), task or command.

    `counts` has, by the text of each statement, how often it ran and the nanoseconds of all runs.
    `recorded` is None unless somebody asked to have every statement kept.
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
        """The class of the resource that the request reached; "" before traversal and for tasks."""
        context = getattr(self.request, "context", None)
        return "" if context is None else type(context).__name__

    @property
    def view_name(self) -> str:
        """The name of the view; "" for a resource's own."""
        return getattr(self.request, "view_name", None) or ""


Observer = Callable[[Observation, Any], None]
"""Called with the observation and the response: None for a task, and when an exception got out."""


class HasObservers(Protocol):
    """A registry, or what has none, such as a command that needs no application."""

    @property
    def observers(self) -> Sequence[Observer]: ...


def present() -> Observation | None:
    """The observation of this thread; None outside of requests, tasks and commands."""
    return _present.get()


@contextmanager
def observed(registry: HasObservers, task: str) -> Iterator[Observation]:
    """A task of the worker, or a command, is observed like a request."""
    observation = Observation(task)
    token = _present.set(observation)
    try:
        yield observation
    finally:
        tell(registry, observation, None)
        _present.reset(token)


def tell(registry: HasObservers, observation: Observation, response: Any) -> None:
    """Tell every observer; none of them can fail the request."""
    for observer in registry.observers:
        try:
            observer(observation, response)
        except Exception:
            log.exception("An observer of requests failed; the request did not.")


def request_id(request: Request) -> str:
    """The valid one that a proxy has sent, else a new one."""
    sent = request.environ.get("HTTP_X_REQUEST_ID", "")
    return sent if VALID_REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)


def get_observation(request: Request) -> Observation:
    """The observation of the request, whichever attempt this is."""
    observation: Observation | None = request.environ.get(KEY)
    if observation is None:
        # The path as it came: it may be one that cannot be decoded.
        path = request.environ.get("PATH_INFO", "")[:LONGEST_PATH]
        observation = Observation(f"{request.method} {path}", request=request, id=request_id(request))
        request.environ[KEY] = observation
    observation.request = request
    return observation


def observing_tween(handler: Callable[[Any], Any], registry: Registry) -> Callable[[Any], Any]:
    """Over all others, so that the commit, the error pages and their headers are seen too."""

    @passes_on
    def observing(request: Request) -> Any:
        observation = get_observation(request)
        token = _present.set(observation)
        try:
            try:
                with registry.database.for_a_request():
                    response = handler(request)
            except Exception as error:
                if not is_error_retryable(request, error):
                    tell(registry, observation, None)
                raise
            response.headers[REQUEST_ID_HEADER] = observation.id
            squashed = getattr(request, "exception", None)
            if squashed is None or not is_error_retryable(request, squashed):
                tell(registry, observation, response)
            return response
        finally:
            _present.reset(token)

    return observing


OBSERVING_TWEEN = f"{__name__}.{observing_tween.__name__}"


def add_observer(config: Any, observer: Observer) -> None:
    """Directive: `config.add_observer(observer)`."""
    config.action(None, lambda: config.registry.observers.append(observer))


def includeme(config: Any) -> None:
    config.registry.observers = []
    config.add_directive("add_observer", add_observer)
    config.add_tween(OBSERVING_TWEEN, under=(TOOLBAR_TWEEN, INGRESS))
