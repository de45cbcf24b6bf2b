"""Highlights the words of a query in the text of a post."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from markupsafe import Markup, escape

from microblog.search.language import Query, Term
from microblog.search.text import WORD, index_text, split_words

LONGEST_REMEMBERED = 20  # characters of a word


class Highlighter:
    """Called with a text, returns it escaped, with the terms of the query in `<mark>`.

    Terms are found by their first word and compared as one string, so their length costs nothing.
    """

    def __init__(self, query: Query) -> None:
        self._by_first_word: dict[str, list[tuple[str, int]]] = {}
        for term in sorted(query.terms, key=lambda term: len(term.words), reverse=True):
            if len(term.words) > 1 or not term.is_prefix:
                same = self._by_first_word.setdefault(term.words[0], [])
                same.append((get_text(term), len(term.words)))
        self._beginnings = tuple(
            term.words[0] for term in query.terms if term.is_prefix and len(term.words) == 1
        )

    def __call__(self, text: str) -> Markup:
        parts: list[str] = []
        end = 0
        for start, stop in self._find_hits(text):
            parts += (escape(text[end:start]), "<mark>", escape(text[start:stop]), "</mark>")
            end = stop
        parts.append(escape(text[end:]))
        return Markup("".join(parts))  # noqa: S704  # every part is escaped

    def _find_hits(self, text: str) -> Iterator[tuple[int, int]]:
        """(start, end) of each hit, from the left, without overlaps; adjacent ones are joined."""
        if not (self._by_first_word or self._beginnings):
            return
        words, spans = find_words(text)
        normal = " ".join(words) + " "
        starts = list(accumulate([len(word) + 1 for word in words], initial=0))
        index = begin = end = 0
        while index < len(words):
            length = self._measure_longest(words[index], normal, starts[index])
            if length:
                if spans[index][0] > end:
                    if end:
                        yield begin, end
                    begin = spans[index][0]
                end = spans[index + length - 1][1]
            index += length or 1
        if end:
            yield begin, end

    def _measure_longest(self, word: str, normal: str, start: int) -> int:
        """The number of words of the longest term that begins here with this word; 0 when none does."""
        for term, length in self._by_first_word.get(word, ()):
            if normal.startswith(term, start):
                return length
        return int(word.startswith(self._beginnings))


def get_text(term: Term) -> str:
    """The term as it appears in a text of words with a space after each."""
    return " ".join(term.words) + ("" if term.is_prefix else " ")


def find_words(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """The words of a text in normal form, and the (start, end) of each; a word that folds to several has
    each of them listed with the same span."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    for match in WORD.finditer(text):
        normal = normalize(match[0])
        words += normal
        spans += [match.span()] * len(normal)
    return words, spans


def normalize(word: str) -> tuple[str, ...]:
    return normalize_short(word) if len(word) <= LONGEST_REMEMBERED else tuple(split_words(word))


@lru_cache(maxsize=10_000)
def normalize_short(word: str) -> tuple[str, ...]:
    return tuple(split_words(word))


def matches(query: Query, author: str, language: str | None, body: str) -> bool:
    """Would an index find this post? Days are not compared: the post was just written."""
    if query.author is not None and query.author != author.lower():
        return False
    if query.language is not None and not f"{language or ''}-".lower().startswith(f"{query.language}-"):
        return False
    text = f" {index_text(body)} "

    def holds(term: Term) -> bool:
        return f" {get_text(term)}" in text

    return all(map(holds, query.terms)) and not any(map(holds, query.excluded))
