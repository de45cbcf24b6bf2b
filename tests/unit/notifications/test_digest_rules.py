"""When a digest is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.notifications.digests.rules import DAILY, MONDAY, WEEKLY, find_next

TUESDAY = datetime(2026, 3, 3, 12, tzinfo=UTC)
ZONES = ("", "time_zone=America/New_York", "time_zone=Asia/Kathmandu", "time_zone=Pacific/Kiritimati")


@pytest.mark.parametrize(
    ("every", "preferences", "now", "due"),
    [
        (DAILY, "", TUESDAY, "2026-03-04 08:00"),
        (DAILY, "", datetime(2026, 3, 3, 7, 59, tzinfo=UTC), "2026-03-03 08:00"),
        (DAILY, "", datetime(2026, 3, 3, 8, tzinfo=UTC), "2026-03-04 08:00"),
        (DAILY, "time_zone=Nowhere/Land", TUESDAY, "2026-03-04 08:00"),
        (DAILY, "language=de&time_zone=America/New_York", TUESDAY, "2026-03-03 13:00"),
        # Clocks there are put forward on March 8.
        (DAILY, "time_zone=America/New_York", datetime(2026, 3, 7, 13, tzinfo=UTC), "2026-03-08 12:00"),
        (DAILY, "time_zone=Asia/Kathmandu", TUESDAY, "2026-03-04 02:15"),
        (WEEKLY, "", TUESDAY, "2026-03-09 08:00"),
        (WEEKLY, "", datetime(2026, 3, 9, 7, tzinfo=UTC), "2026-03-09 08:00"),
        (WEEKLY, "", datetime(2026, 3, 9, 8, tzinfo=UTC), "2026-03-16 08:00"),
        # There Monday has begun.
        (WEEKLY, "time_zone=Pacific/Kiritimati", datetime(2026, 3, 8, 17, tzinfo=UTC), "2026-03-08 18:00"),
    ],
)
def test_a_digest_is_due_at_eight_in_the_time_zone_of_its_person(every, preferences, now, due):
    assert f"{find_next(every, preferences, now):%Y-%m-%d %H:%M}" == due


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)), st.sampled_from(ZONES)
)
def test_the_next_one_is_later_and_no_more_than_a_day_or_week_away(now, preferences):
    daily, weekly = (find_next(every, preferences, now) for every in (DAILY, WEEKLY))
    an_hour = timedelta(hours=1)  # by which clocks are put back
    assert now < daily <= now + timedelta(days=1) + an_hour
    assert daily <= weekly <= now + timedelta(days=7) + an_hour
    assert preferences or weekly.weekday() == MONDAY
