"""How much an index inside the database does at once; a test makes it small."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Steps:
    """Sizes in posts or rows, and seconds; each step is a transaction that nobody waits for."""

    posts_at_once: int = 3000  # a tenth of a second
    batches_until_tidying: int = 500
    compared_at_once: int = 2000
    # The worker indexes what is beyond; nobody waits so long for the lock of SQLite.
    most_in_their_transaction: int = 1000
    # Who searches, or reads the tables for long (pg_dump), is asked to let go; meanwhile nobody waits longer.
    lock_milliseconds: int = 200
    seconds_between_attempts: float = 0.3
    seconds_to_wait_for_the_lock: float = 600
    seconds_to_wait_for_writers: float = 60
    # Of FTS5. Each step also writes the head of every segment: a larger one, and fewer, are done sooner.
    pages_merged_at_once: int = 500
    rows_removed_at_once: tuple[tuple[str, int], ...] = (("data", 500), ("docsize", 20_000), ("texts", 5000))
    # What is done with the time between attempts.
    sleep: Callable[[float], None] = time.sleep


USUAL_STEPS = Steps()
