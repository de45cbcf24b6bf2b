"""The profile of one thread: it counts as cProfile does, and sees nothing of other threads."""

from __future__ import annotations

import cProfile
import gc
import re
import sys
import threading
from typing import Any

import pytest

from microblog.profiling.thread_profile import (
    ThreadProfile,
    build_statistics,
    create_profile,
    is_another_profiling,
)

NOT_OURS = ("disable", "setprofile", "enable")  # what ends the measuring is part of it


def numbers(most):
    yield from range(most)


def factorial(number):
    return 1 if number < 2 else number * factorial(number - 1)


def failing():
    raise KeyError("a")


def work():
    for _ in range(10):
        assert len(list(numbers(3))) == 3
        assert factorial(5) == 120
        assert sorted([3, 1], key=lambda number: -number) == [3, 1]
        with pytest.raises(KeyError):
            failing()
        "-".join(["a"])


def calls_of(profile):
    """(calls that were not recursive, calls), by name."""
    stats = build_statistics(profile).stats
    return {
        label[1:]: counts[:2]
        for label, counts in stats.items()
        if not any(name in label[2] for name in NOT_OURS)
    }


def profiled(profile, function=work):
    gc.collect()
    gc.disable()  # what a collection finds in the middle calls more
    profile.enable()
    function()
    profile.disable()
    gc.enable()
    return profile


def test_a_thread_profile_counts_what_cprofile_counts():
    work()  # what is imported by it at first
    assert calls_of(profiled(ThreadProfile())) == calls_of(profiled(cProfile.Profile()))


def test_a_recursion_is_counted_once_with_what_it_called():
    stats = build_statistics(profiled(ThreadProfile(), lambda: factorial(5))).stats
    (direct, calls, own, seconds, callers), *_ = [
        counts for label, counts in stats.items() if label[2] == "factorial"
    ]
    assert (direct, calls) == (1, 5)
    assert 0 < own <= seconds < 1
    assert {label[2]: counts[:2] for label, counts in callers.items()} == {
        "<lambda>": (1, 1),
        "factorial": (1, 4),
    }


def test_the_times_of_all_functions_are_those_of_the_outermost():
    stats = build_statistics(profiled(ThreadProfile())).stats
    (outermost,) = [counts[3] for label, counts in stats.items() if label[2] == "work"]
    total = sum(counts[2] for label, counts in stats.items() if not label[2].startswith(NOT_OURS))
    assert total == pytest.approx(outermost, rel=0.2)


def made_again(file):
    namespace: dict[str, Any] = {}
    exec(compile("def made():\n    return sum([1, 2])", file, "exec"), namespace)
    return namespace["made"]


def test_functions_are_distinguished_by_their_file_and_counted_together_by_their_label():
    one, again, other = made_again("one.py"), made_again("one.py"), made_again("other.py")
    assert one.__code__ == other.__code__  # although not of one file
    stats = build_statistics(profiled(ThreadProfile(), lambda: [one(), again(), other(), again()])).stats
    assert stats[("one.py", 1, "made")][:2] == (3, 3)
    assert stats[("other.py", 1, "made")][:2] == (1, 1)
    assert stats[("~", 0, "<built-in method builtins.sum>")][4][("one.py", 1, "made")][:2] == (3, 3)


def test_unmatched_calls_and_returns_do_no_harm():
    """Calls the handler with events as Python would; nothing is traced meanwhile."""
    profile = ThreadProfile()
    frame = sys._getframe()
    events = [
        ("c_return", len),
        ("return", None),  # neither had begun
        ("call", None),
        ("call", None),
        ("return", None),
        *[("c_call", repr), ("c_return", repr)] * 2,
        ("c_call", len),
        ("c_call", len),
        ("c_return", len),
        ("c_call", sorted),  # its end is not reported, nor that of the first one
        ("return", None),
        ("c_call", len),  # ends with the profile
    ]
    for event, argument in events:
        profile._handle_event(frame, event, argument)
    counts = {name: counts for (_, name), counts in calls_of(profile).items()}
    assert counts == {
        frame.f_code.co_name: (1, 2),
        "<built-in method builtins.repr>": (2, 2),
        "<built-in method builtins.len>": (2, 3),
        "<built-in method builtins.sorted>": (1, 1),
    }


@pytest.mark.parametrize("make", [ThreadProfile, create_profile])
def test_four_at_once_see_only_their_own_thread(make):
    meet = threading.Barrier(4, timeout=30)
    found = {}

    def measure(name):
        namespace: dict[str, Any] = {}
        # A function of its own, by name, for each thread.
        exec(f"def own_{name}():\n    return sum(range(50))", namespace)
        own = namespace[f"own_{name}"]
        profile = make()
        profile.enable()
        meet.wait()
        for _ in range(200):
            own()
        meet.wait()
        profile.disable()
        found[name] = build_statistics(profile).stats

    threads = [threading.Thread(target=measure, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, stats in found.items():
        own = {label[2]: counts[1] for label, counts in stats.items() if re.match("own_", label[2])}
        assert own == {f"own_{name}": 200}


def test_another_profiler_is_noticed():
    assert not is_another_profiling()
    other = cProfile.Profile()
    other.enable()
    try:
        assert is_another_profiling()
    finally:
        other.disable()
    sys.setprofile(lambda *event: None)
    try:
        assert is_another_profiling()
    finally:
        sys.setprofile(None)
    assert not is_another_profiling()
