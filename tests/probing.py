"""Waiting for the end of an outage (microblog/outages.py)."""

from __future__ import annotations

import threading
import time

from microblog.outages import Outages

THREAD = "microblog-database-probe"
SECONDS = 60


def wait_until_it_is_over(outages: Outages) -> None:
    """Until none is present, and the thread that found out has told it and has ended."""
    end = time.monotonic() + SECONDS
    while not is_over(outages) and time.monotonic() < end:
        threading.Event().wait(0.02)
    assert is_over(outages)


def is_over(outages: Outages) -> bool:
    return not outages.present() and all(thread.name != THREAD for thread in threading.enumerate())
