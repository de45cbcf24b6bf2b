"""A profile of one thread and nothing else, on every Python.

cProfile of Python 3.12 and later watches all threads of the process at once: the functions of
concurrent requests are in each other's profiles, and a second one fails (docs/adr). There `ThreadProfile`
takes its place; before, cProfile is of one thread, and faster.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from types import CodeType, FrameType
from typing import Any, TextIO, TypeAlias, cast

Key: TypeAlias = CodeType | tuple[str | None, str]
"""What was called: Python code, or the module and name of a function in C."""
Label: TypeAlias = tuple[str, int, str]
"""File, line and name, as pstats knows them."""
Counts: TypeAlias = tuple[int, int, float, float]
"""Calls that were not recursive, all calls, seconds of its own, seconds with what it called."""

clock = time.perf_counter_ns


class Total:
    """What is known of a function, or of a function as called by one other."""

    __slots__ = ("calls", "depth", "direct", "ns", "own_ns")

    def __init__(self) -> None:
        self.calls = 0
        self.direct = 0  # calls while it was not running already
        self.own_ns = 0
        self.ns = 0
        self.depth = 0

    def enter(self) -> None:
        self.depth += 1

    def leave(self, ns: int, own_ns: int) -> None:
        self.calls += 1
        self.own_ns += own_ns
        self.depth -= 1
        if self.depth == 0:  # of a recursion the outermost call holds all others
            self.direct += 1
            self.ns += ns

    def counts(self) -> Counts:
        return self.direct, self.calls, self.own_ns / 1e9, self.ns / 1e9


class Call:
    """A call that has not returned."""

    __slots__ = ("began_ns", "edge", "inner_ns", "key", "total")

    def __init__(self, key: Key, total: Total, edge: Total, began_ns: int) -> None:
        self.key = key
        self.total = total
        self.edge = edge
        self.began_ns = began_ns
        self.inner_ns = 0  # in what it called


class ThreadProfile:
    """Counts and times what this thread calls, with the methods of `cProfile.Profile` that pstats needs.

    `stats`, after `create_stats()`, is what it reads. The time that counting takes is left out.
    """

    def __init__(self) -> None:
        self.stats: dict[Label, tuple[int, int, float, float, dict[Label, Counts]]] = {}
        self._totals: dict[Key, Total] = {}
        self._edges: dict[tuple[Key | None, Key], Total] = {}
        self._stack: list[Call] = []
        self._lost_ns = 0

    def enable(self) -> None:
        """Begin, in this thread."""
        sys.setprofile(self._event)

    def disable(self) -> None:
        """End, in the same thread."""
        sys.setprofile(None)
        while self._stack:
            self._leave(clock() - self._lost_ns)

    def _event(self, frame: FrameType, event: str, argument: Any) -> None:
        began = clock()
        now = began - self._lost_ns
        if event == "call":
            self._enter(frame.f_code, now)
        elif event == "c_call":
            self._enter((getattr(argument, "__module__", None), argument.__qualname__), now)
        elif event == "return":
            # A call in C whose end was not told ends with the function that it is in.
            while self._stack and self._leave(now) is not frame.f_code:
                pass
        elif self._stack:  # c_return, c_exception
            self._leave(now)
        self._lost_ns += clock() - began

    def _enter(self, key: Key, now: int) -> None:
        total = self._totals.get(key)
        if total is None:
            total = self._totals[key] = Total()
        total.enter()
        edge_key = (self._stack[-1].key if self._stack else None, key)
        edge = self._edges.get(edge_key)
        if edge is None:
            edge = self._edges[edge_key] = Total()
        edge.enter()
        self._stack.append(Call(key, total, edge, now))

    def _leave(self, now: int) -> Key:
        call = self._stack.pop()
        ns = now - call.began_ns
        call.total.leave(ns, ns - call.inner_ns)
        call.edge.leave(ns, ns - call.inner_ns)
        if self._stack:
            self._stack[-1].inner_ns += ns
        return call.key

    def create_stats(self) -> None:
        """End, and make `stats`."""
        self.disable()
        self.stats = {label(key): (*total.counts(), {}) for key, total in self._totals.items()}
        for (caller, callee), edge in self._edges.items():
            if caller is not None:
                self.stats[label(callee)][4][label(caller)] = edge.counts()


def label(key: Key) -> Label:
    """As cProfile names it."""
    if isinstance(key, CodeType):
        return key.co_filename, key.co_firstlineno, key.co_name
    module, name = key
    owner, _, method = name.rpartition(".")
    if owner:
        return "~", 0, f"<method {method!r} of {owner!r} objects>"
    return "~", 0, f"<built-in method {module}.{name}>" if module else f"<built-in method {name}>"


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
