"""Ids whose order is the order of time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import time_machine
from hypothesis import example, given
from hypothesis import strategies as st

from microblog.ids import (
    EPOCH,
    LARGEST,
    Clock,
    get_first_id_at,
    get_present,
    get_timestamp,
    new_id,
    new_id_at,
    to_milliseconds,
)
from microblog.paging import parse_id
from tests.clock import ids_by

TIMESTAMPS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
MILLISECOND = timedelta(milliseconds=1)


def test_an_id_has_the_time_of_its_creation():
    with time_machine.travel(datetime(2026, 11, 22, 12, 30, 15, 123_000, tzinfo=UTC), tick=False):
        assert get_timestamp(Clock().tick()) == datetime(2026, 11, 22, 12, 30, 15, 123_000, tzinfo=UTC)


@given(TIMESTAMPS)
def test_the_timestamp_of_an_id_is_exact_to_the_millisecond(timestamp):
    whole = timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)
    assert get_timestamp(new_id_at(timestamp)) == whole
    assert get_timestamp(get_first_id_at(timestamp)) == whole


@given(st.integers(0, 2**42))
@example(1_078_625_331_860)
@example(1_001)
def test_no_millisecond_is_taken_for_the_one_before(number):
    timestamp = EPOCH + number * MILLISECOND
    assert to_milliseconds(timestamp) == number
    assert get_timestamp(new_id_at(timestamp)) == timestamp


@given(TIMESTAMPS, TIMESTAMPS)
def test_ids_of_timestamps_are_in_the_order_of_time(one, other):
    if to_milliseconds(one) < to_milliseconds(other):
        assert new_id_at(one) < get_first_id_at(other) <= new_id_at(other)


@given(TIMESTAMPS)
def test_an_id_fits_in_63_bits_and_stands_in_an_address(timestamp):
    post_id = new_id_at(timestamp)
    assert 0 <= post_id <= LARGEST
    assert parse_id(str(post_id)) == post_id


def test_a_later_id_is_larger_even_when_the_clock_stands_or_goes_back():
    with time_machine.travel(datetime(2100, 1, 1, tzinfo=UTC), tick=False) as clock:
        ticking = Clock()
        ids = [ticking.tick() for _ in range(1000)]
        clock.shift(-3600)
        ids += [ticking.tick() for _ in range(1000)]
    assert ids == sorted(set(ids))


def test_an_id_that_was_made_in_the_future_of_a_test_is_not_in_the_past_of_others():
    with ids_by():
        with time_machine.travel(datetime(2100, 1, 1, tzinfo=UTC), tick=False):
            future = new_id()
        assert get_present() > future
    assert get_present() < future


def test_threads_never_get_the_same_id():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: [new_id() for _ in range(2000)], range(8)))
    assert all(ids == sorted(ids) for ids in made)
    assert len({post_id for ids in made for post_id in ids}) == 8 * 2000


@given(st.text())
def test_only_a_number_as_we_write_it_is_an_id(text):
    number = parse_id(text)
    assert number is None or str(number) == text


@given(st.integers())
def test_a_number_is_an_id_when_it_fits(number):
    assert parse_id(str(number)) == (number if 0 <= number <= LARGEST else None)
