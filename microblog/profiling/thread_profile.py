"""Profiles one thread and nothing else, on every version of Python.

From Python 3.12 on, cProfile watches all threads of the process: the functions of concurrent requests are in
each other's profiles, and a second one fails (docs/adr/0014). There `ThreadProfile` replaces it; before 3.12,
cProfile watches one thread, and is faster.
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
"""Calls that were not recursive, all calls, own seconds, seconds including the functions that it called."""

clock = time.perf_counter_ns


class Total:
    """The counts of a function, or of a function as called by one other."""

    __slots__ = ("calls", "depth", "direct", "ns", "own_ns", "what")

    def __init__(self, what: Any) -> None:
        self.what = what  # code, or a function in C; referenced, so that nothing else gets its id
        self.calls = 0
        self.direct = 0  # calls while it was not running already
        self.own_ns = 0
        self.ns = 0
        self.depth = 0

    @property
    def counts(self) -> Counts:
        return self.direct, self.calls, self.own_ns / 1e9, self.ns / 1e9


class ThreadProfile:
    """Counts and times the calls of one thread, with the methods of `cProfile.Profile` that pstats needs.

    pstats reads `stats`, after `create_stats()`. The time of the counting itself is left out.
    """

    def __init__(self) -> None:
        self.stats: dict[Label, tuple[int, int, float, float, dict[Label, Counts]]] = {}
        self._totals: dict[Any, Total] = {}
        self._edges: dict[tuple[Total, Total], Total] = {}
        # Of each call that has not returned: function, edge, when it began, nanoseconds in what it called.
        self._stack: list[list[Any]] = []
        self._lost_ns = 0  # spent in this class

    def enable(self) -> None:
        """Begin profiling this thread."""
        sys.setprofile(self._handle_event)

    def disable(self) -> None:
        """End profiling, in the same thread."""
        sys.setprofile(None)
        now = clock() - self._lost_ns
        while self._stack:
            self._leave(now)

    def _handle_event(self, frame: FrameType, event: str, argument: Any) -> None:
        began = clock()
        now = began - self._lost_ns
        stack = self._stack
        if event == "call":
            # By identity: code objects of templates and generated functions in different files may be equal.
            self._enter(id(frame.f_code), frame.f_code, now)
        elif event == "c_call":
            # By name: a method bound to another object is another object, but the same function.
            self._enter((getattr(argument, "__module__", None), argument.__qualname__), argument, now)
        elif event == "return":
            # A call in C whose end was not reported ends with the function that contains it.
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
            if each.depth == 0:  # of a recursion, only the outermost call, which contains all others
                each.direct += 1
                each.ns += ns
        if self._stack:
            self._stack[-1][3] += ns
        return total.what

    def create_stats(self) -> None:
        """End profiling, and compute `stats`."""
        self.disable()
        self.stats = {}
        # A function that is created several times has one label.
        for total in self._totals.values():
            known = self.stats.get(make_label(total.what), (0, 0, 0.0, 0.0, {}))
            self.stats[make_label(total.what)] = (*add_counts(known[:4], total.counts), known[4])
        for (caller, callee), edge in self._edges.items():
            callers = self.stats[make_label(callee.what)][4]
            known_edge = callers.get(make_label(caller.what), (0, 0, 0.0, 0.0))
            callers[make_label(caller.what)] = add_counts(known_edge, edge.counts)


def add_counts(one: Counts, other: Counts) -> Counts:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


def make_label(what: Any) -> Label:
    """The label that cProfile would use."""
    if isinstance(what, CodeType):
        return what.co_filename, what.co_firstlineno, what.co_name
    module = getattr(what, "__module__", None)
    owner, _, method = what.__qualname__.rpartition(".")
    if owner:
        return "~", 0, f"<method {method!r} of {owner!r} objects>"
    return "~", 0, f"<built-in method {module}.{method}>" if module else f"<built-in method {method}>"


Profile: TypeAlias = cProfile.Profile | ThreadProfile


def create_profile() -> Profile:
    """A profile for one thread, not yet enabled."""
    return ThreadProfile() if hasattr(sys, "monitoring") else cProfile.Profile()


def build_statistics(profile: Profile, output: TextIO | None = None) -> Any:
    """The `pstats.Stats` of a profile that has ended, which print to `output`.

    Untyped, since the type stubs lack attributes that pstats documents.
    """
    return pstats.Stats(cast(Any, profile), stream=output)


def is_another_profiling() -> bool:
    """Does another profiler, such as the toolbar's, watch this thread, or all threads (from 3.12 on)?"""
    if sys.getprofile() is not None:
        return True
    monitoring = getattr(sys, "monitoring", None)
    return monitoring is not None and monitoring.get_tool(monitoring.PROFILER_ID) is not None
