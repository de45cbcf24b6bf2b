"""Call sites: the line of our source from which something is called, found by walking up the stack.

The walk takes 1 to 9 µs, so it is made only for what will be shown to somebody.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

import pyramid_tm

import microblog

PACKAGE = f"{Path(microblog.__file__).parent}/"
PROJECT = f"{Path(microblog.__file__).parents[1]}/"
# They stand between a query and whoever asks it, and say nothing about either.
BETWEEN = frozenset(
    f"{PACKAGE}{name}"
    for name in ("db.py", "engine.py", "deadlines.py", "slow_queries/timing.py", "call_sites.py")
)
VIEWS = ("/views.py", "/api.py")
# Whatever is farther out are tweens, which every request goes through.
# Functions that every request goes through, and that are no place of a fault.
PASSING: set[CodeType] = set()
TRANSACTION_TWEEN = pyramid_tm.__file__
LIBRARIES = tuple({f"{sysconfig.get_path(name)}/" for name in ("stdlib", "purelib", "platlib")})


Function = TypeVar("Function", bound=Callable[..., Any])


def passes_on(function: Function) -> Function:
    """Decorator, of a tween or a view deriver: it passes the request on, and what fails is farther in."""
    PASSING.add(function.__code__)
    return function


@dataclass(frozen=True, slots=True)
class CallSite:
    """`source` is `microblog/timelines/queries.py:41 in list_posts`, `view` the view above it; "" without."""

    source: str
    view: str

    def __str__(self) -> str:
        if self.view and self.view != self.source:
            return f"{self.source}, called from {self.view}"
        return self.source or "not known"


def find_call_site() -> CallSite:
    """The innermost frame outside of the libraries, and the nearest view above it.

    What runs under the transaction's tween without such a frame, as its COMMIT does, has no call site.
    """
    source = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file == TRANSACTION_TWEEN:
            break
        # The code of a template has the template's name.
        if file.endswith(".py") and (file.startswith(PACKAGE) or not file.startswith(LIBRARIES)):
            if file.endswith(VIEWS):
                return CallSite(source or format_frame(frame), format_frame(frame))
            if not source and file not in BETWEEN:
                source = format_frame(frame)
        frame = frame.f_back
    return CallSite(source, "")


def format_frame(frame: FrameType) -> str:
    file = frame.f_code.co_filename.removeprefix(PROJECT)
    return f"{file}:{frame.f_lineno} in {frame.f_code.co_qualname}"
