"""Timestamps in pages: `<time>`, in the language and the time zone of the reader.

Formatting one costs 30 µs, as much as all else of a post, and the same posts are shown again and again: so
what is made of a timestamp is kept, by language and zone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_time,
    format_timedelta,
    get_datetime_format,
    get_timezone_name,
)
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from microblog.i18n import _, parse_locale
from microblog.request import Request

UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
DAYS_BEFORE_A_DATE = 7
MOST_TIMESTAMPS = 8_192  # kept, in each of the shapes below; about 2 MB
MOST_TAGS = 10  # of Accept-Language that are read
JUST_NOW = _("just now")


@lru_cache(maxsize=1_024)
def choose_region(language: str, accepted: str) -> str:
    """Americans and Britons read one language, and write dates differently: the locale that a browser names.

    `language` is the locale of the page ("en"), `accepted` the header Accept-Language ("en-GB, de").
    """
    for part in accepted.split(",")[:MOST_TAGS]:
        tag = part.partition(";")[0].strip()
        if tag.replace("-", "_").lower().startswith(f"{language.lower()}_"):
            locale = parse_locale(tag)
            if locale is not None:
                return str(locale)
    return language


@lru_cache(maxsize=MOST_TIMESTAMPS)
def format_moment(timestamp: datetime, locale: str, zone: ZoneInfo) -> str:
    """22 November 2026, 13:00 CET"""
    local = timestamp.astimezone(zone)
    date = format_date(local, "long", locale=locale)
    time = format_time(local, "short", tzinfo=zone, locale=locale)
    pattern: Any = get_datetime_format("long", locale=locale)
    both = pattern.replace("'", "").format(time, date)
    return f"{both} {name_zone(local, locale)}"


def name_zone(local: datetime, locale: str) -> str:
    """CET, or where the language has no name for it, GMT+01:00."""
    name = get_timezone_name(local, "short", locale=locale)
    return write_offset(local, locale) if name.startswith(("+", "-")) else name


def write_offset(local: datetime, locale: str) -> str:
    """GMT-03:30. Babel's own takes -03:30 for -04:30 (2.18)."""
    offset = local.utcoffset() or timedelta(0)
    hours, minutes = divmod(int(abs(offset).total_seconds()) // 60, 60)
    sign = "-" if offset < timedelta(0) else "+"
    return str(Locale.parse(locale).zone_formats["gmt"] % f"{sign}{hours:02}:{minutes:02}")


@lru_cache(maxsize=MOST_TIMESTAMPS)
def format_day(timestamp: datetime, shape: str, locale: str, zone: ZoneInfo) -> str:
    """22 November 2026 (long), 22 Nov 2026 (medium)"""
    return format_date(timestamp.astimezone(zone), shape, locale=locale)


@lru_cache(maxsize=1_024)
def format_ago(amount: int, unit: str, locale: str) -> str:
    """3 minutes ago"""
    ago = -timedelta(**{f"{unit}s": amount})
    granularity: Any = unit
    return format_timedelta(ago, granularity, threshold=1e9, add_direction=True, locale=locale)


class Times:
    """Timestamps for one reader: `request.times`."""

    def __init__(self, request: Request) -> None:
        self._request = request
        accepted = request.environ.get("HTTP_ACCEPT_LANGUAGE", "")
        self._locale = choose_region(str(request.locale), accepted)
        self._zone = request.time_zone

    def when(self, timestamp: datetime | None) -> Markup:
        """How long ago, and after a week the date; app.js goes on with it."""
        if timestamp is None:
            return Markup()
        seconds = max(0, int((datetime.now(UTC) - timestamp).total_seconds()))
        if seconds >= DAYS_BEFORE_A_DATE * 86_400:
            return self._make_element(timestamp, format_day(timestamp, "medium", self._locale, self._zone))
        if seconds < 60:
            words = self._request.translate(JUST_NOW)
        else:
            size, unit = next(each for each in UNITS if seconds >= each[0])
            words = format_ago(seconds // size, unit, self._locale)
        return self._make_element(timestamp, words, grows=True)

    def day(self, timestamp: datetime) -> Markup:
        """22 November 2026"""
        return self._make_element(timestamp, format_day(timestamp, "long", self._locale, self._zone))

    def moment(self, timestamp: datetime) -> Markup:
        """22 November 2026, 13:00 CET"""
        return self._make_element(timestamp, format_moment(timestamp, self._locale, self._zone))

    def _make_element(self, timestamp: datetime, words: str, *, grows: bool = False) -> Markup:
        return draw_time(timestamp, words, self._locale, self._zone, grows)


@lru_cache(maxsize=MOST_TIMESTAMPS)
def draw_time(timestamp: datetime, words: str, locale: str, zone: ZoneInfo, grows: bool) -> Markup:
    machine, title = timestamp.isoformat(timespec="seconds"), format_moment(timestamp, locale, zone)
    more = " data-ago" if grows else ""
    return Markup(  # noqa: S704  # escaped
        f'<time datetime="{machine}" title="{escape(title)}"{more}>{escape(words)}</time>'
    )


def make_filter(method: Callable[[Times, datetime], Markup]) -> Callable[[Context, datetime], Markup]:
    """A filter of templates: `{{ post.created|when }}`."""

    @pass_context
    def format_timestamp(context: Context, timestamp: datetime) -> Markup:
        return method(context["request"].times, timestamp)

    return format_timestamp


def includeme(config: Any) -> None:
    config.add_request_method(Times, "times", reify=True)
    for method in (Times.when, Times.day, Times.moment):
        config.add_template_filter(method.__name__, make_filter(method))
