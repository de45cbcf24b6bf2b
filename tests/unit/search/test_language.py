"""The query language and the normal form of words."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog.folding import fold
from microblog.search.language import MOST_REMARKS, MOST_TERMS, MOST_WORDS, SIGNS, Query, Term, parse
from microblog.search.remarks import Kind
from microblog.search.stemming import list_forms_in_all_languages
from microblog.search.text import index_text, split_words


def words(*names: str) -> tuple[Term, ...]:
    """Words that are looked for in all their forms."""
    return tuple(Term((name,), forms=list_forms_in_all_languages(name)) for name in names)


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
        ("from:", Query()),
        ("tag:Café tag:#cafe", Query((Term(("¶cafe",)),))),
        ('-tag:"tea_time" tag:tea', Query((Term(("¶tea",)),), (Term(("¶tea¬time",)),))),
        ("tag: tag:# -tag: tag:1 tag:a-b", Query()),
        ("from:müller", Query(author="")),
        ("from:a from:b", Query(author="b")),
        ("tea -from:@Susan -from:john -from:susan", Query(words("tea"), excluded_authors=("susan", "john"))),
        ("-from:müller", Query()),
        ("lang:ES", Query(language="es")),
        ("lang:es-MX", Query(language="es-mx")),
        ("lang:%", Query()),
        ("lang:spanish", Query()),
        ("-lang:es", Query()),
        ("before:2026-01-31", Query(until=datetime(2026, 1, 31, tzinfo=UTC))),
        ("after:2026-01-31", Query(since=datetime(2026, 2, 1, tzinfo=UTC))),
        ("before:yesterday", Query()),
        ("before:1969-12-31", Query()),
        ("after:9999-12-31", Query()),
        ("before:2026-02-30", Query()),
        ("before:2026-1-5", Query(until=datetime(2026, 1, 5, tzinfo=UTC))),
        ("after:٢٠٢٦-٠١-٣١", Query(since=datetime(2026, 2, 1, tzinfo=UTC))),
        ("before:2026-02-01 before:2026-01-01", Query(until=datetime(2026, 1, 1, tzinfo=UTC))),
        ("after:2026-01-31 after:2026-01-01", Query(since=datetime(2026, 2, 1, tzinfo=UTC))),
        ("-before:2026-01-31", Query()),
        ("tea tea TEA", Query(words("tea"))),
        ("日本", Query((Term(("日", "本")),))),
        ("日本*", Query((Term(("日", "本"), is_prefix=True),))),
        ("“green tea” „grüner Tee“", Query((Term(("green", "tea")), Term(("gruner", "tee"))))),
        ("«thé vert» 「青い」", Query((Term(("the", "vert")), Term(("青", "い"))))),
        ('"green tea” ＂a b＂', Query((Term(("green", "tea")), Term(("a", "b"))))),
        ("‘it’s ok’ -‘a b’", Query((Term(("it", "s", "ok")),), (Term(("a", "b")),))),
        ("‹a b› ‚c d‘", Query((Term(("a", "b")), Term(("c", "d"))))),
        ("‘twas ’n’ tea", Query(words("twas", "n", "tea"))),
        ("don’t", Query((Term(("don", "t")),))),
        ('צה"ל', Query((Term(("צה", "ל")),))),
        ("−sugar －milk te＊", Query((Term(("te",), is_prefix=True),), words("sugar", "milk"))),
        ("from：＠susan", Query(author="susan")),
        ("https://example.com/a", Query((Term(("https", "example", "com", "a")),))),
        ("a AND b OR NOT c", Query(words("a", "and", "b", "or", "not", "c"))),
    ],
)
def test_a_query_is_parsed_to_its_parts(text, query):
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "remarks"),
    [
        ('tea -sugar te* "green tea" from:susan lang:es before:2026-01-31', []),
        ("rock & roll - a + b = c, C++!", []),
        ("from: -from:@", [(Kind.NO_VALUE, "from:"), (Kind.NO_VALUE, "-from:@")]),
        ("before:banana", [(Kind.NO_DATE, "before:banana")]),
        ("lang:spanish", [(Kind.NO_LANGUAGE, "lang:spanish")]),
        ("tag: -tag:#", [(Kind.NO_VALUE, "tag:"), (Kind.NO_VALUE, "-tag:#")]),
        ("tag:1 -tag:a-b", [(Kind.NO_TAG, "tag:1"), (Kind.NO_TAG, "-tag:a-b")]),
        ("from:müller", [(Kind.NOBODY, "müller")]),
        ("-from:müller", [(Kind.NOBODY, "müller")]),
        ("from:a FROM:A", []),
        ("from:a from:b", [(Kind.REPEATED, "from:a")]),
        ("-lang:es", [(Kind.CANNOT_EXCLUDE, "-lang:es")]),
        ("-after:2026-01-01", [(Kind.CANNOT_EXCLUDE, "-after:2026-01-01")]),
        ("after:2026-01-31 before:2026-02-01", [(Kind.NO_DAY, "")]),
        ("after:2026-01-30 before:2026-02-01", []),
        ('"never closed ', [(Kind.NOT_CLOSED, "never closed")]),
        ('tea "', []),
        ("*", [(Kind.NO_WORD, "*")]),
        ("-👍 👍 👍", [(Kind.NO_WORD, "👍")]),
        ("ga*den", [(Kind.STAR, "ga*den")]),
        ('"green te*"', [(Kind.STAR, "green te*")]),
        ("日" * 101, [(Kind.LONG_PHRASE, "日" * 101)]),
        (" ".join(f"w{n}" for n in range(18)), [(Kind.MANY_TERMS, "w16")]),
        (" ".join(f"-w{n}" for n in range(17)), [(Kind.MANY_TERMS, "w16")]),
    ],
)
def test_what_is_not_understood_or_left_out_is_remarked(text, remarks):
    assert [(remark.kind, remark.text) for remark in parse(text).remarks] == remarks


def test_there_are_few_remarks():
    assert len(parse(" ".join(f"ga*{n}" for n in range(60))).remarks) == MOST_REMARKS


def test_only_the_first_terms_count():
    assert len(parse(" ".join(f"w{n}" for n in range(100))).terms) == MOST_TERMS


# Under coverage hypothesis is ten times slower; CI's run on the newest Python is without it.
EXAMPLES = 20_000 if sys.gettrace() is None else 1_000


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text(max_size=40) | st.text(alphabet='ab"*-:() 1before:fromlang日é\x00', max_size=40))
def test_nothing_that_a_person_types_is_an_error(text):
    query = parse(text)
    assert bool(query) == (query != Query())
    assert all(remark.text in text.translate(SIGNS) or "‘" in text or "’" in text for remark in query.remarks)
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
