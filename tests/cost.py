"""What something costs in processor time, for tests of what anybody may ask for."""

from __future__ import annotations

import signal
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


def cost_of(action: Callable[[], Any]) -> float:
    """Seconds of this thread's processor time: the least of three attempts, if the first is too dear.

    Other work on the machine makes some of them slower, but none faster.
    """
    least = float("inf")
    with stopped_in_time():
        for _ in range(ATTEMPTS):
            began = time.thread_time()
            action()
            least = min(least, time.thread_time() - began)
            if least < MOST_SECONDS:
                break
    return least
