"""Ids whose order is the order of time (docs/adr/0006).

64 bits: the milliseconds since 1970, then a sequence of 20 bits, which begins at random in every
millisecond so that several processes do not meet; within a process ids only grow.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

SEQUENCE_BITS = 20
LARGEST = 2**63 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# This leaves half of the sequence for growth: 500,000 posts in a millisecond.
RANDOM_START = 1 << (SEQUENCE_BITS - 1)


def get_now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Clock:
    """Makes unique, growing ids for all threads of the process, by the milliseconds of `now`."""

    def __init__(self, now: Callable[[], int] = get_now) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._last = 0

    def tick(self) -> int:
        with self._lock:
            now = get_id_at(self._now()) + secrets.randbelow(RANDOM_START)
            self._last = max(self._last + 1, now)
            return self._last

    def get_present(self) -> int:
        """Larger than the ids of this millisecond, and than all that were made here."""
        with self._lock:
            return max(self._last + 1, get_id_at(self._now() + 1))


_clock = Clock()


def new_id() -> int:
    """An id for something that happens now, larger than all ids that this process made before."""
    return _clock.tick()


def get_present() -> int:
    """What has a smaller id has happened; what has it or a larger one is to happen (docs/adr/0047).

    Where the clock was put back, what was made before still has happened.
    """
    return _clock.get_present()


def new_id_at(timestamp: datetime) -> int:
    """An id for something that happened then, with a random sequence within its millisecond."""
    return new_id_at_milliseconds(to_milliseconds(timestamp))


def new_id_at_milliseconds(milliseconds: int) -> int:
    """The same, for milliseconds since 1970. The ids that this process makes later may be smaller."""
    return get_id_at(milliseconds) + secrets.randbelow(1 << SEQUENCE_BITS)


def get_first_id_at(timestamp: datetime) -> int:
    """Posts from this time on have this id or a larger one."""
    return get_id_at(to_milliseconds(timestamp))


def to_milliseconds(timestamp: datetime) -> int:
    """Milliseconds since 1970."""
    # Not int(timestamp.timestamp() * 1000): six in a thousand would be a millisecond too early.
    return (timestamp - EPOCH) // timedelta(milliseconds=1)


def get_id_at(milliseconds_since_1970: int) -> int:
    return milliseconds_since_1970 << SEQUENCE_BITS


def get_milliseconds(post_id: int) -> int:
    """When it was created, in milliseconds since 1970."""
    return post_id >> SEQUENCE_BITS


def to_timestamp(milliseconds: int) -> datetime:
    """Of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def get_timestamp(post_id: int) -> datetime:
    """When it was created."""
    return to_timestamp(get_milliseconds(post_id))
