"""Which faults the admins know of: in memory, or in a file that several processes share.

`fcntl.flock` on a file beside it lets one process at a time read and write. A library for that would bring
other systems, which the site does not run on, and one more package to keep.
"""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

log = logging.getLogger(__name__)

MOST_GROUPS = 500
MOST_UNTOLD_CHARACTERS = 200_000  # of all bodies together
LONGEST_FILE = 5_000_000  # bytes; what is longer was not written here
SECONDS_BETWEEN_TRIES = 0.02
FARTHEST = 60_000_000_000  # seconds from 1970, which dates can still be made of


@dataclass
class Group:
    """What is known of one fault; moments are seconds since 1970.

    `sent`: the last mail about it, or the last try. `count`: how often it happened that no mail has told yet,
    the `first` and the `last` time. `is_told`: has anybody got a mail about it? Until then `body` is the text
    of the first time, or "" where there are too many.
    """

    subject: str
    sent: float
    count: int = 0
    first: float = 0.0
    last: float = 0.0
    is_told: bool = True
    body: str = ""


class Ledger:
    """The groups by their keys. A file that cannot be used costs only that processes know of each other."""

    def __init__(self, path: Path | None, *, seconds_to_wait: float = 2.0) -> None:
        self.path = path
        self.known: dict[str, Group] = {}  # as this process saw them last
        self._seconds_to_wait = seconds_to_wait
        self._mutex = threading.Lock()
        self._is_unwritten = False
        self._is_in_trouble = False

    @contextmanager
    def groups(self) -> Iterator[dict[str, Group]]:
        """All groups, to be changed inside of the `with`; meanwhile no other process changes them."""
        with self._mutex, ExitStack() as stack:
            is_shared = self.path is not None and self._open(stack, self.path)
            yield self.known
            forget_oldest(self.known)
            shorten(self.known)
            if self.path is not None:
                self._is_unwritten = not (is_shared and self._write(self.path))

    def _open(self, stack: ExitStack, path: Path) -> bool:
        """Lock the file and read it; False when that cannot be done."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(locked(path.with_name(f"{path.name}.lock"), self._seconds_to_wait))
            there = read(path)
        except OSError as error:
            self._trouble(error)
            return False
        # What could not be written last time is newer than what is there.
        self.known = there | self.known if self._is_unwritten else there
        return True

    def _write(self, path: Path) -> bool:
        unfinished = path.with_name(f"{path.name}.tmp")
        text = json.dumps({"groups": {key: asdict(group) for key, group in self.known.items()}})
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
            unfinished.replace(path)
        except OSError as error:
            self._trouble(error)
            return False
        self._is_in_trouble = False
        return True

    def _trouble(self, error: OSError) -> None:
        if not self._is_in_trouble:  # told once, not with each alert
            log.warning(
                "The file %s cannot be used (%s): until it can, this process sends alerts of its own.",
                self.path,
                error.strerror,
            )
        self._is_in_trouble = True


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Nobody else has the lock inside.

    :raises OSError: when somebody else has it for longer than `seconds`, or there cannot be one.
    """
    end = time.monotonic() + seconds
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise
                time.sleep(SECONDS_BETWEEN_TRIES)
        yield  # closing it gives it back


def read(path: Path) -> dict[str, Group]:
    """The groups in the file; none when it is not there, or is none of ours.

    :raises OSError: when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_FILE)
    except FileNotFoundError:
        return {}
    try:
        return {key: check_group(**values) for key, values in json.loads(text)["groups"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        log.warning("The file %s is broken; the alerts begin anew with an empty one.", path)
        return {}


def check_group(
    *,
    subject: str,
    sent: float,
    count: int,
    first: float,
    last: float,
    is_told: bool = True,
    body: str = "",
) -> Group:
    """:raises ValueError: for what no ledger has written.
    :raises TypeError: likewise.
    """
    if not 0 <= count < math.inf or not all(abs(moment) <= FARTHEST for moment in (sent, first, last)):
        raise ValueError("no moment and no count")
    return Group(str(subject), float(sent), int(count), float(first), float(last), bool(is_told), str(body))


def forget_oldest(groups: dict[str, Group]) -> None:
    """Keep no more than there may be; those with something to tell are the last to go."""
    by_worth = sorted(groups, key=lambda key: (groups[key].count > 0, groups[key].sent))
    for key in by_worth[: max(0, len(groups) - MOST_GROUPS)]:
        del groups[key]


def shorten(groups: dict[str, Group]) -> None:
    """Keep the bodies that came first, which are nearest to the cause, as far as there is room for them."""
    room = MOST_UNTOLD_CHARACTERS
    for group in sorted(groups.values(), key=lambda group: group.first):
        if len(group.body) > room:
            group.body = ""
        room -= len(group.body)
