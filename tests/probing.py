"""Waiting for the end of an outage (microblog/outages.py)."""

from __future__ import annotations

import threading
import time

from microblog.outages import Outages

SECONDS = 60


def wait_until_it_is_over(outages: Outages) -> None:
    """Wait until no outage is left, and the thread that probes has reported it and ended."""
    end = time.monotonic() + SECONDS
    while not is_over(outages) and time.monotonic() < end:
        threading.Event().wait(0.02)
    assert is_over(outages)


def is_over(outages: Outages) -> bool:
    names = [thread.name for thread in threading.enumerate()]
    return not outages.list_ongoing() and outages.thread_name not in names
