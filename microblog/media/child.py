"""The process that decodes pictures, started by `processes.py`.

It says whether its memory is limited, then reads pictures from its standard input, and writes what it has
made of them to its standard output, until the input ends. It cannot open a file or a connection, and may have
only so much memory: a picture that needs more is refused, or ends the process, which is then replaced.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from microblog.media.decoding import make
from microblog.media.plans import PLANS, Plan
from microblog.media.results import TOO_LARGE, Made, Refused
from microblog.media.wire import receive, send

STATM: Final = Path("/proc/self/statm")
# Nothing can be written or opened from now on, no process started, and no core is dumped.
NOTHING: Final = tuple(
    getattr(resource, name)
    for name in ("RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_CORE")
    if hasattr(resource, name)
)

SetLimit = Callable[[int, tuple[int, int]], None]
Make = Callable[[bytes, Plan], Made]


def limit(memory: int, set_limit: SetLimit = resource.setrlimit, statm: Path = STATM) -> bool:
    """So many bytes more than now, where that can be limited; whether it is.

    Of a Mac it cannot: it has no /proc, and ignores the limit of addresses.
    """
    is_limited = statm.exists()
    if is_limited:
        most = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize() + memory
        set_limit(resource.RLIMIT_AS, (most, most))
    for kind in NOTHING:
        set_limit(kind, (0, 0))
    return is_limited


def serve(received: IO[bytes], sent: IO[bytes], seconds: int, make: Make = make) -> None:
    """Until the input ends, or the memory did: what is left of it may be in pieces.

    A picture may take so many seconds. The server ends it earlier, unless it was killed itself.
    """
    while True:
        try:
            head, (data,) = receive(received)
        except EOFError:
            return
        signal.alarm(seconds)
        try:
            made = make(data, PLANS[head["plan"]])
        except Refused as refused:
            send(sent, {"refused": refused.reason})
        except MemoryError:
            send(sent, {"refused": TOO_LARGE, "ends": True})
            return
        else:
            sizes = [(picture.width, picture.height) for picture in made.pictures]
            send(sent, {"color": made.color, "sizes": sizes}, *(picture.data for picture in made.pictures))
        finally:
            signal.alarm(0)
        del data


def main(
    arguments: list[str],
    received: IO[bytes],
    sent: IO[bytes],
    set_limit: SetLimit = resource.setrlimit,
    make: Make = make,
) -> int:
    # Ctrl-C and the end of a service reach all of its processes; this one ends when its server has.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    memory, seconds = map(int, arguments)
    ready: dict[str, Any] = {"limited": limit(memory, set_limit)}
    send(sent, ready)
    serve(received, sent, seconds, make)
    return 0
