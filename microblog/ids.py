"""Ids whose order is the order of time (docs/adr/0006).

64 bits: the milliseconds since 1970, then a sequence of 20 bits, which begins at random in every
millisecond so that several processes do not meet; within a process ids only grow.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime, timedelta

SEQUENCE_BITS = 20
LARGEST = 2**63 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Half of the sequence is left to grow in: 500,000 posts in a millisecond.
RANDOM_START = 1 << (SEQUENCE_BITS - 1)


class Clock:
    """Gives every id once, in order, to all threads of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def tick(self) -> int:
        with self._lock:
            now = id_at(time.time_ns() // 1_000_000) + secrets.randbelow(RANDOM_START)
            self._last = max(self._last + 1, now)
            return self._last


_clock = Clock()


def new_id() -> int:
    """An id for something that happens now, larger than all ids that this process made before."""
    return _clock.tick()


def get_first_id(moment: datetime) -> int:
    """An id for something that happened then, at any place in its millisecond."""
    return id_at(milliseconds(moment)) + secrets.randbelow(1 << SEQUENCE_BITS)


def first_id_at(moment: datetime) -> int:
    """Posts from this moment on have this id or a larger one."""
    return id_at(milliseconds(moment))


def milliseconds(moment: datetime) -> int:
    # Not int(moment.timestamp() * 1000): six of a thousand would be a millisecond too early.
    return (moment - EPOCH) // timedelta(milliseconds=1)


def id_at(milliseconds_since_1970: int) -> int:
    return milliseconds_since_1970 << SEQUENCE_BITS


def get_timestamp(post_id: int) -> datetime:
    """When it was created."""
    return datetime.fromtimestamp((post_id >> SEQUENCE_BITS) / 1000, UTC)
