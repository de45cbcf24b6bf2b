"""Processes that decode pictures, so that a hostile one harms neither the server nor its memory.

There are two for each server, started when the first picture comes, and used for one picture after the other.
One that takes too long is killed; one that ends is replaced. What they answer is believed as little as what
people send.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from microblog.media.plans import PLANS
from microblog.media.results import BROKEN, REASONS, TOO_SLOW, Made, MadePicture, Refused
from microblog.media.wire import receive, send

CHILDREN: Final = 2
# More than when it started, which is some 20 million bytes: together fewer than 200 million.
MEMORY_BYTES: Final = 152 * 1024 * 1024
SECONDS: Final = 10.0  # for one picture; a photograph of 12 megapixels takes one
SECONDS_OF_STARTING: Final = 60.0  # of a process, on a machine that is very busy; usually 0.2
SECONDS_OF_WAITING: Final = 20.0  # for others' pictures
# Pictures that wait for others. With those at work they keep fewer threads than the server has (8), so that
# nobody who sends pictures that take long stops the site.
MOST_WAITING: Final = 3
# A process whose server was killed ends by itself, this much later than the server would have killed it.
MORE_SECONDS_OF_AN_ORPHAN: Final = 5

# Nothing more of our environment: it may hold secrets, and the process looks at strangers' data.
KEPT_VARIABLES: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
VARIABLES: Final = {
    "LC_ALL": "C.UTF-8",
    # Large blocks go back to the system at once, or one picture would leave less room for the next.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "OMP_NUM_THREADS": "1",
}
# The package without its `__init__`, which imports all of Pyramid: half of the time and of the memory. What a
# library prints goes where errors go, and is no answer.
PROGRAM: Final = """\
import os, sys, types
sent = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
sys.modules["microblog"] = package = types.ModuleType("microblog")
package.__path__ = [sys.argv.pop(1)]
from microblog.media.child import main
sys.exit(main(sys.argv[1:], sys.stdin.buffer, sent))
"""
PACKAGE: Final = Path(__file__).parents[1]
COLOR: Final = re.compile(r"#[0-9a-f]{6}")

log = logging.getLogger(__name__)


class Busy(Exception):
    """Others' pictures take so long that this one has to come again later."""


class CannotStart(Exception):
    """No process can be started that decodes pictures; the message is a sentence for the operator."""


class Child:
    """A process, and whether it is still usable."""

    def __init__(self, program: str = PROGRAM, seconds: float = SECONDS, memory: int = MEMORY_BYTES) -> None:
        """:raises CannotStart: when it does not answer."""
        self._seconds = seconds
        alone = int(seconds) + MORE_SECONDS_OF_AN_ORPHAN
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        try:
            self._process = subprocess.Popen(  # noqa: S603  # nothing of it comes from outside
                [sys.executable, "-P", "-c", program, str(PACKAGE), str(memory), str(alone)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**kept, **VARIABLES},
                cwd="/",
            )
        except OSError as error:
            raise CannotStart(f"The process that decodes pictures cannot be started: {error}") from error
        self._stdin: IO[bytes] = self._process.stdin  # type: ignore[assignment]
        self._stdout: IO[bytes] = self._process.stdout  # type: ignore[assignment]
        self._is_open = True
        try:
            with self._killed_after(SECONDS_OF_STARTING):
                ready, _ = receive(self._stdout)
        except (EOFError, OSError, ValueError):
            self.close()
            raise CannotStart(
                "The process that decodes pictures ended while it started; "
                f"it says why when you run it: {sys.executable} -c 'import microblog.media.child'"
            ) from None
        self.is_limited = bool(ready.get("limited"))

    @property
    def id(self) -> int:
        return self._process.pid

    @property
    def is_usable(self) -> bool:
        """Not after it was closed or has died, nor in a fork: the pipes are those of its parent."""
        return self._is_open and self._process.poll() is None

    def make(self, data: bytes, plan: str) -> Made:
        """
        :raises Refused: also when the process has ended, or took too long.
        """
        try:
            with self._killed_after(self._seconds) as is_late:
                send(self._stdin, {"plan": plan}, data)
                head, pictures = receive(self._stdout)
            if head.get("ends"):
                self.close()
            return read_answer(head, pictures, plan)
        except (EOFError, OSError, ValueError, TypeError, KeyError) as error:
            self.close()
            reason = TOO_SLOW if is_late.is_set() else BROKEN
            log.warning(
                "A process that decodes pictures was replaced.",
                extra={"reason": reason, "error": type(error).__name__, "status": self._process.returncode},
            )
            raise Refused(reason) from None

    @contextmanager
    def _killed_after(self, seconds: float) -> Iterator[threading.Event]:
        is_late = threading.Event()

        def kill() -> None:
            is_late.set()
            self._process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            yield is_late
        finally:
            timer.cancel()

    def close(self) -> None:
        self._is_open = False
        self._process.kill()  # not in a fork, whose child it is not
        for file in (self._stdin, self._stdout):
            with suppress(OSError):
                file.close()
        self._process.wait()


