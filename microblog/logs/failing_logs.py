"""A log that cannot be written says so once, on standard error, and once when it is written again.

The standard library tells it with each event, with a trace and the whole stack: fifty lines a request, for as
long as a disk is full. And what other packages tell with each request is told less often here.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from microblog.redaction import RemoveDetails

SECONDS_BETWEEN_WORDS = 60.0
WITHOUT_DETAILS = RemoveDetails()  # one: no handler takes the same filter twice
OF_THE_STANDARD_LIBRARY = (logging.__name__, logging.handlers.__name__)  # ours does it when it is made
# They warn of each request that fails. What is wrong, and when it is over, is told by ours.
TALKATIVE = ("elastic_transport", "urllib3.connectionpool")
# It warns of each request that has to wait for a thread.
QUEUE_OF_WAITRESS = "waitress.queue"


class Failures:
    """What is told of one handler; it holds its own lock whenever this is called."""

    def __init__(self, handler: logging.Handler, now: Callable[[], float] = time.monotonic) -> None:
        self._handler = handler
        self._emit = handler.emit
        self._now = now
        self._has_failed = False
        self._lost = 0
        self._told: float | None = None
        self._is_told = False

    def emit(self, record: logging.LogRecord) -> None:
        self._has_failed = False
        try:
            self._emit(record)
        except Exception:  # some raise instead of telling the handler
            self.failed(record)
        if self._lost and not self._has_failed:
            self._works_again()

    def failed(self, record: logging.LogRecord) -> None:
        """Instead of `Handler.handleError`."""
        self._has_failed = True
        self._lost += 1
        if self._is_told or (self._told is not None and self._now() - self._told < SECONDS_BETWEEN_WORDS):
            return
        self._told, self._is_told = self._now(), True
        error = sys.exc_info()[1]
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        self._say(f"The log cannot be written by {self._handler!r} ({reason}): events are lost until it can.")

    def _works_again(self) -> None:
        lost, self._lost = self._lost, 0
        if not self._is_told:
            return
        self._is_told = False
        self._say(f"The log is written again; {lost:,} events were lost.")

    def _say(self, sentence: str) -> None:
        with suppress(Exception):  # standard error may be on the same disk, or closed
            sys.stderr.write(f"{sentence}\n")
            sys.stderr.flush()


def tell_once(handler: Any, now: Callable[[], float] = time.monotonic) -> None:
    """From now on; harmless when it does already."""
    if not isinstance(getattr(handler.emit, "__self__", None), Failures):
        failures = Failures(handler, now)
        handler.emit, handler.handleError = failures.emit, failures.failed


def handlers() -> set[logging.Handler]:
    """Those that events can reach now."""
    known = [logging.getLogger(), *logging.getLogger().manager.loggerDict.values()]
    return {handler for logger in known for handler in getattr(logger, "handlers", ())}


def prepare_handlers() -> None:
    """No handler writes what is nobody's business; those of the ini file say so once when they fail."""
    for handler in handlers():
        handler.addFilter(WITHOUT_DETAILS)
        if type(handler).__module__ in OF_THE_STANDARD_LIBRARY:
            tell_once(handler)


class OnceAMinute(logging.Filter):
    """Lets one event through, and none of those that follow within a minute."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._last: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if self._last is not None and self._now() - self._last < SECONDS_BETWEEN_WORDS:
            return False
        self._last = self._now()
        return True


def quiet_others() -> None:
    """Unless the ini file gives one of them a level."""
    for name in TALKATIVE:
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.ERROR)
    queue = logging.getLogger(QUEUE_OF_WAITRESS)
    if not any(isinstance(known, OnceAMinute) for known in queue.filters):
        queue.addFilter(OnceAMinute())


def includeme(config: Any) -> None:
    quiet_others()
    prepare_handlers()
