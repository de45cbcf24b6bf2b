"""A process that decodes pictures, and that some data make fail."""

from __future__ import annotations

from typing import Final

from microblog.media.processes import PROGRAM

SLEEPS: Final = b"sleep"  # far too long
DIES: Final = b"die"
NEEDS_MEMORY: Final = b"memory"  # more than there is

CALL: Final = "sys.exit(main(sys.argv[1:], sys.stdin.buffer, sent))"


def replace_make(script: str) -> str:
    """The program of the process, which calls `make` of this script."""
    assert CALL in PROGRAM
    return PROGRAM.replace(CALL, f"{script}\nsys.exit(main(sys.argv[1:], sys.stdin.buffer, sent, make=make))")


FAILING: Final = replace_make(f"""
import os, signal, time
from microblog.media.decoding import make as made
def make(data, plan):
    if data == {SLEEPS!r}:
        time.sleep(600)
    if data == {DIES!r}:
        os.kill(os.getpid(), signal.SIGSEGV)
    if data == {NEEDS_MEMORY!r}:
        raise MemoryError
    return made(data, plan)
""")
