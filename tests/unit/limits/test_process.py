"""What GETs are counted by."""

from __future__ import annotations

import pytest
import time_machine

from microblog.background.deferred import DeferredWrites
from microblog.ids import get_now
from microblog.security.limits import queries
from microblog.security.limits.process import ROWS_IN_A_STATEMENT, ProcessCounts
from microblog.security.limits.rules import Count, Rate
from tests.competing import before_the_statement

NOW = 1_790_000_000_000
THREE = Count("per_account", "a" * 32, Rate(3, 30))
SITE = Count("site", "b" * 32, Rate(100, 100))


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW / 1000, tick=False) as traveller:
        yield traveller


class Process:
    """One of several that share the database."""

    def __init__(self, database, **options):
        self.deferred = DeferredWrites(database)
        self.counts = ProcessCounts(self.deferred, **options)

    def take(self, *counts: Count) -> bool:
        return not self.counts.take(counts, get_now())


@pytest.fixture
def process(database):
    return Process(database)


def test_so_many_pass_in_a_process_and_no_more(process):
    assert [process.take(THREE) for _ in range(5)] == [True, True, True, False, False]


def test_a_refused_one_learns_how_long_to_wait(process, frozen):
    for _ in range(3):
        process.take(THREE)
    assert process.counts.take([THREE, SITE], get_now()) == {THREE: 10_000}
    frozen.shift(9.5)
    assert process.counts.take([THREE], get_now()) == {THREE: 500}
    frozen.shift(0.5)
    assert process.take(THREE)


def test_what_one_count_refuses_is_not_counted_by_the_others(process, database):
    for _ in range(10):
        process.take(THREE, SITE)
    process.deferred.flush()
    with database.read() as session:
        assert queries.read_timestamps(session, [SITE]) == {SITE.key: NOW + 3_000}


def test_without_a_count_nothing_is_written(process):
    assert process.take()
    assert process.deferred.flush() == 0


def test_taking_sends_no_statement_and_writing_sends_one(process, count_statements):
    with count_statements() as statements:
        for _ in range(3):
            process.take(THREE, SITE)
    assert statements == []
    with count_statements() as statements:
        process.deferred.flush()
    assert about_limits(statements) == 1


def about_limits(statements):
    """All others are those of the search index, in any transaction that writes."""
    return sum("limit_counts" in statement for statement in statements)


def test_two_processes_agree_once_they_have_written(database):
    one, other = Process(database), Process(database)
    assert one.take(THREE)
    assert one.take(THREE)
    one.deferred.flush()
    assert other.take(THREE)  # it does not know yet
    other.deferred.flush()
    assert not other.take(THREE)
    assert one.take(THREE)  # nor does this one
    one.deferred.flush()
    assert not one.take(THREE)


def test_what_came_while_it_was_written_is_added_to_what_the_database_says(process, database):
    process.take(THREE)
    with database.write() as session:
        queries.add(session, [(THREE, 1)], NOW)

    with before_the_statement(database.engine, "INSERT INTO limit_counts", lambda: process.take(THREE)):
        process.deferred.flush()
    assert not process.take(THREE)


def test_a_restarted_process_remembers_once_it_has_written(database):
    before = Process(database)
    for _ in range(3):
        before.take(THREE)
    before.deferred.flush()
    after = Process(database)
    assert after.take(THREE)
    after.deferred.flush()
    assert not after.take(THREE)


def test_more_keys_than_a_statement_takes_are_written(process, database, count_statements):
    counts = [Count("per_address", f"{number:032}", Rate(3, 30)) for number in range(ROWS_IN_A_STATEMENT + 1)]
    for count in counts:
        process.take(count)
    with count_statements() as statements:
        process.deferred.flush()
    assert about_limits(statements) == 2
    with database.read() as session:
        assert len(queries.read_timestamps(session, counts)) == len(counts)


def test_it_holds_only_so_many_keys_and_forgets_those_that_are_over(database, frozen):
    process = Process(database, most_keys=2)
    keys = [Count("per_address", f"{number:032}", Rate(1, 10)) for number in range(4)]
    assert process.take(keys[0])
    assert process.take(keys[1])
    # There is no room for a third, which is not counted; those that are there still are.
    assert [process.take(keys[2]), process.take(keys[2]), process.take(keys[0])] == [True, True, False]
    process.deferred.flush()
    frozen.shift(10)
    assert [process.take(keys[3]), process.take(keys[3])] == [True, False]
