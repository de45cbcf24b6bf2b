"""How often something may be done, as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog.security.limits.rules import UNITS, Count, Rate, parse_rate, try_again


@pytest.mark.parametrize(
    ("text", "rate", "shown"),
    [
        ("10 per 15 minutes", Rate(10, 900), "10 per 15 minutes"),
        ("5 per hour", Rate(5, 3600), "5 per hour"),
        ("5 per 60 minutes", Rate(5, 3600), "5 per hour"),
        ("  1000  PER   Second ", Rate(1000, 1), "1000 per second"),
        ("100 per 90 seconds", Rate(100, 90), "100 per 90 seconds"),
        ("3 per 2 days", Rate(3, 172_800), "3 per 2 days"),
        ("0", Rate(0), "0"),
        ("0 per hour", Rate(0), "0"),
    ],
)
def test_a_rate_is_a_number_and_a_time(text, rate, shown):
    assert parse_rate(text) == rate
    assert str(rate) == shown


@pytest.mark.parametrize(
    "text", ["", "10", "10 per", "10 per fortnight", "-1 per hour", "1.5 per hour", "1 per 0 hours", "many"]
)
def test_what_is_no_rate_is_refused_with_what_it_must_be(text):
    with pytest.raises(ValueError, match="such as 10 per 15 minutes, or 0 for no limit"):
        parse_rate(text)


def test_a_rate_of_more_than_one_a_millisecond_is_refused():
    assert parse_rate("1000 per second").interval == 1
    with pytest.raises(ValueError, match="must be a number and a time"):
        parse_rate("1001 per second")


rates = st.builds(Rate, st.integers(1, 1000), st.integers(1, 10 * UNITS["day"]))


@settings(deadline=None)
@given(rates)
def test_a_rate_is_read_as_it_is_shown(rate):
    assert parse_rate(str(rate)) == rate


@settings(deadline=None)
@given(rates, st.integers(0, 10**13))
def test_exactly_so_many_are_allowed_at_once_and_one_more_after_an_interval(rate, now):
    count = Count("site", "key", rate)
    timestamp = 0
    for _ in range(rate.amount):
        assert count.get_wait(timestamp, now) == 0
        timestamp = max(timestamp, now) + rate.interval
    assert count.get_wait(timestamp, now) == rate.interval
    assert count.get_wait(timestamp, now + rate.interval - 1) == 1
    assert count.get_wait(timestamp, now + rate.interval) == 0


@settings(deadline=None)
@given(rates, st.lists(st.integers(0, 5_000), max_size=60))
def test_in_no_stretch_of_time_are_there_more_than_the_amount_and_what_came_back_meanwhile(rate, pauses):
    count, now, timestamp, allowed = Count("site", "key", rate), 10**12, 0, []
    for pause in pauses:
        now += pause
        if count.get_wait(timestamp, now) == 0:
            timestamp = max(timestamp, now) + rate.interval
            allowed.append(now)
    for first, begin in enumerate(allowed):
        for last, end in enumerate(allowed[first:], first):
            assert last - first + 1 <= rate.amount + (end - begin) / rate.interval


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "in 1 second"),
        (90, "in 90 seconds"),
        (91, "in 2 minutes"),
        (120, "in 2 minutes"),
        (121, "in 3 minutes"),
        (5_400, "in 90 minutes"),
        (5_401, "in 2 hours"),
        (86_400, "in 24 hours"),
    ],
)
def test_when_to_try_again_is_said_in_words_and_never_too_early(seconds, words):
    assert try_again(seconds) == f"Try again {words}."
