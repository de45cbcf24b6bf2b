"""The query language and the normal form of words."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog.search.folding import fold
from microblog.search.language import MOST_TERMS, MOST_WORDS, Query, Term, parse
from microblog.search.text import index_text, split_words


def words(*names: str) -> tuple[Term, ...]:
    return tuple(Term((name,)) for name in names)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("   ", Query()),
        ("Hello World", Query(words("hello", "world"))),
        ('"Hello World"', Query((Term(("hello", "world")),))),
        ('"never closed', Query((Term(("never", "closed")),))),
        ('""', Query()),
        ("tea -sugar", Query(words("tea"), words("sugar"))),
        ('tea -"with sugar"', Query(words("tea"), (Term(("with", "sugar")),))),
        ("photo*", Query((Term(("photo",), is_prefix=True),))),
        ("*", Query()),
        ("-", Query()),
        ("--", Query()),
        ("from:Susan", Query(author="susan")),
        ("FROM:@susan", Query(author="susan")),
        ("from:", Query(words("from"))),
        ("lang:ES", Query(language="es")),
        ("lang:es-MX", Query(language="es-mx")),
        ("lang:%", Query(words("lang"))),
        ("before:2026-01-31", Query(until=datetime(2026, 1, 31, tzinfo=UTC))),
        ("after:2026-01-31", Query(since=datetime(2026, 2, 1, tzinfo=UTC))),
        ("before:yesterday", Query((Term(("before", "yesterday")),))),
        ("before:1969-12-31", Query((Term(("before", "1969", "12", "31")),))),
        ("after:9999-12-31", Query((Term(("after", "9999", "12", "31")),))),
        ("tea tea TEA", Query(words("tea"))),
        ("日本", Query((Term(("日", "本")),))),
        ("a AND b OR NOT c", Query(words("a", "and", "b", "or", "not", "c"))),
    ],
)
def test_a_query_is_parsed_to_its_parts(text, query):
    assert parse(text) == query


def test_only_the_first_terms_count():
    assert len(parse(" ".join(f"w{n}" for n in range(100))).terms) == MOST_TERMS


# Under coverage hypothesis is ten times slower; CI's run on the newest Python is without it.
EXAMPLES = 20_000 if sys.gettrace() is None else 1_000


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text(max_size=40) | st.text(alphabet='ab"*-:() 1before:fromlang日é\x00', max_size=40))
def test_nothing_that_a_person_types_is_an_error(text):
    query = parse(text)
    assert bool(query) == (query != Query())
    for term in query.terms + query.excluded:
        assert term.words
        assert all(word and not set(word) & set('" *\x00') for word in term.words)


@given(st.text())
def test_the_normal_form_of_words_is_final(text):
    assert split_words(index_text(text)) == split_words(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße", "strasse"),
        ("ﬁne", "fine"),
        ("Crème", "creme"),
        ("ＡＢＣ", "abc"),
        ("한국", "한국"),
        ("Ǆ", "dz"),
    ],
)
def test_case_accents_and_ligatures_are_folded(text, folded):
    assert fold(text) == folded


def test_of_a_phrase_only_the_first_words_count():
    characters = tuple("日本語" * 50)
    assert parse(f'"{"日本語" * 50}"').terms == (Term(characters[:MOST_WORDS]),)
    assert parse("㌖" * 500).terms == (Term(tuple("キロメートル" * 20)[:MOST_WORDS]),)


def test_a_cut_phrase_has_no_prefix():
    assert parse("日" * MOST_WORDS + "*").terms == (Term(("日",) * MOST_WORDS, is_prefix=True),)
    assert parse("日" * (MOST_WORDS + 1) + "*").terms == (Term(("日",) * MOST_WORDS),)