def read_answer(head: dict[str, Any], pictures: list[bytes], plan: str) -> Made:
    """
    :raises Refused: when that is the answer.
    :raises ValueError, TypeError, KeyError: when it is none: then the process is not what it was.
    """
    if "refused" in head:
        if head["refused"] not in REASONS:
            raise ValueError("This is no reason.")
        raise Refused(head["refused"])
    if not COLOR.fullmatch(head["color"]):
        raise ValueError("This is no colour.")
    made = []
    for (width, height), (widest, highest), data in zip(
        head["sizes"], PLANS[plan].sizes, pictures, strict=True
    ):
        if width not in range(1, widest + 1) or height not in range(1, highest + 1) or not is_webp(data):
            raise ValueError("This is no picture.")
        made.append(MadePicture(width, height, data))
    return Made(head["color"], tuple(made))


def is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


class Decoder:
    """`registry.picture_decoder`: makes pictures in its processes; several threads may use it at once."""

    def __init__(
        self,
        children: int = CHILDREN,
        *,
        program: str = PROGRAM,
        seconds: float = SECONDS,
        seconds_of_waiting: float = SECONDS_OF_WAITING,
        most_waiting: int = MOST_WAITING,
        memory: int = MEMORY_BYTES,
    ) -> None:
        self._program, self._seconds, self._memory = program, seconds, memory
        self._seconds_of_waiting = seconds_of_waiting
        self._threads = threading.BoundedSemaphore(children + most_waiting)
        self._free: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(children):
            self._free.put(None)  # started when it is needed
        self._is_closed = False
        self._has_warned = False

    def make(self, data: bytes, plan: str) -> Made:
        """
        :raises Refused: when the picture cannot be used.
        :raises Busy: when others' pictures take too long, or too many wait for them.
        :raises CannotStart: when there is no process that could decode it.
        """
        if not self._threads.acquire(blocking=False):
            raise Busy
        try:
            return self._make_by_a_process(data, plan)
        finally:
            self._threads.release()

    def _make_by_a_process(self, data: bytes, plan: str) -> Made:
        try:
            child = self._free.get(timeout=self._seconds_of_waiting)
        except queue.Empty:
            raise Busy from None
        try:
            if child is None or not child.is_usable:
                child = self._replace(child)
            return child.make(data, plan)
        finally:
            if child is not None and self._is_closed:
                child.close()
                child = None
            self._free.put(child)

    def list_processes(self) -> list[int]:
        """The ids of those that wait for a picture."""
        return [child.id for child in list(self._free.queue) if child is not None and child.is_usable]

    def _replace(self, child: Child | None) -> Child:
        if child is not None:
            child.close()
        new = Child(self._program, self._seconds, self._memory)
        if not new.is_limited and not self._has_warned:
            self._has_warned = True
            log.warning("This system cannot limit the memory of the processes that decode pictures.")
        return new

    def close(self) -> None:
        """End the processes that are free, and those at work after their picture. A later picture starts one
        for itself."""
        self._is_closed = True
        children = []
        with suppress(queue.Empty):
            while True:
                children.append(self._free.get_nowait())
        for child in children:
            if child is not None:
                child.close()
            self._free.put(None)
