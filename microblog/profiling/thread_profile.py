"""A profile of one thread and nothing else, on every Python.

cProfile of Python 3.12 and later watches all threads of the process at once: the functions of
concurrent requests are in each other's profiles, and a second one fails (docs/adr/0014). There
`ThreadProfile` takes its place; before, cProfile is of one thread, and faster.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from types import CodeType, FrameType
from typing import Any, TextIO, TypeAlias, cast

Label: TypeAlias = tuple[str, int, str]
"""File, line and name of a function, as pstats knows them."""
Counts: TypeAlias = tuple[int, int, float, float]
"""Calls that were not recursive, all calls, seconds of its own, seconds with what it called."""

clock = time.perf_counter_ns


class Total:
    """What is known of a function, or of a function as called by one other."""

    __slots__ = ("calls", "depth", "direct", "ns", "own_ns", "what")

    def __init__(self, what: Any) -> None:
        self.what = what  # code, or a function in C; kept, so that nothing else gets its id
        self.calls = 0
        self.direct = 0  # calls while it was not running already
        self.own_ns = 0
        self.ns = 0
        self.depth = 0

    @property
    def counts(self) -> Counts:
        return self.direct, self.calls, self.own_ns / 1e9, self.ns / 1e9


class ThreadProfile:
    """Counts and times what this thread calls, with the methods of `cProfile.Profile` that pstats needs.

    `stats`, after `create_stats()`, is what it reads. The time that counting takes is left out.
    """

    def __init__(self) -> None:
        self.stats: dict[Label, tuple[int, int, float, float, dict[Label, Counts]]] = {}
        self._totals: dict[Any, Total] = {}
        self._edges: dict[tuple[Total, Total], Total] = {}
        # Of each call that has not returned: function, edge, when it began, nanoseconds in what it called.
        self._stack: list[list[Any]] = []
        self._lost_ns = 0  # in here

    def enable(self) -> None:
        """Begin, in this thread."""
        sys.setprofile(self._event)

    def disable(self) -> None:
        """End, in the same thread."""
        sys.setprofile(None)
        now = clock() - self._lost_ns
        while self._stack:
            self._leave(now)

    def _event(self, frame: FrameType, event: str, argument: Any) -> None:
        began = clock()
        now = began - self._lost_ns
        stack = self._stack
        if event == "call":
            # By identity: equal code of two files, which templates and generated functions are, is equal.
            self._enter(id(frame.f_code), frame.f_code, now)
        elif event == "c_call":
            # A method bound to another object is another object, but the same function.
            self._enter((getattr(argument, "__module__", None), argument.__qualname__), argument, now)
        elif event == "return":
            # A call in C whose end was not told ends with the function that it is in.
            while stack and self._leave(now) is not frame.f_code:
                pass
        elif stack:  # c_return, c_exception
            self._leave(now)
        self._lost_ns += clock() - began

    def _enter(self, key: Any, what: Any, now: int) -> None:
        total = self._totals.get(key)
        if total is None:
            total = self._totals[key] = Total(what)
        total.depth += 1
        edge = None
        if self._stack:
            pair = (self._stack[-1][0], total)
            edge = self._edges.get(pair)
            if edge is None:
                edge = self._edges[pair] = Total(what)
            edge.depth += 1
        self._stack.append([total, edge, now, 0])

    def _leave(self, now: int) -> Any:
        total, edge, began, inner_ns = self._stack.pop()
        ns = now - began
        for each in (total, edge) if edge else (total,):
            each.calls += 1
            each.own_ns += ns - inner_ns
            each.depth -= 1
            if each.depth == 0:  # of a recursion the outermost call holds all others
                each.direct += 1
                each.ns += ns
        if self._stack:
            self._stack[-1][3] += ns
        return total.what

    def create_stats(self) -> None:
        """End, and make `stats`."""
        self.disable()
        self.stats = {}
        # Functions that are made again and again have one label.
        for total in self._totals.values():
            known = self.stats.get(label(total.what), (0, 0, 0.0, 0.0, {}))
            self.stats[label(total.what)] = (*added(known[:4], total.counts), known[4])
        for (caller, callee), edge in self._edges.items():
            callers = self.stats[label(callee.what)][4]
            known_edge = callers.get(label(caller.what), (0, 0, 0.0, 0.0))
            callers[label(caller.what)] = added(known_edge, edge.counts)


def added(one: Counts, other: Counts) -> Counts:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


def label(what: Any) -> Label:
    """As cProfile names it."""
    if isinstance(what, CodeType):
        return what.co_filename, what.co_firstlineno, what.co_name
    module = getattr(what, "__module__", None)
    owner, _, method = what.__qualname__.rpartition(".")
    if owner:
        return "~", 0, f"<method {method!r} of {owner!r} objects>"
    return "~", 0, f"<built-in method {module}.{method}>" if module else f"<built-in method {method}>"


Profile: TypeAlias = cProfile.Profile | ThreadProfile


def new_profile() -> Profile:
    """One of this thread, not begun."""
    return ThreadProfile() if hasattr(sys, "monitoring") else cProfile.Profile()


def statistics(profile: Profile, output: TextIO | None = None) -> Any:
    """The `pstats.Stats` of a profile that has ended, which print to `output`.

    Untyped: the attributes that pstats documents are not those that its types know.
    """
    return pstats.Stats(cast(Any, profile), stream=output)


def another_is_at_work() -> bool:
    """Does another profiler watch this thread, such as the toolbar's, or, from 3.12 on, all of them?"""
    if sys.getprofile() is not None:
        return True
    monitoring = getattr(sys, "monitoring", None)
    return monitoring is not None and monitoring.get_tool(monitoring.PROFILER_ID) is not None
