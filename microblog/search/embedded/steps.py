"""How much an index inside the database does at once; tests choose small steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Steps:
    """Sizes in posts or rows, and seconds; each step is one short transaction."""

    posts_at_once: int = 1000  # 30 ms
    batches_until_tidying: int = 16
    # Each time FTS5's largest segment gets to a higher level, and is merged again so much later.
    batches_until_settled: Sequence[int] = range(10, 18)
    compared_at_once: int = 2000
    # The worker indexes the posts beyond this, so that others do not wait for the lock of SQLite.
    most_in_their_transaction: int = 1000
    # How long the switch waits for readers of the tables (a search, pg_dump); others queue behind it so long.
    lock_milliseconds: int = 200
    seconds_between_attempts: float = 0.3
    seconds_to_wait_for_the_lock: float = 600
    seconds_to_wait_for_writers: float = 60
    # For FTS5, during a rebuild.
    pages_merged_at_once: int = 250
    # The worker: so long in a round, in steps. When one took longer, because other work wants the processor
    # too, the next merges half as many pages.
    seconds_of_merging: float = 0.5
    seconds_of_a_step: float = 0.008
    pages_merged_by_the_worker: int = 32
    fewest_pages_merged_by_the_worker: int = 4
    # Without a worker: from here on each post merges a little, and from there on it waits to be indexed.
    segments_until_posts_merge: int = 250
    most_segments: int = 900
    pages_merged_by_a_post: int = 32
    # A transaction with so many posts (an import) merges a page for every so many.
    posts_that_merge: int = 100
    posts_for_a_merged_page: int = 4
    rows_removed_at_once: tuple[tuple[str, int], ...] = (("data", 300), ("docsize", 10_000), ("texts", 3000))
    # What is done with the time between attempts.
    sleep: Callable[[float], None] = time.sleep


USUAL_STEPS = Steps()
