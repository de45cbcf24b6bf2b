"""What templates know: times, numbers, and one address for a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from microblog.web.pages import compute_static_digest, count, day, when
from microblog.web.template_globals import add_globals

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "Nov 15, 2026"),
        (timedelta(days=1000), "Feb 26, 2024"),
        (timedelta(seconds=-30), "just now"),  # another server's clock is ahead
    ],
)
def test_a_time_is_shown_as_a_person_would_say_it(ago, words):
    with time_machine.travel(NOON, tick=False):
        element = when(NOON - ago)
    assert element.striptags() == words


def test_the_title_of_a_time_is_the_exact_timestamp():
    with time_machine.travel(NOON, tick=False):
        element = when(NOON)
    assert element == (
        '<time datetime="2026-11-22T12:00:00+00:00" title="22 November 2026, 12:00 UTC">just now</time>'
    )


def test_no_time_is_nothing():
    assert when(None) == ""


def test_a_day_is_a_date():
    assert day(NOON).striptags() == "22 November 2026"


def test_a_template_without_a_request_knows_nothing_more():
    event = {"request": None, "value": 1}
    add_globals(event)
    assert event == {"request": None, "value": 1}


def test_large_numbers_are_grouped():
    assert count(12345) == "12,345"


def test_the_address_of_static_files_is_the_same_as_long_as_they_are():
    assert compute_static_digest() == compute_static_digest()
    assert len(compute_static_digest()) == 12
