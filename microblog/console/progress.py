"""Shows progress: a line that is rewritten on a terminal, or one line for each tenth in a log."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import TextIO

SECONDS_ON_TERMINAL = 0.1
SECONDS_IN_LOG = 1.0  # shorter work shows nothing
CLEAR_LINE = "\r\033[K"


class Progress:
    """Done, rate and time left, on standard error.

    `total` and the positions have the same unit (bytes, posts); `noun` names what is counted and shown.
    `done` is what `advance` has counted. Resumed work begins at position `start`. `seconds` is the shortest
    time between two lines.
    """

    def __init__(
        self,
        total: int,
        noun: str,
        *,
        start: int = 0,
        stream: TextIO | None = None,
        seconds: float | None = None,
    ) -> None:
        self._total = max(total, 1)
        self._noun = noun
        self._start = start
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        usual = SECONDS_ON_TERMINAL if self._is_terminal else SECONDS_IN_LOG
        self._seconds = usual if seconds is None else seconds
        self._began = self._written = time.monotonic()
        self._tenths = start * 10 // self._total
        self._line = ""
        self.done = 0

    def advance(self, more: int) -> None:
        """So many more are done, where the position is their number."""
        self.done += more
        self.update(self._start + self.done, self.done)

    def update(self, position: int, count: int) -> None:
        """The work has reached `position`, and `count` are done since the beginning."""
        now = time.monotonic()
        done = min(position / self._total, 1.0)
        elapsed = max(now - self._began, 1e-6)
        mine = (position - self._start) / max(self._total - self._start, 1)
        left = timedelta(seconds=round(elapsed * (1 - mine) / mine)) if 0 < mine < 1 else timedelta()
        self._line = f"{done:4.0%}  {count:,} {self._noun}  {count / elapsed:,.0f}/s  {left} left"
        if now - self._written < self._seconds:
            return
        if self._is_terminal:
            self._written = now
            self._write(f"{CLEAR_LINE}{self._line}")
        elif int(done * 10) > self._tenths:
            self._written, self._tenths = now, int(done * 10)
            self._write(f"{self._line}\n")

    def say(self, message: str) -> None:
        """Write a message above the line."""
        if self._is_terminal:
            self._write(f"{CLEAR_LINE}{message}\n{self._line}")
        else:
            self._write(f"{message}\n")

    def finish(self) -> None:
        """Clear the line on a terminal."""
        if self._is_terminal:
            self._write(CLEAR_LINE)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
