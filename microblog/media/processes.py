"""Processes that decode pictures, so that a hostile one harms neither the server nor its memory.

There are two for each server, started when the first picture comes, and used one picture after the other. One
that takes too long is killed; one that ends is replaced.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Any, Final

from microblog.media.decoding import BROKEN, TOO_LARGE, Made, MadePicture, Refused
from microblog.media.wire import receive, send

CHILDREN: Final = 2
MEMORY_BYTES: Final = 190 * 1024 * 1024  # more than when it started
SECONDS: Final = 10.0  # for one picture; a photograph of 12 megapixels takes less than one
# Large blocks go back to the system at once, or one picture would leave less room for the next.
OF_ITS_MEMORY: Final = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
SECONDS_OF_WAITING: Final = 20.0  # for others' pictures


class Busy(Exception):
    """Others' pictures take so long that this one has to come again later."""


class Child:
    """A process, and whether it is still usable."""

    def __init__(self) -> None:
        # Nothing of our environment: it may hold secrets, and the process looks at strangers' data.
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "microblog.media.child", str(MEMORY_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, **OF_ITS_MEMORY},
            cwd="/",
        )
        self.is_alive = True

    def make(self, data: bytes, plan: str) -> Made:
        """
        :raises Refused: also when the process has ended, or took too long.
        """
        assert self._process.stdin is not None  # noqa: S101  # for the types
        assert self._process.stdout is not None  # noqa: S101
        stdin: IO[bytes] = self._process.stdin
        stdout: IO[bytes] = self._process.stdout
        is_late = threading.Event()

        def kill() -> None:
            is_late.set()
            self._process.kill()

        timer = threading.Timer(SECONDS, kill)
        timer.start()
        try:
            send(stdin, {"plan": plan}, data)
            head, pictures = receive(stdout)
        except (EOFError, OSError):
            self.close()
            raise Refused(TOO_LARGE if is_late.is_set() else BROKEN) from None
        finally:
            timer.cancel()
        return read_answer(head, pictures)

    def close(self) -> None:
        self.is_alive = False
        self._process.kill()
        for file in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                file.close()  # type: ignore[union-attr]
        self._process.wait()


def read_answer(head: dict[str, Any], pictures: list[bytes]) -> Made:
    if "refused" in head:
        raise Refused(head["refused"])
    return Made(
        head["color"],
        tuple(
            MadePicture(width, height, data)
            for (width, height), data in zip(head["sizes"], pictures, strict=True)
        ),
    )


class Decoder:
    """`registry.picture_decoder`: makes pictures in its processes; several threads may use it at once."""

    def __init__(self, children: int = CHILDREN) -> None:
        self._free: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(children):
            self._free.put(None)  # started when it is needed

    def make(self, data: bytes, plan: str) -> Made:
        """
        :raises Refused: when the picture cannot be used.
        :raises Busy: when others' pictures take too long.
        """
        try:
            child = self._free.get(timeout=SECONDS_OF_WAITING)
        except queue.Empty:
            raise Busy from None
        try:
            if child is None or not child.is_alive:
                child = Child()
            return child.make(data, plan)
        finally:
            self._free.put(child)

    def close(self) -> None:
        """End the processes that are free; those at work end with their parent, whose end of the pipe closes."""
        with suppress(queue.Empty):
            while True:
                child = self._free.get_nowait()
                if child is not None:
                    child.close()
