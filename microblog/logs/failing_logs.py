"""A log that cannot be written says so once, on standard error, and once when it is written again.

The standard library reports it with each event, with a trace and the whole stack: fifty lines a request, for
as long as a disk is full. Warnings that other packages log with each request are limited here as well.
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

SECONDS_BETWEEN_REPORTS = 60.0
WITHOUT_DETAILS = RemoveDetails()  # a single one, as no handler takes the same filter twice
# Our own handler reports failures once from its constructor on.
OF_THE_STANDARD_LIBRARY = (logging.__name__, logging.handlers.__name__)
# They warn of each request that fails; our adapters log when an outage begins and ends.
NOISY_LOGGERS = ("elastic_transport", "urllib3.connectionpool")
# It warns of each request that has to wait for a thread.
QUEUE_OF_WAITRESS = "waitress.queue"


class Failures:
    """Reports the failures of one handler, which holds its own lock whenever this is called."""

    def __init__(self, handler: logging.Handler, now: Callable[[], float] = time.monotonic) -> None:
        self._handler = handler
        self._emit = handler.emit
        self._now = now
        self._has_failed = False
        self._lost = 0
        self._reported_at: float | None = None
        self._is_reported = False

    def emit(self, record: logging.LogRecord) -> None:
        self._has_failed = False
        try:
            self._emit(record)
        except Exception:  # some raise instead of calling `handleError`
            self.handle_error(record)
        if self._lost and not self._has_failed:
            self._report_recovery()

    def handle_error(self, record: logging.LogRecord) -> None:
        """Instead of `Handler.handleError`."""
        self._has_failed = True
        self._lost += 1
        if self._is_reported or self._was_reported_lately():
            return
        self._reported_at, self._is_reported = self._now(), True
        error = sys.exc_info()[1]
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        self._say(f"The log cannot be written by {self._handler!r} ({reason}): events are lost until it can.")

    def _was_reported_lately(self) -> bool:
        return self._reported_at is not None and self._now() - self._reported_at < SECONDS_BETWEEN_REPORTS

    def _report_recovery(self) -> None:
        lost, self._lost = self._lost, 0
        if not self._is_reported:
            return
        self._is_reported = False
        self._say(f"The log is written again; {lost:,} events were lost.")

    def _say(self, sentence: str) -> None:
        with suppress(Exception):  # standard error may be on the same disk, or closed
            sys.stderr.write(f"{sentence}\n")
            sys.stderr.flush()


def report_once(handler: Any, now: Callable[[], float] = time.monotonic) -> None:
    """Make the handler report its failures once; may be called again for the same handler."""
    if not isinstance(getattr(handler.emit, "__self__", None), Failures):
        failures = Failures(handler, now)
        handler.emit, handler.handleError = failures.emit, failures.handle_error


def list_handlers() -> set[logging.Handler]:
    """The handlers of all loggers."""
    known = [logging.getLogger(), *logging.getLogger().manager.loggerDict.values()]
    return {handler for logger in known for handler in getattr(logger, "handlers", ())}


def prepare_handlers() -> None:
    """Remove private details from what all handlers write, and make those of the ini file report failures
    once.
    """
    for handler in list_handlers():
        handler.addFilter(WITHOUT_DETAILS)
        if type(handler).__module__ in OF_THE_STANDARD_LIBRARY:
            report_once(handler)


class OnceAMinute(logging.Filter):
    """Lets one event through per minute."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._last: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if self._last is not None and self._now() - self._last < SECONDS_BETWEEN_REPORTS:
            return False
        self._last = self._now()
        return True


def quiet_noisy_loggers() -> None:
    """Quiet the loggers that warn with each request, unless the ini file sets their level."""
    for name in NOISY_LOGGERS:
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.ERROR)
    queue = logging.getLogger(QUEUE_OF_WAITRESS)
    if not any(isinstance(known, OnceAMinute) for known in queue.filters):
        queue.addFilter(OnceAMinute())


def includeme(config: Any) -> None:
    quiet_noisy_loggers()
    prepare_handlers()
