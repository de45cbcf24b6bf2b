"""Highlights the words of a query in the text of a post."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import accumulate

import regex
from markupsafe import Markup, escape

from microblog.folding import fold
from microblog.posts.tags import parse_tag
from microblog.search.language import Query, Term
from microblog.search.stemming import find_words_with, list_forms
from microblog.search.tags import list_tag_words, make_tag_word
from microblog.search.text import index_text, split_folded

RUN = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}\p{M}\p{Default_Ignorable_Code_Point}]*+")
# With what may be a part of the same letter (`TAKEN_APART` of folding.py).
CHARACTER = regex.compile("(?:ຫ(?=[ນມ]))?\\X[\u0e32\u0eb2]?")
LONGEST_REMEMBERED = 20  # code points of a run


class Highlighter:
    """Called with a text, returns it escaped, with the terms of the query in `<mark>`, and other forms of its
    words in the language of the text.

    Terms are found by their first word and compared as one string, so their length costs nothing. A tag is
    marked with its sign, as the text of its link, which is a text of its own.
    """

    def __init__(self, query: Query) -> None:
        self._by_first_word: dict[str, list[tuple[str, int]]] = {}
        for term in sorted(query.terms, key=lambda term: len(term.words), reverse=True):
            if len(term.words) > 1 or not term.is_prefix:
                same = self._by_first_word.setdefault(term.words[0], [])
                same.append((get_text(term), len(term.words)))
        # Whether any of them is here is asked at once: most often none is, and there may be dozens.
        self._any_by_first_word = {
            word: tuple(text for text, _ in same) for word, same in self._by_first_word.items()
        }
        self._beginnings = tuple(
            term.words[0] for term in query.terms if term.is_prefix and len(term.words) == 1
        )
        self._tags = frozenset(term.words[0] for term in query.terms if term.is_tag)
        self._forms = frozenset(form for term in query.terms for form in term.forms)

    def in_language(self, language: str | None) -> Callable[[str], Markup]:
        """The same for texts in this language."""
        return partial(self, language=language)

    def __call__(self, text: str, language: str | None = None) -> Markup:
        if self._is_tag(text):
            return Markup(f"<mark>{escape(text)}</mark>")  # noqa: S704  # escaped
        parts: list[str] = []
        end = 0
        for start, stop in self._find_hits(text, language):
            parts += (escape(text[end:start]), "<mark>", escape(text[start:stop]), "</mark>")
            end = stop
        parts.append(escape(text[end:]))
        return Markup("".join(parts))  # noqa: S704  # every part is escaped

    def _is_tag(self, text: str) -> bool:
        """Is this a tag of the query, and nothing else?"""
        tag = parse_tag(text) if self._tags and text.startswith(("#", "＃")) else None
        return tag is not None and make_tag_word(tag) in self._tags

    def _find_hits(self, text: str, language: str | None) -> Iterator[tuple[int, int]]:
        """(start, end) of each hit, from the left, without overlaps; adjacent ones are joined."""
        if not (self._by_first_word or self._beginnings):
            return
        words, spans = find_words(text)
        in_other_forms = find_words_with(self._forms, text, language)
        normal = " ".join(words) + " "
        starts = list(accumulate([len(word) + 1 for word in words], initial=0))
        index = begin = end = 0
        while index < len(words):
            length = self._measure_longest(words[index], normal, starts[index])
            length = length or int(words[index] in in_other_forms)
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
        if normal.startswith(self._any_by_first_word.get(word, ()), start):
            return next(n for term, n in self._by_first_word[word] if normal.startswith(term, start))
        return int(word.startswith(self._beginnings))


def get_text(term: Term) -> str:
    """The term as it appears in a text of words with a space after each."""
    return " ".join(term.words) + ("" if term.is_prefix else " ")


def find_words(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """The words of a text in normal form, and the (start, end) of each."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    for match in RUN.finditer(text):
        run, begin = match[0], match.start()
        for word, start, end in locate_in_short(run) if len(run) <= LONGEST_REMEMBERED else locate(run):
            words.append(word)
            spans.append((begin + start, begin + end))
    return words, spans


@lru_cache(maxsize=10_000)
def locate_in_short(run: str) -> tuple[tuple[str, int, int], ...]:
    return tuple(locate(run))


def locate(run: str) -> Iterator[tuple[str, int, int]]:
    """The words of a run of letters in normal form, each with the (start, end) of its characters.

    A character that folds to several words has each of them listed with the same span.
    """
    if run.isascii():
        yield run.lower(), 0, len(run)
        return
    parts = [(fold_character(match[0]), match.start()) for match in CHARACTER.finditer(run)]
    ends = list(accumulate(len(part) for part, _ in parts))
    starts = [start for _, start in parts] + [len(run)]
    position = 0
    folded = "".join(part for part, _ in parts)
    for word in split_folded(folded):
        position = folded.index(word, position)
        first = bisect_right(ends, position)
        position += len(word)
        yield word, starts[first], starts[bisect_left(ends, position) + 1]


@lru_cache(maxsize=10_000)
def fold_character(character: str) -> str:
    return fold(character)


def matches(query: Query, language: str | None, body: str) -> bool:
    """Would an index find this post by its text and language? Authors and days are not compared."""
    if query.language is not None and not f"{language or ''}-".lower().startswith(f"{query.language}-"):
        return False
    text = f" {' '.join([index_text(body), *list_tag_words(body)])} "
    forms = frozenset(list_forms(body, language))

    def holds(term: Term) -> bool:
        return f" {get_text(term)}" in text or not forms.isdisjoint(term.forms)

    return all(map(holds, query.terms)) and not any(map(holds, query.excluded))
