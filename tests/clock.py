"""Clocks that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from microblog import ids


class Clock:
    """Instead of `time.monotonic`: seconds that grow when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TimeOfDay:
    """Milliseconds since 1970, ahead of the real ones as far as a test says."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return ids.get_now() + self.ahead


@contextmanager
def ids_by(now: Callable[[], int] = ids.get_now) -> Iterator[None]:
    """New ids, and what is past, go by this time (milliseconds since 1970); afterwards by the real one again.

    What is made inside is in no past afterwards: a process never makes an id that is smaller than one before.
    """
    real, ids._clock = ids._clock, ids.Clock(now)
    try:
        yield
    finally:
        ids._clock = real
