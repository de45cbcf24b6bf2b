"""Marking the words of a query where they stand in a post."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

from microblog.search.language import Query, Term
from microblog.search.text import WORD, words_of


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text as it was written, from `start` to `end`, and its normal form."""

    start: int
    end: int
    normal: str


class HitMarker:
    """Called with a text, gives it back escaped, with what the query looks for in `<mark>`."""

    def __init__(self, query: Query) -> None:
        self._terms = query.terms

    def __call__(self, text: str) -> Markup:
        parts = []
        end = 0
        for start, stop in self._hits(text):
            parts += [escape(text[end:start]), Markup("<mark>{}</mark>").format(text[start:stop])]
            end = stop
        parts.append(escape(text[end:]))
        return Markup("").join(parts)

    def _hits(self, text: str) -> Iterator[tuple[int, int]]:
        """Where hits begin and end, from the left, none inside another."""
        words = list(written_words(text)) if self._terms else []
        place = 0
        while place < len(words):
            length = max((matching(term, words, place) for term in self._terms), default=0)
            if length:
                yield words[place].start, words[place + length - 1].end
            place += length or 1


def written_words(text: str) -> Iterator[Word]:
    """The words of a text with their places; one that folds to several counts as one of them each."""
    for match in WORD.finditer(text):
        for normal in words_of(match.group()):
            yield Word(match.start(), match.end(), normal)


def matching(term: Term, words: list[Word], place: int) -> int:
    """How many words from this place on the term matches; 0 when it does not begin here."""
    length = len(term.words)
    found = [word.normal for word in words[place : place + length]]
    if len(found) < length or found[:-1] != list(term.words[:-1]):
        return 0
    last, wanted = found[-1], term.words[-1]
    return length if last == wanted or (term.is_prefix and last.startswith(wanted)) else 0


def matches(query: Query, author: str, language: str | None, body: str) -> bool:
    """Would an index find this post? (Days aside: it is one that was just written.)"""
    if query.author is not None and query.author != author.lower():
        return False
    if query.language is not None and not f"{language or ''}-".lower().startswith(f"{query.language}-"):
        return False
    words = list(written_words(body))

    def holds(term: Term) -> bool:
        return any(matching(term, words, place) for place in range(len(words)))

    return all(map(holds, query.terms)) and not any(map(holds, query.excluded))
