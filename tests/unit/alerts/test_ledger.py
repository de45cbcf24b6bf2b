"""The file by which processes know which alerts were sent: nothing that happens to it breaks anything."""

from __future__ import annotations

import fcntl
import json
import stat

import pytest

from microblog.alerts.ledger import LONGEST_FILE, MOST_GROUPS, Group, Ledger


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "alerts.json"


@pytest.fixture
def open_ledger(path):
    return lambda: Ledger(path, seconds_to_wait=0)


def remember(ledger, key, **values):
    with ledger.change_groups() as groups:
        groups[key] = Group("subject", 1.0, **values)


def known(ledger):
    with ledger.change_groups() as groups:
        return set(groups)


def test_alerts_of_one_process_are_known_to_the_other(open_ledger, path):
    remember(open_ledger(), "a", count=2, first=1.0, last=2.0)
    with open_ledger().change_groups() as groups:
        assert groups == {"a": Group("subject", 1.0, 2, 1.0, 2.0)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_file_it_is_in_memory():
    ledger = Ledger(None)
    remember(ledger, "a")
    assert known(ledger) == {"a"}
    assert known(Ledger(None)) == set()


VALID = {"subject": "x", "sent": 1, "count": 1, "first": 1, "last": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '"x"',
        "\xff\x00",
        '{"groups": []}',
        '{"groups": {"a": 1}}',
        '{"groups": {"a": {}}}',
        json.dumps({"groups": {"a": {**VALID, "sent": float("nan")}}}),
        json.dumps({"groups": {"a": {**VALID, "count": float("inf")}}}),
        json.dumps({"groups": {"a": {**VALID, "last": "yesterday"}}}),
        json.dumps({"groups": {"a": {**VALID, "sent": 1e12}}}),
        json.dumps({"groups": {"a": {**VALID, "last": 1e18}}}),
        json.dumps({"groups": {"a": {**VALID, "count": -1}}}),
        json.dumps({"groups": {"a": {**VALID, "more": 1}}}),
        json.dumps({"groups": {"a": VALID}}) + " " * LONGEST_FILE,
    ],
)
def test_a_broken_file_begins_anew(open_ledger, path, text, caplog):
    path.parent.mkdir()
    path.write_text(text, encoding="latin-1")
    remember(open_ledger(), "b")
    assert known(open_ledger()) <= {"a", "b"}
    assert "b" in known(open_ledger())
    assert "is broken; it is replaced" in caplog.text or len(text) > LONGEST_FILE


def test_a_ledger_that_cannot_be_written_is_only_not_shared(tmp_path, caplog):
    (tmp_path / "file").touch()
    ledger = Ledger(tmp_path / "file" / "alerts.json")
    remember(ledger, "a")
    remember(ledger, "b")
    assert known(ledger) == {"a", "b"}
    assert caplog.text.count("cannot be used") == 1
    assert "until it can, this process sends alerts of its own" in caplog.text


def test_groups_that_could_not_be_written_are_kept_and_written_later(open_ledger, path, caplog):
    first = open_ledger()
    remember(first, "a")
    unfinished = path.with_name("alerts.json.tmp")
    unfinished.mkdir()  # in the way of the file that is written
    remember(first, "b")
    assert known(first) == {"a", "b"}
    unfinished.rmdir()
    remember(first, "c")
    assert known(open_ledger()) == {"a", "b", "c"}
    assert caplog.text.count("cannot be used") == 1


def test_a_lock_that_somebody_keeps_is_not_waited_for_forever(open_ledger, path, caplog):
    remember(open_ledger(), "a")
    ledger = Ledger(path, seconds_to_wait=0.05)
    with path.with_name("alerts.json.lock").open("r+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        remember(ledger, "b")
        assert "cannot be used (Resource temporarily unavailable)" in caplog.text
    remember(ledger, "c")
    assert known(open_ledger()) == {"a", "b", "c"}


def test_there_are_never_too_many_groups(open_ledger):
    with open_ledger().change_groups() as groups:
        for number in range(MOST_GROUPS + 10):
            groups[f"reported {number}"] = Group("subject", float(number))
        groups["unreported"] = Group("subject", -1.0, 1)
    left = known(open_ledger())
    assert len(left) == MOST_GROUPS
    assert "unreported" in left
    assert "reported 10" not in left
    assert f"reported {MOST_GROUPS + 9}" in left
