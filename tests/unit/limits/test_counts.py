"""What is counted in the database."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from microblog.security.limits import queries
from microblog.security.limits.models import LimitCount
from microblog.security.limits.rules import Count, Rate
from microblog.security.limits.tasks import ROWS_IN_A_ROUND, delete_expired_counts

NOW = 1_790_000_000_000
THREE = Count("per_account", "a" * 32, Rate(3, 30))  # one comes back after ten seconds
TWO = Count("site", "b" * 32, Rate(2, 30))


def rows(session):
    found = session.execute(sa.select(queries.kept))
    return {row.key: (row.timestamp, row.times, row.expires) for row in found}


def test_so_many_are_taken_and_no_more(session):
    taken = [queries.take(session, [THREE], NOW).get(THREE.key) for _ in range(5)]
    assert taken == [1, 2, 3, None, None]
    assert rows(session) == {THREE.key: (NOW + 30_000, 3, NOW + 30_000)}


def test_what_is_refused_changes_nothing_so_that_trying_on_does_not_prolong_it(session):
    for _ in range(3):
        queries.take(session, [THREE], NOW)
    before = rows(session)
    for second in range(10):
        assert queries.take(session, [THREE], NOW + second * 999) == {}
    assert rows(session) == before
    assert queries.take(session, [THREE], NOW + 10_000) == {THREE.key: 4}


def test_several_are_taken_by_one_statement_and_each_says_whether_it_had_room(session, count_statements):
    with count_statements() as statements:
        assert queries.take(session, [TWO, THREE], NOW) == {THREE.key: 1, TWO.key: 1}
    assert sum("limit_counts" in statement for statement in statements) == 1
    queries.take(session, [TWO], NOW)
    assert queries.take(session, [THREE, TWO], NOW) == {THREE.key: 2}


def test_when_all_have_come_back_nobody_is_said_to_have_tried_before(session):
    for _ in range(3):
        queries.take(session, [THREE], NOW)
    assert queries.take(session, [THREE], NOW + 29_999) == {THREE.key: 4}
    assert queries.take(session, [THREE], NOW + 29_999 + 30_000) == {THREE.key: 1}


def test_what_is_given_back_was_never_taken(session):
    queries.take(session, [THREE, TWO], NOW)
    before = rows(session)
    queries.take(session, [THREE, TWO], NOW)
    queries.give_back(session, [THREE, TWO], [])
    assert rows(session) == before
    queries.give_back(session, [THREE, TWO], [])
    assert rows(session) == {THREE.key: (0, 0, 0), TWO.key: (0, 0, 0)}
    assert queries.take(session, [THREE], NOW) == {THREE.key: 1}


def test_what_is_forgotten_begins_anew(session):
    for _ in range(3):
        queries.take(session, [THREE, TWO], NOW)
    queries.give_back(session, [THREE, TWO], [THREE.key])
    assert queries.take(session, [THREE, TWO], NOW) == {THREE.key: 1, TWO.key: 2}


def test_what_was_counted_elsewhere_is_added_whether_or_not_there_is_room(session):
    assert queries.add(session, [(THREE, 2), (TWO, 1)], NOW) == {
        THREE.key: NOW + 20_000,
        TWO.key: NOW + 15_000,
    }
    assert queries.add(session, [(THREE, 2)], NOW) == {THREE.key: NOW + 40_000}
    assert rows(session)[THREE.key] == (NOW + 40_000, 4, NOW + 40_000)
    assert queries.take(session, [THREE], NOW + 19_999) == {}
    assert queries.take(session, [THREE], NOW + 20_000) == {THREE.key: 5}


def test_timestamps_are_read_of_those_that_are_there(session):
    queries.take(session, [THREE], NOW)
    assert queries.read_timestamps(session, [THREE, TWO]) == {THREE.key: NOW + 10_000}


def test_of_many_at_the_same_moment_no_more_pass_than_one_after_another(database):
    start = threading.Barrier(12)
    passed: list[int] = []

    def take() -> None:
        start.wait()
        for _ in range(2):
            with database.write() as session:
                passed.append(queries.take(session, [TWO, THREE], NOW).get(THREE.key, 0))

    threads = [threading.Thread(target=take) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(times for times in passed if times) == [1, 2, 3]
    assert len(passed) == 24


def test_giving_back_and_taking_at_the_same_moment_do_not_wait_for_each_other_in_a_circle(database):
    many = [Count("site", f"{number:032}", Rate(1_000, 60)) for number in range(4)]
    start = threading.Barrier(6)
    failures: list[Exception] = []

    def take_and_give_back(counts: list[Count]) -> None:
        start.wait()
        try:
            for _ in range(15):
                with database.write() as session:
                    queries.take(session, counts, NOW)
                with database.write() as session:
                    queries.give_back(session, counts, [])
        except Exception as error:
            failures.append(error)

    threads = [
        threading.Thread(target=take_and_give_back, args=(many[::direction],)) for direction in (1, -1) * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.read() as session:
        assert set(session.scalars(sa.select(LimitCount.times))) == {0}


# What is over


def fill(database, number: int, expires: int) -> None:
    with database.write() as session:
        session.execute(
            sa.insert(LimitCount),
            [
                {"key": f"{n:032}", "timestamp": 0, "times": 1, "counted": 0, "expires": expires}
                for n in range(number)
            ],
        )


def number_of_rows(database) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(LimitCount))


def test_the_worker_deletes_what_has_expired_in_steps(application, database):
    fill(database, ROWS_IN_A_ROUND + 1, NOW - 10**12)
    assert delete_expired_counts(application.registry) is True
    assert number_of_rows(database) == 1
    assert delete_expired_counts(application.registry) is False
    assert number_of_rows(database) == 0


@pytest.mark.usefixtures("application")
def test_no_more_are_deleted_than_asked_for_whatever_postgresql_believes_of_the_table(database):
    if database.dialect == "sqlite":
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL: SQLite has no such statistics.")
    with database.write() as session:
        session.execute(
            sa.insert(LimitCount),
            [{"key": f"{n:032}", "timestamp": 0, "times": 1, "counted": 0, "expires": 1} for n in range(300)],
        )
        # To whoever looks from outside, the table is empty still: so it was when autovacuum came by.
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE limit_counts")
            connection.commit()
    with database.write() as session:
        assert queries.delete_expired(session, NOW, 200) == 200
    assert number_of_rows(database) == 100


def test_a_query_that_locks_is_refused_where_postgresql_may_run_it_again(database):
    if database.dialect == "sqlite":
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL: SQLite has no row locks.")
    locked = sa.select(LimitCount.key).limit(1).with_for_update(skip_locked=True)
    with database.write() as session, pytest.raises(AssertionError, match="select_once"):
        session.execute(sa.delete(LimitCount).where(LimitCount.key.in_(locked)))


def test_the_worker_leaves_what_still_counts(application, database):
    fill(database, 3, NOW + 10**12)
    application.registry.worker.round()
    assert number_of_rows(database) == 3


@pytest.mark.usefixtures("application")
def test_the_worker_does_not_wait_for_a_row_that_is_counted_just_now(application, database):
    if database.dialect == "sqlite":
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time.")
    fill(database, 2, NOW - 10**12)
    with database.write() as session:
        queries.take(session, [Count("site", f"{0:032}", Rate(1, 60))], NOW)
        assert delete_expired_counts(application.registry) is False
        assert number_of_rows(database) == 1
