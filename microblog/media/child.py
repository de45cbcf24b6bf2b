"""The process that decodes pictures: `python -m microblog.media.child MEMORY_BYTES`.

It reads pictures from its standard input, and writes what it has made of them to its standard output, until
the input ends. It opens no file, and may have only so much memory: a picture that needs more is refused, or
ends the process, which its parent replaces (`processes.py`).
"""

from __future__ import annotations

import os
import resource
import sys
from typing import IO

from microblog.media.decoding import TOO_LARGE, Refused, make
from microblog.media.plans import PLANS
from microblog.media.wire import receive, send


def limit(memory: int) -> None:
    """So many bytes more than now; no file is written, and no core is dumped."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # no path of ours
        present = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (present + memory, present + memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(received: IO[bytes], sent: IO[bytes]) -> None:
    while True:
        try:
            head, (data,) = receive(received)
        except EOFError:
            return
        try:
            made = make(data, PLANS[head["plan"]])
        except Refused as refused:
            send(sent, {"refused": refused.args[0]})
        except MemoryError:
            send(sent, {"refused": TOO_LARGE})
        else:
            sizes = [(picture.width, picture.height) for picture in made.pictures]
            pictures = (picture.data for picture in made.pictures)
            send(sent, {"color": made.color, "sizes": sizes}, *pictures)


def main() -> int:
    limit(int(sys.argv[1]))
    received, sent = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(received, sent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
