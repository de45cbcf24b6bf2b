"""Ids whose order is the order of time (docs/adr/0006).

64 bits: the milliseconds since 1970, then a sequence of 20 bits, which begins at random in every
millisecond so that several processes do not meet; within a process ids only grow.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime

SEQUENCE_BITS = 20
LARGEST = 2**63 - 1
# Half of the sequence is left to grow in: 500,000 posts in a millisecond.
RANDOM_START = 1 << (SEQUENCE_BITS - 1)

_lock = threading.Lock()
_last = 0


def new_id() -> int:
    """An id for something that happens now, larger than all ids that this process made before."""
    global _last
    with _lock:
        _last = max(_last + 1, id_at(time.time_ns() // 1_000_000) + secrets.randbelow(RANDOM_START))
        return _last


def id_of_moment(moment: datetime) -> int:
    """An id for something that happened then (an imported post)."""
    return id_at(milliseconds(moment)) + secrets.randbelow(1 << SEQUENCE_BITS)


def first_id_at(moment: datetime) -> int:
    """Posts from this moment on have this id or a larger one."""
    return id_at(milliseconds(moment))


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def id_at(milliseconds_since_1970: int) -> int:
    return milliseconds_since_1970 << SEQUENCE_BITS


def moment_of(post_id: int) -> datetime:
    """When it was created."""
    return datetime.fromtimestamp((post_id >> SEQUENCE_BITS) / 1000, UTC)
