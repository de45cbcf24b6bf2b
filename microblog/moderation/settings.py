"""Settings of this package."""

from __future__ import annotations

import regex

from microblog.moderation.models import REASON_CHARACTERS
from microblog.settings import Setting, networks, whole_number

PATTERN = "re:"  # begins a line with a pattern
MOST_LINES = 1000


class Lines(tuple[str, ...]):
    """What stands on each line of a setting."""

    __slots__ = ()

    def __str__(self) -> str:
        return "; ".join(self)


NOTHING = Lines()


def lines(value: str) -> Lines:
    """What stands on each line, or between semicolons on one line."""
    found = (line.strip() for part in value.splitlines() for line in part.split(";"))
    chosen = Lines(dict.fromkeys(line for line in found if line))
    if len(chosen) > MOST_LINES:
        raise ValueError(f"must have at most {MOST_LINES:,} lines")
    return chosen


def words_and_patterns(value: str) -> Lines:
    """Words, one on a line; a line that begins with `re:` is a regular expression."""
    chosen = Lines(dict.fromkeys(line.strip() for line in value.splitlines() if line.strip()))
    if len(chosen) > MOST_LINES:
        raise ValueError(f"must have at most {MOST_LINES:,} lines")
    for line in chosen:
        if line.startswith(PATTERN):
            try:
                regex.compile(line.removeprefix(PATTERN).strip(), regex.V1)
            except regex.error as error:
                raise ValueError(f"must have valid regular expressions ({error})") from None
    return chosen


def reasons(value: str) -> Lines:
    chosen = lines(value)
    if any(len(line) > REASON_CHARACTERS for line in chosen):
        raise ValueError(f"must have reasons of at most {REASON_CHARACTERS} characters")
    return chosen


REASONS = Setting(
    "microblog.moderation.reasons",
    reasons,
    NOTHING,
    "What people choose from when they report something, one on a line or with semicolons between them. "
    "Nothing: spam, insults, something unlawful, something else.",
)
HELD_WORDS = Setting(
    "microblog.moderation.held_words",
    words_and_patterns,
    NOTHING,
    "Words, one on a line, that hold a post or a sign-up (by its nickname) until somebody has looked at it: "
    "whole words, in whatever case and with or without accents. A line that begins with re: is a regular "
    "expression.",
)
HELD_LINKS = Setting(
    "microblog.moderation.held_links",
    lines,
    NOTHING,
    "Sites, such as example.com, or beginnings of addresses, such as example.com/shop, one on a line: posts "
    "with a link to them are held.",
)
HELD_ADDRESSES = Setting(
    "microblog.moderation.held_addresses",
    networks,
    networks(""),
    "Addresses and networks of computers, separated by spaces: what is posted from them, and who signs up "
    "there, is held.",
)
HELD_FIRST_LINKS = Setting(
    "microblog.moderation.held_first_links",
    whole_number(0, 100),
    0,
    "How many posts somebody must have that everybody sees before their posts with links are no longer held.",
)
SETTINGS = (REASONS, HELD_WORDS, HELD_LINKS, HELD_ADDRESSES, HELD_FIRST_LINKS)
