"""The files of profiles, and the values by which one is asked for."""

from __future__ import annotations

import itertools
import json
import pstats
import stat
import threading
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from microblog.observing import Recorded
from microblog.profiling import profiles
from microblog.profiling.profiles import Profiled, find_refusal, sign_pattern
from microblog.profiling.thread_profile import build_statistics, create_profile

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
PROFILED = Profiled(
    began=NOW.isoformat(),
    request_id="0123456789abcdef",
    method="GET",
    path="/users/susan",
    status=200,
    context_name="Person",
    view_name="",
    seconds=0.0123,
    calls=4711,
    sql=(
        Recorded("SELECT 1", "()", 0.002, "microblog/db.py:1 in read"),
        Recorded("SELECT 2", "()", 0.003, ""),
    ),
)
SECRET = "a secret of the test"


@pytest.fixture
def stats():
    profile = create_profile()
    profile.enable()
    sorted([2, 1])
    profile.disable()
    return build_statistics(profile)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / "profiles"


def at(minutes, **more):
    return replace(PROFILED, began=(NOW + timedelta(minutes=minutes)).isoformat(), **more)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_profile_is_read_as_it_was_written(folder, stats):
    name = profiles.write(folder, PROFILED, stats, keep=5)
    assert name == "20261122T183000000000Z-12ms-GET-users_susan-0123456789abcdef"
    assert files(folder) == [f"{name}.json", f"{name}.prof"]
    assert profiles.list_names(folder) == [name]
    read = profiles.read(folder, name)
    assert read == PROFILED
    assert read.sql_seconds == pytest.approx(0.005)
    opened: Any = pstats.Stats(str(folder / f"{name}.prof"))
    assert opened.total_calls == stats.total_calls
    assert "<built-in method builtins.sorted>" in {
        each.name for each in profiles.read_functions(folder / f"{name}.prof")
    }


def test_nobody_else_may_read_them(folder, stats):
    profiles.write(folder, PROFILED, stats, keep=100)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_only_the_newest_are_kept_and_foreign_files_are_left_alone(folder, stats):
    folder.mkdir(parents=True)
    (folder / "notes.json").write_text("mine")
    left_behind = folder / f"{at(-1).name}.new"  # by a process that was killed
    left_behind.write_text("")
    names = [profiles.write(folder, at(minute), stats, keep=3) for minute in (3, 1, 2, 4)]
    assert profiles.list_names(folder) == [names[3], names[0], names[2]]
    assert (folder / "notes.json").read_text() == "mine"
    assert not left_behind.exists()
    assert len(files(folder)) == 7


def test_profiles_of_a_wrong_clock_push_none_out(folder, stats):
    wrong = [profiles.write(folder, at(minute + 50 * 365 * 1440), stats, keep=3) for minute in (1, 2, 3)]
    assert len(profiles.list_names(folder)) == 3
    names = [profiles.write(folder, at(minute), stats, keep=3) for minute in (1, 2)]
    assert profiles.list_names(folder) == [wrong[2], names[1], names[0]]


def test_several_may_write_and_remove_at_once(folder, stats):
    problems = []
    minutes = itertools.count()
    all_written = threading.Barrier(4, timeout=30)

    def write(number):
        try:
            for _ in range(10):
                profiles.write(folder, at(next(minutes), request_id=f"writer-{number}"), stats, keep=1000)
            all_written.wait()
            profiles.remove_oldest(folder, 20)
        except OSError as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(profiles.list_names(folder)) == 20
    assert len(files(folder)) == 40


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/", "root"),
        ("/../../etc/passwd", ".._.._etc_passwd"),
        ("/users/ü ", "users"),
        ("/a\n/b;c", "a_b_c"),
        ("/" + "x" * 500, "x" * 60),
    ],
)
def test_a_name_is_safe_whatever_the_path_is(path, part):
    name = replace(PROFILED, path=path, method="G/T").name
    assert profiles.NAME.fullmatch(name)
    assert name.split("-")[2:4] == ["G_T", part]


def test_nothing_is_left_of_what_could_not_be_written(folder, stats):
    (folder / f"{PROFILED.name}.json").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        profiles.write(folder, PROFILED, stats, keep=5)
    assert files(folder) == [f"{PROFILED.name}.json"]


def test_a_missing_or_broken_profile_is_none(folder, tmp_path):
    assert profiles.list_names(folder) == []
    assert profiles.read(folder, PROFILED.name) is None
    assert profiles.read(folder, "../../secret") is None
    assert profiles.read_functions(tmp_path / "none.prof") == []
    folder.mkdir(parents=True)
    strange = [
        json.dumps({**asdict(PROFILED), **values})
        for values in ({"began": "yesterday"}, {"seconds": "long"}, {"path": None}, {"calls": "many"})
    ]
    for text in ("", "[]", "{}", '{"sql": [{}]}', *strange):
        (folder / f"{PROFILED.name}.json").write_text(text)
        assert profiles.read(folder, PROFILED.name) is None
    broken = folder / "broken.prof"
    for content in (b"", b"nothing", b"i\x01\x00\x00\x00"):
        broken.write_bytes(content)
        assert profiles.read_functions(broken) == []


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("~", ""),
        (f"{profiles.OURS}/posts/queries.py", "microblog/posts/queries.py:7"),
        ("/srv/.venv/lib/python3.11/site-packages/jinja2/runtime.py", "jinja2/runtime.py:7"),
        ("/usr/lib/python3.13/json/decoder.py", "json/decoder.py:7"),
        ("<string>", "<string>:7"),
    ],
)
def test_a_location_is_short(path, location):
    assert profiles.format_location(path, 7) == location


# Values that are signed


def test_a_value_is_good_for_its_time_and_its_paths():
    with time_machine.travel(NOW, tick=False) as clock:
        value = sign_pattern(SECRET, "/users/*", int(NOW.timestamp()) + 60)
        assert find_refusal(SECRET, value, "/users/susan") is None
        assert find_refusal(SECRET, value, "/users/susan/followers") is None
        assert find_refusal(SECRET, value, "/") == "the value is for other paths"
        assert find_refusal("another secret", value, "/users/susan") == "the value is not one of this site"
        clock.shift(60)
        assert find_refusal(SECRET, value, "/users/susan") == "the value has expired"


@pytest.mark.parametrize("value", ["", ".", "..", "x", "9999999999.L3U.", "ä.ö.ü", "9999999999.*.\udcff"])
def test_a_value_that_was_not_signed_here_is_refused(value):
    assert find_refusal(SECRET, value, "/") == "the value is not one of this site"


def test_no_part_of_a_value_can_be_changed():
    value = sign_pattern(SECRET, "/ä*", 9_999_999_999)
    assert find_refusal(SECRET, value, "/ä") is None
    other = sign_pattern(SECRET, "/b*", 9_999_999_998)
    for part in range(3):
        mixed = value.split(".")
        mixed[part] = other.split(".")[part]
        assert find_refusal(SECRET, ".".join(mixed), "/ä") == "the value is not one of this site"
