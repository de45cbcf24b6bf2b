"""What GETs are counted by: in the process at once, in the database a little later.

GET changes nothing, so the counts go through the deferred writes. What the database then says of a key
contains what other processes have counted; until the next time this process adds its own to that.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import orm

from microblog.background.deferred import DeferredWrites
from microblog.ids import get_now
from microblog.security.limits import queries
from microblog.security.limits.rules import Count

MOST_KEYS = 100_000  # which have counts at the same time
ROWS_IN_A_STATEMENT = 500


@dataclass(slots=True)
class Known:
    """Of one key: its timestamp with what was counted here, and how often that was since it was written."""

    count: Count
    timestamp: int = 0
    waiting: int = 0


class ProcessCounts:
    """The counts of this process. Beyond `most_keys` at the same time no other one is counted."""

    def __init__(self, deferred: DeferredWrites, *, most_keys: int = MOST_KEYS) -> None:
        self._deferred = deferred
        self._most_keys = most_keys
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()

    def take(self, counts: Collection[Count], now: int) -> dict[Count, int]:
        """Once more, of all or of none: the milliseconds to wait for those that have no room."""
        with self._lock:
            found = [self._find(count, now) for count in counts]
            waits = {known.count: known.count.get_wait(known.timestamp, now) for known in found}
            refused = {count: wait for count, wait in waits.items() if wait}
            if not refused:
                for known in found:
                    known.timestamp = max(known.timestamp, now) + known.count.rate.interval
                    known.waiting += 1
        if counts and not refused:
            self._deferred.put("limits", self.write)
        return refused

    def _find(self, count: Count, now: int) -> Known:
        known = self._known.get(count.key)
        if known is None:
            known = Known(count)
            if len(self._known) >= self._most_keys:
                self._forget_old(now)
            if len(self._known) < self._most_keys:
                self._known[count.key] = known
        return known

    def _forget_old(self, now: int) -> None:
        for key, known in list(self._known.items()):
            if known.timestamp <= now and not known.waiting:
                del self._known[key]

    def write(self, session: orm.Session) -> None:
        """Add to the database what was counted here, and learn what others have counted."""
        now = get_now()
        with self._lock:
            self._forget_old(now)
            waiting = sorted(
                (known for known in self._known.values() if known.waiting), key=lambda known: known.count.key
            )
            amounts = [(known.count, known.waiting) for known in waiting]
            for known in waiting:
                known.waiting = 0
        for start in range(0, len(waiting), ROWS_IN_A_STATEMENT):
            timestamps = queries.add(session, amounts[start : start + ROWS_IN_A_STATEMENT], now)
            with self._lock:
                for known in waiting[start : start + ROWS_IN_A_STATEMENT]:
                    more = known.waiting * known.count.rate.interval  # counted since
                    known.timestamp = timestamps[known.count.key] + more
