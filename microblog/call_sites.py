"""Call sites: the line of our source from which something is called, found by walking up the stack.

The walk takes 1 to 9 µs, so it is made only for what will be shown.
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
# A module that stands between queries and their callers says so by this name; it is the call site of neither.
IS_CALL_SITE = False
VIEWS = ("/views.py", "/api.py")
# Functions that every request goes through; no fault is located in them.
PASSING: set[CodeType] = set()
# The frames outside of it are tweens, which every request goes through.
TRANSACTION_TWEEN = pyramid_tm.__file__
LIBRARIES = tuple({f"{sysconfig.get_path(name)}/" for name in ("stdlib", "purelib", "platlib")})


Function = TypeVar("Function", bound=Callable[..., Any])


def passes_on(function: Function) -> Function:
    """Decorator for a tween or a view deriver: it passes the request on, and is at no fault."""
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
    """The innermost frame outside the libraries, and the nearest view above it.

    There is none for what the tween of the transaction calls itself, such as the COMMIT.
    """
    source = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file == TRANSACTION_TWEEN:
            break
        # Code of a template has the name of the template as its file.
        if file.endswith(".py") and (file.startswith(PACKAGE) or not file.startswith(LIBRARIES)):
            if file.endswith(VIEWS):
                return CallSite(source or format_frame(frame), format_frame(frame))
            if not source and is_call_site(frame):
                source = format_frame(frame)
        frame = frame.f_back
    return CallSite(source, "")


def is_call_site(frame: FrameType) -> bool:
    return bool(frame.f_globals.get("IS_CALL_SITE", True))


def format_frame(frame: FrameType) -> str:
    file = frame.f_code.co_filename.removeprefix(PROJECT)
    return f"{file}:{frame.f_lineno} in {frame.f_code.co_qualname}"
