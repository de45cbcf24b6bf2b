"""The query language, parsed to one frozen value before any adapter sees it.

`words` must all be there; `"a phrase"`; `-without`; `begin*`; `from:susan`; `lang:es`;
`before:2026-01-31`; `after:2026-01-31`. Nothing that a person types is an error: what cannot be
understood as an operator is a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import regex

from microblog.search.text import split_words

MAX_QUERY_CHARACTERS = 500
MOST_TERMS = 16
MOST_WORDS = 100  # of a phrase; one character may fold to many
TOKEN = regex.compile(r'(-?)"([^"]*)(?:"|$)|(\S+)')
OPERATOR = regex.compile(r"(from|lang|before|after):(\S+)", regex.IGNORECASE)
AUTHOR = regex.compile(r"@?[A-Za-z0-9_.]{1,30}")
LANGUAGE = regex.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")  # BCP 47, as far as it matters here
EARLIEST = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Term:
    """Words in a row; with `is_prefix` the last of them is only the beginning of a word."""

    words: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody looks for. `since` and `until` bound the time of creation: since ≤ t < until."""

    terms: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()
    author: str | None = None
    language: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        """Is there anything to look for?"""
        return self != Query()


def parse(text: str) -> Query:
    """Never fails. Only the first 16 terms count, and of a phrase its first 100 words."""
    terms: list[Term] = []
    excluded: list[Term] = []
    author = language = since = until = None
    for minus, phrase, token in TOKEN.findall(text[:MAX_QUERY_CHARACTERS]):
        if not token:
            add(excluded if minus else terms, make_term(phrase, is_phrase=True))
            continue
        operator = OPERATOR.fullmatch(token)
        name, value = (operator[1].lower(), operator[2]) if operator else ("", "")
        day = parse_day(value) if name in ("before", "after") else None
        if name == "from" and AUTHOR.fullmatch(value):
            author = value.removeprefix("@").lower()
        elif name == "lang" and LANGUAGE.fullmatch(value):
            language = value.lower()
        elif name == "before" and day is not None:
            until = midnight(day)
        elif name == "after" and day is not None:
            since = midnight(day + timedelta(days=1))
        elif token.startswith("-") and len(token) > 1:
            add(excluded, make_term(token[1:]))
        else:
            add(terms, make_term(token))
    return Query(tuple(terms[:MOST_TERMS]), tuple(excluded[:MOST_TERMS]), author, language, since, until)


def make_term(text: str, *, is_phrase: bool = False) -> Term:
    words = split_words(text)
    # When a phrase was cut, its last word is not the one before the star.
    is_prefix = not is_phrase and text.endswith("*") and len(text) > 1 and len(words) <= MOST_WORDS
    return Term(tuple(words[:MOST_WORDS]), is_prefix)


def add(terms: list[Term], term: Term) -> None:
    if term.words and term not in terms:
        terms.append(term)


def parse_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day < date.max - timedelta(days=1) else None


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
