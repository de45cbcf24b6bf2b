"""Timestamps are written in the language and the time zone of the reader, and kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from babel import Locale
from markupsafe import Markup

from microblog.web.times import Times, choose_region, draw_time, format_day

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def times(language="en", zone="UTC", accepted=""):
    """As a reader's request has them."""
    request: Any = SimpleNamespace(
        locale=Locale.parse(language),
        time_zone=ZoneInfo(zone),
        environ={"HTTP_ACCEPT_LANGUAGE": accepted},
        translate=str,
    )
    return Times(request)


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
        element = times().when(NOON - ago)
    assert element.striptags() == words
    assert (" data-ago" in element) == ("ago" in words or words == "just now")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", ["hace 1 minuto", "hace 3 horas", "8 nov 2026"]),
        ("de", ["vor 1 Minute", "vor 3 Stunden", "08.11.2026"]),
        ("ar", ["قبل دقيقة واحدة", "قبل 3 ساعات", "08\u200f/11\u200f/2026"]),
    ],
)
def test_a_time_is_in_the_language_of_the_page(language, words):
    ages = (timedelta(minutes=1), timedelta(hours=3), timedelta(days=14))
    with time_machine.travel(NOON, tick=False):
        assert [times(language).when(NOON - ago).striptags() for ago in ages] == words


def test_the_title_of_a_time_is_the_exact_timestamp_and_machines_read_another():
    with time_machine.travel(NOON, tick=False):
        element = times().when(NOON)
    assert element == (
        '<time datetime="2026-11-22T12:00:00+00:00" title="November 22, 2026, 12:00\u202fPM UTC" data-ago>'
        "just now</time>"
    )


def test_no_time_is_nothing():
    assert times().when(None) == Markup()


def test_a_day_is_a_date_and_a_moment_has_the_time():
    assert times(accepted="en-GB").day(NOON).striptags() == "22 November 2026"
    assert times(zone="Europe/Berlin", accepted="en-GB").moment(NOON).striptags() == (
        "22 November 2026, 13:00 CET"
    )


@pytest.mark.parametrize(
    ("utc", "zone", "moment"),
    [
        # The hour that comes twice, when summer time ends
        ("2026-10-25T00:30", "Europe/Berlin", "25 October 2026, 02:30 CEST"),
        ("2026-10-25T01:30", "Europe/Berlin", "25 October 2026, 02:30 CET"),
        # The hour that there is not, when it begins
        ("2026-03-29T00:59", "Europe/Berlin", "29 March 2026, 01:59 CET"),
        ("2026-03-29T01:00", "Europe/Berlin", "29 March 2026, 03:00 CEST"),
        # Leap days, of one of which only a part is still that day
        ("2024-02-29T23:30", "UTC", "29 February 2024, 23:30 UTC"),
        ("2024-02-28T23:30", "Asia/Tokyo", "29 February 2024, 08:30 GMT+09:00"),
        ("2000-02-29T12:00", "UTC", "29 February 2000, 12:00 UTC"),
        ("2100-02-28T23:30", "Asia/Tokyo", "1 March 2100, 08:30 GMT+09:00"),
        # Zones without whole hours, or with half an hour of summer time
        ("2026-11-22T12:00", "Asia/Kathmandu", "22 November 2026, 17:45 GMT+05:45"),
        ("2026-11-22T12:00", "Asia/Kolkata", "22 November 2026, 17:30 GMT+05:30"),
        ("2026-11-22T12:00", "America/St_Johns", "22 November 2026, 08:30 GMT-03:30"),
        ("2026-01-01T00:00", "Australia/Lord_Howe", "1 January 2026, 11:00 GMT+11:00"),
        ("2026-07-01T00:00", "Australia/Lord_Howe", "1 July 2026, 10:30 GMT+10:30"),
        # The first and the last to begin a day
        ("2026-11-22T12:00", "Pacific/Kiritimati", "23 November 2026, 02:00 GMT+14:00"),
        ("2026-11-22T12:00", "Pacific/Niue", "22 November 2026, 01:00 GMT-11:00"),
        # Before zones had rules, and where nobody knows yet which they will have
        ("1900-01-01T00:00", "Asia/Kathmandu", "1 January 1900, 05:41 GMT+05:41"),
        ("2100-07-01T12:00", "Europe/Berlin", "1 July 2100, 14:00 CEST"),
    ],
)
def test_a_time_is_that_of_the_clock_on_the_readers_wall(utc, zone, moment):
    timestamp = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    found = times(zone=zone, accepted="en-GB").moment(timestamp)
    assert found.striptags() == moment


def test_the_date_of_an_old_post_is_that_of_the_readers_day():
    late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    with time_machine.travel(NOON, tick=False):
        dates = [times(zone=zone).when(late).striptags() for zone in ("UTC", "Europe/Berlin", "America/Lima")]
    assert dates == ["Oct 31, 2026", "Nov 1, 2026", "Oct 31, 2026"]


@pytest.mark.parametrize(
    ("language", "accepted", "region"),
    [
        ("en", "en-GB,de;q=0.5", "en_GB"),
        ("en", "de, en-AU;q=0.4", "en_AU"),
        ("es", "es-419", "es_419"),
        ("en", "en", "en"),
        ("en", "", "en"),
        ("en", "en-XX1, en-, en-NOWHERE-TO-BE, en-CA", "en_CA"),
        ("de", "en-GB", "de"),
    ],
)
def test_dates_are_written_as_in_the_country_that_the_browser_names(language, accepted, region):
    assert choose_region(language, accepted) == region


def test_what_was_written_once_is_kept():
    timestamp = datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)
    zone = ZoneInfo("Asia/Kathmandu")
    before = draw_time.cache_info().hits, format_day.cache_info().hits
    for _ in range(3):
        times("de", zone.key).day(timestamp)
    assert draw_time.cache_info().hits >= before[0] + 2
    assert format_day.cache_info().hits >= before[1] + 2
