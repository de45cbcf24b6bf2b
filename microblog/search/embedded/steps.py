"""How much an index inside the database does at once; tests choose small steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Steps:
    """Sizes in posts or rows, and seconds; each step is one short transaction."""

    posts_at_once: int = 3000  # a tenth of a second
    batches_until_tidying: int = 500
    compared_at_once: int = 2000
    # The worker indexes the posts beyond this, so that others do not wait for the lock of SQLite.
    most_in_their_transaction: int = 1000
    # How long the switch waits for readers of the tables (a search, pg_dump); others queue behind it so long.
    lock_milliseconds: int = 200
    seconds_between_attempts: float = 0.3
    seconds_to_wait_for_the_lock: float = 600
    seconds_to_wait_for_writers: float = 60
    # For FTS5. Each step also writes the head of every segment, so a few large steps are faster in total.
    pages_merged_at_once: int = 500
    rows_removed_at_once: tuple[tuple[str, int], ...] = (("data", 500), ("docsize", 20_000), ("texts", 5000))
    # What is done with the time between attempts.
    sleep: Callable[[float], None] = time.sleep


USUAL_STEPS = Steps()
