"""The query language, parsed to one frozen value before any adapter sees it.

`words` must all be there, or forms of them (`stemming.py`); `"a phrase"`, `"word"`; `-without`; `begin*`;
`from:susan`; `-from:susan`; `tag:tea`; `-tag:tea`; `lang:es`; `before:2026-01-31`; `after:2026-01-31`.
Nothing that a person types is an error: what is not understood is left out, and a `Remark` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

import regex

from microblog.folding import fold
from microblog.posts.tags import parse_tag
from microblog.search.remarks import Kind, Remark
from microblog.search.stemming import keep_languages, list_forms_in_all_languages
from microblog.search.tags import TAG_MARK, make_tag_word
from microblog.search.text import split_words

MAX_QUERY_CHARACTERS = 500
MOST_TERMS = 16
MOST_WORDS = 100  # of a phrase; one character may fold to many
# Other keyboards, and programs that know better, type these for the signs of the language.
SIGNS = str.maketrans(
    dict.fromkeys("“”„‟«»「」『』〝〞〟❝❞＂", '"')
    | dict.fromkeys("−‐‑﹣－", "-")
    | {"：": ":", "＊": "*", "＠": "@"}
)
# Single quotes make a phrase only around whole words: one of them is an apostrophe, too.
SINGLE_QUOTED = regex.compile(r"(?<![^\s-])[‘‚‹]((?:[^‘’‚‹›]|(?<=\w)’(?=\w))++)[’‘›](?!\w)")
TOKEN = regex.compile(r'(-?)"([^"]*)("|$)|(\S+)')
OPERATOR = regex.compile(r"(-?)(from|tag|lang|before|after):(.*)", regex.IGNORECASE | regex.DOTALL)
AUTHOR = regex.compile(r"[A-Za-z0-9_.]{1,30}")
NOBODY = ""  # a nickname that nobody has
LANGUAGE = regex.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")  # BCP 47, as far as it matters here
DAY = regex.compile(r"(\d{4})-(\d\d?)-(\d\d?)")
EARLIEST = date(1970, 1, 1)
# Left out without a remark is what only stands between words. An emoji, or a star, is meant.
IS_MEANT = regex.compile(r"[*\p{So}]")
MOST_REMARKS = 8


@dataclass(frozen=True, slots=True)
class Term:
    """Words in a row; with `is_prefix` the last of them is only the beginning of a word.

    A single word may have `forms`: a post that has one of these is found, too (`index_post` in stemming.py).
    """

    words: tuple[str, ...]
    is_prefix: bool = False
    forms: tuple[str, ...] = ()

    @property
    def is_tag(self) -> bool:
        """Is its word that of a tag (`tags.py`)?"""
        return self.words[0].startswith(TAG_MARK)


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody looks for. `since` and `until` bound the time of creation: since ≤ t < until.

    Authors are nicknames in lower case, present or former ones; one that nobody has wrote no post. `remarks`
    are no part of what is looked for, and do not count in a comparison.
    """

    terms: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()
    author: str | None = None
    language: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    excluded_authors: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = field(default=(), compare=False)

    def __bool__(self) -> bool:
        """Is there anything to look for?"""
        return self != Query()

    @property
    def is_words_alone(self) -> bool:
        return self == Query(terms=self.terms) and not any(term.is_tag for term in self.terms)

    @property
    def has_forms(self) -> bool:
        return any(term.forms for term in (*self.terms, *self.excluded))

    def keep_forms(self, languages: Iterable[str]) -> Query:
        """The query without the forms that posts in none of these languages have."""
        known = list(languages)
        return replace(self, terms=keep_forms(self.terms, known), excluded=keep_forms(self.excluded, known))


def parse(text: str) -> Query:
    """Never fails. Only the first 16 terms count, and of a phrase its first 100 words."""
    parser = Parser()
    signs = SINGLE_QUOTED.sub(r'"\1"', text[:MAX_QUERY_CHARACTERS]).translate(SIGNS)
    for minus, phrase, quote, token in TOKEN.findall(signs):
        if token:
            parser.read_token(token)
        else:
            parser.read_phrase(phrase, is_excluded=bool(minus), is_closed=bool(quote))
    return parser.finish()


