"""The time by which limits count: the same in all processes, and not lost with one of them."""

from __future__ import annotations

import time


def get_now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
