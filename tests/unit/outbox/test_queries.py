"""The outbox: leasing entries, and what becomes of them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.ids import get_now
from microblog.outbox import queries as outbox
from microblog.outbox.models import Entry
from microblog.outbox.unique import ERROR_CHARACTERS

KIND = "letters"


@pytest.fixture
def entries(database):
    with database.write() as session:
        outbox.write(session, KIND, ["a", "b", "c"])
        outbox.write(session, "others", ["x"])


def lease(database, limit=10, **more):
    with database.write() as session:
        return outbox.lease(session, KIND, limit, **more)


@pytest.mark.usefixtures("entries")
def test_the_oldest_entries_of_a_kind_are_leased_once(database):
    assert [entry.key for entry in lease(database, 2)] == ["a", "b"]
    assert [entry.key for entry in lease(database, 2)] == ["c"]
    assert lease(database) == []
    with database.read() as session:
        assert not outbox.is_any_due(session, KIND)
        assert outbox.is_any_due(session, "others")


@pytest.mark.usefixtures("entries")
def test_an_entry_whose_lease_ended_may_be_leased_by_another_worker(database):
    first = lease(database, seconds=-1)
    second = lease(database)
    assert [(entry.id, entry.attempts) for entry in second] == [(entry.id, 2) for entry in first]
    with database.write() as session:
        assert outbox.find_still_leased(session, first) == set()
        assert outbox.find_still_leased(session, second) == {entry.id for entry in second}


@pytest.mark.usefixtures("entries")
def test_acknowledged_entries_are_deleted_and_their_ids_never_used_again(database):
    ids = [entry.id for entry in lease(database)]
    with database.write() as session:
        outbox.acknowledge(session, [])
        outbox.acknowledge(session, ids)
        outbox.delete_all(session, "others")
        assert session.scalar(sa.select(sa.func.count()).select_from(Entry)) == 0
        outbox.write(session, KIND, ["d"])
        outbox.write(session, KIND, [])
    (entry,) = lease(database)
    assert entry.id > max(ids)


@pytest.mark.usefixtures("entries")
def test_a_failed_entry_waits_until_it_is_retried(database):
    entries = lease(database)
    with database.write() as session:
        outbox.retry_later(session, KIND, [], "nothing")
        outbox.retry_later(session, KIND, entries, "e" * 1000, wait=outbox.Wait(longest_seconds=60))
        assert set(session.scalars(sa.select(sa.func.length(Entry.error)))) == {None, ERROR_CHARACTERS}
    assert lease(database) == []
    with database.write() as session:
        outbox.retry_now(session, KIND)
    assert len(lease(database)) == 3


def test_pauses_grow_up_to_the_longest():
    assert 0.25 <= outbox.compute_pause_seconds(1, 300) <= 0.5
    assert 4 <= outbox.compute_pause_seconds(5, 300) <= 8
    assert 150 <= outbox.compute_pause_seconds(5000, 300) <= 300


@pytest.mark.usefixtures("entries")
def test_a_dead_letter_blocks_no_others(database):
    first, *_ = lease(database, 1)
    with database.write() as session:
        outbox.make_dead_letters(session, {first.id: "wrong"})
    assert [entry.key for entry in lease(database)] == ["b", "c"]
    with database.write() as session:
        depth = outbox.measure_depth(session, KIND)
        assert (depth.waiting, depth.dead_letters) == (2, 1)
        assert outbox.find_waiting_keys(session, KIND, ["a", "b", "x"]) == {"b"}
        outbox.delete_dead_letters(session, KIND)
        assert outbox.measure_depth(session, KIND).dead_letters == 0


def test_the_lag_is_the_age_of_the_oldest_entry_that_waits(database):
    with database.write() as session:
        assert outbox.measure_depth(session, KIND) == outbox.Depth(0, 0, 0.0)
        outbox.write(session, KIND, ["a"])
        session.execute(sa.update(Entry).values(created=get_now() - 90_000))
        outbox.write(session, KIND, ["b"])
        assert 90 <= outbox.measure_depth(session, KIND).lag_seconds < 180


@pytest.mark.usefixtures("entries")
def test_entries_locked_by_another_worker_are_not_waited_for(database):
    if database.dialect != "postgresql":
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL: this is about PostgreSQL's locks.")
    with database.write() as session:
        session.execute(sa.update(Entry).values(next_at=2**60, attempts=1))
    with database.write() as other:
        other.execute(sa.update(Entry).where(Entry.key == "a").values(attempts=7))
        with database.write() as session:
            session.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
            outbox.retry_now(session, KIND)
    assert [entry.key for entry in lease(database)] == ["b", "c"]