class Parser:
    """What has been read of a query so far."""

    def __init__(self) -> None:
        self._terms: list[Term] = []
        self._excluded: list[Term] = []
        self._excluded_authors: list[str] = []
        self._values: dict[str, str] = {}  # of from: and lang:
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._remarks: list[Remark] = []

    def read_phrase(self, text: str, *, is_excluded: bool, is_closed: bool) -> None:
        if not is_closed and split_words(text):
            self._remark(Kind.NOT_CLOSED, text.strip())
        self._add(text, is_excluded=is_excluded, is_phrase=True)

    def read_token(self, token: str) -> None:
        operator = OPERATOR.fullmatch(token)
        if operator is not None:
            minus, name, value = operator.groups()
            self._read_operator(token, name.lower(), value, is_excluded=bool(minus))
        elif token.startswith("-") and len(token) > 1:
            self._add(token[1:], is_excluded=True)
        else:
            self._add(token, is_excluded=False)

    def _read_operator(self, token: str, name: str, value: str, *, is_excluded: bool) -> None:
        if not value.strip('"@#＃'):
            self._remark(Kind.NO_VALUE, token)
        elif name == "from":
            self._read_author(token, value.strip('"').removeprefix("@"), is_excluded=is_excluded)
        elif name == "tag":
            self._read_tag(token, value.strip('"'), is_excluded=is_excluded)
        elif is_excluded:
            self._remark(Kind.CANNOT_EXCLUDE, token)
        elif name == "lang":
            if LANGUAGE.fullmatch(value):
                self._set(name, token, value.lower())
            else:
                self._remark(Kind.NO_LANGUAGE, token)
        else:
            self._read_day(token, name, value)

    def _read_author(self, token: str, nickname: str, *, is_excluded: bool) -> None:
        if not AUTHOR.fullmatch(nickname):
            self._remark(Kind.NOBODY, nickname)
            nickname = NOBODY
        if not is_excluded:
            self._set("from", token, nickname.lower())
        elif nickname:
            self._excluded_authors.append(nickname.lower())

    def _read_tag(self, token: str, text: str, *, is_excluded: bool) -> None:
        tag = parse_tag(text)
        if tag is None:
            self._remark(Kind.NO_TAG, token)
        else:
            self._add_term(Term((make_tag_word(tag),)), token, is_excluded=is_excluded)

    def _read_day(self, token: str, name: str, value: str) -> None:
        day = parse_day(value)
        if day is None:
            self._remark(Kind.NO_DATE, token)
        elif name == "before":
            self._until = midnight(day) if self._until is None else min(self._until, midnight(day))
        else:
            since = midnight(day + timedelta(days=1))
            self._since = since if self._since is None else max(self._since, since)

    def _set(self, name: str, token: str, value: str) -> None:
        before = self._values.get(name, value)
        if before != value:
            self._remark(Kind.REPEATED, f"{name}:{before}")
        self._values[name] = value

    def _add(self, text: str, *, is_excluded: bool, is_phrase: bool = False) -> None:
        words = split_words(text)
        if not words:
            if IS_MEANT.search(text):
                self._remark(Kind.NO_WORD, text)
            return
        if "*" in (text if is_phrase else text[:-1]):
            self._remark(Kind.STAR, text)
        if len(words) > MOST_WORDS:
            self._remark(Kind.LONG_PHRASE, text)
        # When a phrase was cut, its last word is not the one before the star.
        is_prefix = not is_phrase and text.endswith("*") and len(words) <= MOST_WORDS
        has_forms = len(words) == 1 and not is_prefix and not is_phrase
        forms = list_forms_in_all_languages(text) if has_forms else ()
        self._add_term(Term(tuple(words[:MOST_WORDS]), is_prefix, forms), text, is_excluded=is_excluded)

    def _add_term(self, term: Term, text: str, *, is_excluded: bool) -> None:
        terms = self._excluded if is_excluded else self._terms
        if term in terms:
            return
        if len(terms) == MOST_TERMS:
            self._remark(Kind.MANY_TERMS, text)
        terms.append(term)

    def _remark(self, kind: Kind, text: str = "") -> None:
        self._remarks.append(Remark(kind, text))

    def finish(self) -> Query:
        if self._since is not None and self._until is not None and self._since >= self._until:
            self._remark(Kind.NO_DAY)
        language = self._values.get("lang")
        query = Query(
            tuple(self._terms[:MOST_TERMS]),
            tuple(self._excluded[:MOST_TERMS]),
            self._values.get("from"),
            language,
            self._since,
            self._until,
            tuple(dict.fromkeys(self._excluded_authors[:MOST_TERMS])),
            tuple(dict.fromkeys(self._remarks))[:MOST_REMARKS],
        )
        return query if language is None else query.keep_forms([language])


def keep_forms(terms: tuple[Term, ...], languages: list[str]) -> tuple[Term, ...]:
    """The terms with the forms that posts in these languages may have."""
    return tuple(replace(term, forms=keep_languages(term.forms, languages)) for term in terms)


def parse_day(text: str) -> date | None:
    """A day like 2026-01-31, in digits of any script; None when there is none, or none that has posts."""
    match = DAY.fullmatch(fold(text))
    if match is None:
        return None
    try:
        day = date(*map(int, match.groups()))
    except ValueError:
        return None
    return day if EARLIEST <= day < date.max - timedelta(days=1) else None


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
