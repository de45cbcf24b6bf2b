"""A clock that a test moves, instead of `time.monotonic`."""

from __future__ import annotations


class Clock:
    """Seconds that grow when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
