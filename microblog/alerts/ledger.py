"""Which faults the admins know of: kept in memory, or in a file that several processes share.

`fcntl.flock` on a second file lets one process at a time read and write. A library for this would only add
support of systems that the site does not run on, and a package to maintain.
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
from typing import Any

log = logging.getLogger(__name__)

MOST_GROUPS = 500
MOST_UNREPORTED_CHARACTERS = 200_000  # of all bodies together
LONGEST_FILE = 5_000_000  # bytes; a longer file was not written by microblog
SECONDS_BETWEEN_TRIES = 0.02
FARTHEST = 60_000_000_000  # seconds from 1970; the largest that `datetime` can represent is little more


@dataclass
class Group:
    """What is known of one fault; times are seconds since 1970.

    `sent`: the last mail about it, or the last attempt. `count`: how often it happened since, between `first`
    and `last`. `is_reported`: has any mail about it been sent? Until then `body` is the text of the first
    alert, or "" when all bodies together are too long.
    """

    subject: str
    sent: float
    count: int = 0
    first: float = 0.0
    last: float = 0.0
    is_reported: bool = True
    body: str = ""


class Ledger:
    """The groups by key. Without a usable file, each process knows only its own alerts."""

    def __init__(self, path: Path | None, *, seconds_to_wait: float = 2.0) -> None:
        self.path = path
        self.known: dict[str, Group] = {}  # as this process saw them last
        self._seconds_to_wait = seconds_to_wait
        self._mutex = threading.Lock()
        self._is_unwritten = False
        self._is_failing = False

    @contextmanager
    def change_groups(self) -> Iterator[dict[str, Group]]:
        """All groups, to be changed inside the `with`, in which no other process can change them."""
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
            stack.enter_context(lock(path.with_name(f"{path.name}.lock"), self._seconds_to_wait))
            stored = read(path)
        except OSError as error:
            self._log_failure(error)
            return False
        # What could not be written last time is newer than the file.
        self.known = stored | self.known if self._is_unwritten else stored
        return True

    def _write(self, path: Path) -> bool:
        unfinished = path.with_name(f"{path.name}.tmp")
        text = json.dumps({"groups": {key: serialize(group) for key, group in self.known.items()}})
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
            unfinished.replace(path)
        except OSError as error:
            self._log_failure(error)
            return False
        self._is_failing = False
        return True

    def _log_failure(self, error: OSError) -> None:
        if not self._is_failing:  # once, not with each alert
            log.warning(
                "The file %s cannot be used (%s): until it can, this process sends alerts of its own.",
                self.path,
                error.strerror,
            )
        self._is_failing = True


@contextmanager
def lock(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock.

    :raises OSError: when somebody else holds it for longer than `seconds`, or the file cannot be made.
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
        yield  # closing the file releases the lock


def read(path: Path) -> dict[str, Group]:
    """The groups in the file; none when there is no file, or when it is broken.

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
        log.warning("The file %s is broken; it is replaced by an empty one.", path)
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
    """The group that `serialize` wrote.

    :raises ValueError, TypeError: when it did not.
    """
    if not 0 <= count < math.inf or not all(abs(time) <= FARTHEST for time in (sent, first, last)):
        raise ValueError("not a timestamp, or not a count")
    return Group(str(subject), float(sent), int(count), float(first), float(last), bool(is_told), str(body))


def serialize(group: Group) -> dict[str, Any]:
    values = asdict(group)
    values["is_told"] = values.pop("is_reported")  # its name in the files that exist
    return values


def forget_oldest(groups: dict[str, Group]) -> None:
    """Keep `MOST_GROUPS`: forget the oldest, those with unreported alerts last."""
    by_worth = sorted(groups, key=lambda key: (groups[key].count > 0, groups[key].sent))
    for key in by_worth[: max(0, len(groups) - MOST_GROUPS)]:
        del groups[key]


def shorten(groups: dict[str, Group]) -> None:
    """Keep the oldest bodies, which are nearest to the cause, as far as they fit."""
    room = MOST_UNREPORTED_CHARACTERS
    for group in sorted(groups.values(), key=lambda group: group.first):
        if len(group.body) > room:
            group.body = ""
        room -= len(group.body)
