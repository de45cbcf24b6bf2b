"""An entry can be the only one about its key while it waits, whoever writes at the same time."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa

from microblog.ids import get_now
from microblog.outbox import inspection, queries
from tests.functional.outbox.conftest import KIND


def join(one, other):
    return [*one, *other]


def test_a_unique_entry_waits_once_and_brings_what_was_written_last(hire):
    postman = hire()
    due = get_now() - 1
    postman.write_unique("susan", 1, due_at=due)
    postman.write_unique("susan", 2, due_at=get_now() + 1_000_000)
    postman.write_unique("john", 3)
    assert postman.keys == ["susan", "john"]
    assert [postman.work(), postman.work()] == [1, 1], "it stays due when it was"
    assert postman.delivered == [("susan", 2), ("john", 3)]


def test_a_new_payload_is_folded_with_the_waiting_one(hire):
    postman = hire(fold=join)
    for number in range(3):
        postman.write_unique("susan", [number], fold=join)
    assert postman.work() == 1
    assert postman.delivered == [("susan", [0, 1, 2])]


def test_a_payload_written_during_a_delivery_is_delivered_too(hire):
    postman = hire(fold=join)
    postman.write_unique("susan", [1], fold=join)
    postman.meanwhile = lambda: postman.write_unique("susan", [2], fold=join)
    postman.work()
    postman.meanwhile = lambda: None
    assert postman.work() == 1
    assert postman.delivered == [("susan", [1]), ("susan", [2])]


@pytest.mark.parametrize(("fold", "delivered"), [(join, [1, 2]), (None, [2])])
def test_a_failed_delivery_is_merged_into_the_entry_written_meanwhile(hire, fold, delivered):
    postman = hire(fold=fold)
    postman.away = {"susan"}
    postman.write_unique("susan", [1], fold=fold)
    postman.meanwhile = lambda: postman.write_unique("susan", [2], fold=fold)
    postman.work()
    postman.meanwhile, postman.away = lambda: None, set()
    assert postman.keys == ["susan"]
    assert postman.work() == 0, "it waits for its next attempt"
    postman.change(next_at=0)
    assert postman.work() == 1
    assert postman.delivered == [("susan", delivered)]


def test_a_failed_delivery_waits_again_as_the_only_one(hire):
    postman = hire()
    postman.away = {"susan"}
    postman.write_unique("susan", 1)
    postman.work()
    postman.write_unique("susan", 2)
    postman.away = set()
    postman.change(next_at=0)
    assert postman.work() == 1
    assert postman.delivered == [("susan", 2)]


def test_after_a_dead_letter_a_new_one_may_wait(hire, caplog):
    postman = hire()
    for _ in range(2):
        postman.write_unique("bad")
        postman.work()
    assert postman.depth == (0, 2)
    postman.write_unique("bad")
    with postman.database.write() as session:
        assert inspection.retry(session, kind=KIND) == 1, "the one that waits; the others are older"
    assert postman.depth == (1, 2)
    caplog.clear()


def test_of_two_dead_letters_about_one_key_the_newest_is_retried(hire, caplog):
    postman = hire()
    for number in range(2):
        postman.write_unique("bad", number)
        postman.work()
    with postman.database.write() as session:
        assert inspection.retry(session, kind=KIND) == 1
    with postman.database.read() as session:
        assert [entry.payload for entry in inspection.list_entries(session, KIND, 9)] == ["0", "1"]
    assert postman.depth == (1, 1)
    caplog.clear()


def test_many_writers_at_once_leave_one_entry_with_all_they_wrote(hire):
    postman = hire()

    def write(number):
        postman.write_unique("susan", [number], fold=join)

    threads = [threading.Thread(target=write, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert postman.keys == ["susan"]
    postman.work()
    ((_, payload),) = postman.delivered
    assert sorted(payload) == list(range(12))


def wait_for_somebody_who_waits(database):
    """Until a transaction of PostgreSQL waits for another one."""
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with database.read() as session:
            if session.scalar(waiting):
                return
    raise AssertionError("Nobody waited.")


@pytest.mark.parametrize("deed", ["write", "put back"])
def test_a_writer_who_finds_an_uncommitted_entry_is_folded_into_it(hire, deed):
    postman = hire(fold=join)
    if postman.database.dialect != "postgresql":
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time.")
    if deed == "put back":
        postman.write_unique("susan", [1])
        postman.away = {"susan"}

    def do():
        if deed == "write":
            postman.write_unique("susan", [1], fold=join)
        else:
            postman.work()

    thread = threading.Thread(target=do)
    with postman.database.write() as session:
        if deed == "put back":
            is_leased = threading.Event()
            may_fail = threading.Event()

            def meanwhile():
                is_leased.set()
                may_fail.wait(30)

            postman.meanwhile = meanwhile
            thread.start()
            is_leased.wait(30)
        queries.write_unique(session, KIND, "susan", payload=[2], fold=join)
        if deed == "put back":
            may_fail.set()
        else:
            thread.start()
        wait_for_somebody_who_waits(postman.database)
    thread.join()
    assert postman.keys == ["susan"]
    postman.meanwhile, postman.away = lambda: None, set()
    postman.change(next_at=0)
    postman.work()
    ((_, payload),) = postman.delivered
    assert sorted(payload) == [1, 2]


@pytest.mark.parametrize(("fold", "payload"), [(join, [1, 2]), (None, [2])])
@pytest.mark.parametrize("first", [0, 1])
def test_of_two_failed_deliveries_the_newer_payload_stays_in_either_order(hire, fold, payload, first):
    postman = hire(fold=fold)
    leased = []
    for number in (1, 2):
        postman.write_unique("susan", [number], fold=fold)
        with postman.database.write() as session:
            leased += queries.lease(session, KIND, 1)
    for entry in (leased[first], leased[1 - first]):
        with postman.database.write() as session:
            queries.retry_later(session, KIND, [entry], "Nobody opened.", fold=fold)
    postman.change(next_at=0)
    assert postman.work() == 1
    assert postman.delivered == [("susan", payload)]
    assert postman.depth == (0, 0)


@pytest.mark.parametrize("fold", [join, None])
def test_a_payload_written_during_a_failing_delivery_shortens_no_wait_and_hides_no_lag(hire, fold):
    postman = hire(fold=fold)
    postman.away, postman.retry_after = {"susan"}, 3600.0
    postman.write_unique("susan", [0], fold=fold)
    postman.change(created=get_now() - 90_000)
    postman.meanwhile = lambda: postman.write_unique("susan", [1], fold=fold)
    for _ in range(10):
        postman.work()
    assert postman.calls == [["susan"]]
    with postman.database.read() as session:
        assert queries.measure_depth(session, KIND).lag_seconds >= 90
        (entry,) = inspection.list_entries(session, KIND, 9)
    assert (entry.attempts, entry.error) == (1, "Nobody opened.")
    assert 3500 <= (entry.next_at - get_now()) / 1000 <= 3600


def test_two_that_failed_wait_for_as_long_as_the_longer_wait(hire):
    postman = hire()
    leased = []
    for number in (1, 2):
        postman.write_unique("susan", number)
        with postman.database.write() as session:
            leased += queries.lease(session, KIND, 1)
    for entry, seconds in zip(leased, (3600.0, 0.0), strict=True):
        with postman.database.write() as session:
            queries.retry_later(
                session, KIND, [entry], "Nobody opened.", wait=queries.Wait(at_least_seconds=seconds)
            )
    assert postman.work() == 0
    with postman.database.read() as session:
        (left,) = inspection.list_entries(session, KIND, 9)
    assert left.next_at > get_now() + 3_500_000


@pytest.mark.parametrize("fold", [join, None])
def test_a_waiting_payload_that_is_not_json_stops_no_writer_about_its_key(hire, fold):
    postman = hire(fold=fold)
    postman.write_unique("susan", [1], fold=fold)
    postman.change(payload="{broken")
    postman.write_unique("susan", [2], fold=fold)
    assert postman.depth == (1, 1)
    assert postman.work() == 1
    assert postman.delivered == [("susan", [2])]


@pytest.mark.parametrize("fold", [join, None])
@pytest.mark.parametrize("acts", [(1, 3, 2), (3, 1, 2), (2, 1, 3), (1, "write", 2), (2, "write", 1)])
def test_the_last_payload_stays_last_in_any_order_of_failures(hire, fold, acts):
    postman = hire(fold=fold)
    leased = {}
    for number in sorted(act for act in acts if act != "write"):
        postman.write_unique("susan", [number], fold=fold)
        with postman.database.write() as session:
            (leased[number],) = queries.lease(session, KIND, 1)
    for act in acts:
        if act == "write":
            postman.write_unique("susan", [3], fold=fold)
            continue
        with postman.database.write() as session:
            queries.retry_later(session, KIND, [leased[act]], "Nobody opened.", fold=fold)
    postman.change(next_at=0)
    assert postman.work() == 1
    ((_, payload),) = postman.delivered
    assert payload[-1] == 3
    assert sorted(payload) == ([1, 2, 3] if fold else [3])
