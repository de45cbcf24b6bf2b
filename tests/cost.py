"""What something costs in processor time, for tests of what anybody may ask for."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

MOST_SECONDS = 0.3
ATTEMPTS = 3
SECONDS_BEFORE_IT_IS_STOPPED = 10


class TooDear(BaseException):
    """Not an Exception, which the application would make a page of."""


@contextmanager
def stopped_in_time() -> Iterator[None]:
    """What would never end is ended; expressions look at signals, too."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise TooDear(f"stopped after {SECONDS_BEFORE_IT_IS_STOPPED} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_BEFORE_IT_IS_STOPPED)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def untraced() -> Iterator[None]:
    """Without the measurement of coverage, which triples the time."""
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(trace)


def cost_of(action: Callable[[], Any], enough: float = MOST_SECONDS) -> float:
    """Seconds of this thread's processor time: the least of some attempts, until one took less than `enough`.

    Other work on the machine makes some of them slower, but none faster.
    """
    with stopped_in_time():
        least = measured(action)
        for _ in range(ATTEMPTS):
            if least < enough:
                break
            with untraced():
                least = min(least, measured(action))
    return least


def measured(action: Callable[[], Any]) -> float:
    began = time.thread_time()
    action()
    return time.thread_time() - began
