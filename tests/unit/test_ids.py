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
    first_id_at,
    get_first_id,
    get_timestamp,
    milliseconds,
    new_id,
)
from microblog.paging import parse_id

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
MILLISECOND = timedelta(milliseconds=1)


def test_an_id_tells_when_it_was_made():
    with time_machine.travel(datetime(2026, 11, 22, 12, 30, 15, 123_000, tzinfo=UTC), tick=False):
        assert get_timestamp(Clock().tick()) == datetime(2026, 11, 22, 12, 30, 15, 123_000, tzinfo=UTC)


@given(MOMENTS)
def test_the_moment_of_an_id_is_the_moment_to_the_millisecond(moment):
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert get_timestamp(get_first_id(moment)) == whole
    assert get_timestamp(first_id_at(moment)) == whole


@given(st.integers(0, 2**42))
@example(1_078_625_331_860)
@example(1_001)
def test_no_millisecond_is_taken_for_the_one_before(number):
    moment = EPOCH + number * MILLISECOND
    assert milliseconds(moment) == number
    assert get_timestamp(get_first_id(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_ids_of_moments_are_in_the_order_of_the_moments(one, other):
    if milliseconds(one) < milliseconds(other):
        assert get_first_id(one) < first_id_at(other) <= get_first_id(other)


@given(MOMENTS)
def test_an_id_fits_in_63_bits_and_stands_in_an_address(moment):
    post_id = get_first_id(moment)
    assert 0 <= post_id <= LARGEST
    assert parse_id(str(post_id)) == post_id


def test_a_later_id_is_larger_even_when_the_clock_stands_or_goes_back():
    with time_machine.travel(datetime(2100, 1, 1, tzinfo=UTC), tick=False) as clock:
        ticking = Clock()
        ids = [ticking.tick() for _ in range(1000)]
        clock.shift(-3600)
        ids += [ticking.tick() for _ in range(1000)]
    assert ids == sorted(set(ids))


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
