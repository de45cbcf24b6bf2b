"""A circuit breaker: while a server does not answer, one call at a time waits for it, and all others fail.

Otherwise a page with 25 pictures would keep all threads of the site waiting.
"""

from __future__ import annotations

import threading
import time

from microblog.media.storage.interfaces import StorageUnavailable


class Breaker:
    """`seconds`: for so long after a failure nobody asks the server."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._sentence: str | None = None  # of the failure
        self._until = 0.0  # by the monotonic clock

    def begin(self) -> None:
        """
        :raises StorageUnavailable: when the server did not answer a moment ago.
        """
        with self._lock:
            if self._sentence is None:
                return
            now = time.monotonic()
            if now < self._until:
                raise StorageUnavailable(self._sentence, is_known=True)
            self._until = now + self._seconds  # this call tries it; others do not, meanwhile

    def note_failure(self, sentence: str) -> None:
        with self._lock:
            self._sentence = sentence
            self._until = time.monotonic() + self._seconds

    def note_answer(self) -> None:
        self._sentence = None
