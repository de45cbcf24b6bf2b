"""How often something may be done, as arithmetic: the "generic cell rate algorithm" (docs/adr/0031).

Of each key one timestamp is kept: when the last of what was done is forgotten. Each time moves it onward by
one interval. What would move it further than so many intervals from now is too much.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from microblog.i18n import Message, n_

UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
RATE = re.compile(rf"([0-9]{{1,9}}) per (?:([0-9]{{1,9}}) )?({'|'.join(UNITS)})s?")
MILLISECONDS = 1000
MINUTES_FROM, HOURS_FROM = 90, 5_400  # seconds; what is shorter is told in the smaller unit


@dataclass(frozen=True, slots=True)
class Rate:
    """So often in so many seconds. 0 switches it off: there is no limit."""

    amount: int
    seconds: int = 1

    def __str__(self) -> str:
        if self.is_off:
            return "0"
        unit = max((unit for unit in UNITS if self.seconds % UNITS[unit] == 0), key=UNITS.__getitem__)
        units = self.seconds // UNITS[unit]
        return f"{self.amount} per {unit}" if units == 1 else f"{self.amount} per {units} {unit}s"

    @property
    def is_off(self) -> bool:
        return self.amount == 0

    @property
    def interval(self) -> int:
        """Milliseconds after which one more may be done."""
        return self.seconds * MILLISECONDS // self.amount

    @property
    def room(self) -> int:
        """Milliseconds: so far ahead of now may the timestamp of a key be."""
        return self.interval * self.amount


def parse_rate(text: str) -> Rate:
    """:raises ValueError: with the end of a sentence."""
    match = RATE.fullmatch(" ".join(text.lower().split()))
    if text.strip() == "0":
        return Rate(0)
    if match is not None:
        amount, units, unit = match.groups()
        rate = Rate(int(amount), int(units or 1) * UNITS[unit])
        if rate.is_off:
            return Rate(0)
        if rate.seconds and rate.amount <= rate.seconds * MILLISECONDS:
            return rate
    raise ValueError("must be a number and a time, such as 10 per 15 minutes, or 0 for no limit")


@dataclass(frozen=True, slots=True)
class Count:
    """One of the counts that something adds to. `scope` is what it is a count of: "per_account" and so on."""

    scope: str
    key: str
    rate: Rate

    def get_wait(self, timestamp: int, now: int) -> int:
        """Milliseconds until one more is allowed; 0 when it is now. `timestamp` is the one that is kept."""
        return max(0, max(timestamp, now) + self.rate.interval - self.rate.room - now)


def try_again(seconds: int) -> Message:
    """A sentence: in 40 seconds, in 3 minutes, in 2 hours; never too early."""
    if seconds > HOURS_FROM:
        hours = -(-seconds // UNITS["hour"])
        return n_("Try again in %(count)s hour.", "Try again in %(count)s hours.", hours)
    if seconds > MINUTES_FROM:
        minutes = -(-seconds // UNITS["minute"])
        return n_("Try again in %(count)s minute.", "Try again in %(count)s minutes.", minutes)
    return n_("Try again in %(count)s second.", "Try again in %(count)s seconds.", seconds)
