"""Marking hits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from microblog.search.language import parse
from microblog.search.marks import HitMarker, matches


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("tea", "Tea & <tea>", "<mark>Tea</mark> &amp; &lt;<mark>tea</mark>&gt;"),
        ("tea", "steam", "steam"),
        ("te*", "tea time", "<mark>tea</mark> time"),
        ("strasse", "Die Straße!", "Die <mark>Straße</mark>!"),
        ("fine", "ﬁne", "<mark>ﬁne</mark>"),
        ('"green tea"', "green tea, green", "<mark>green tea</mark>, green"),
        ("green tea", "tea green", "<mark>tea</mark> <mark>green</mark>"),
        ("日本", "日本語", "<mark>日本</mark>語"),
        ("tea -milk", "tea milk", "<mark>tea</mark> milk"),
        ("-milk", "tea milk", "tea milk"),
        ('"a b"', "a", "a"),
    ],
)
def test_what_is_marked(query, text, marked):
    assert HitMarker(parse(query))(text) == marked


@given(st.text(), st.text())
def test_marking_changes_nothing_but_the_marks(query, text):
    marked = HitMarker(parse(query))(text)
    assert marked.replace("<mark>", "").replace("</mark>", "") == escape(text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("creme", True),
        ("creme brulee", True),
        ("creme tea", False),
        ('"brulee creme"', False),
        ("bru*", True),
        ("creme -tea", True),
        ("creme -brulee", False),
        ("-tea", True),
        ("from:susan", True),
        ("from:john creme", False),
        ("lang:fr", True),
        ("lang:fr-ca", True),
        ("lang:fr-be", False),
        ("lang:es creme", False),
    ],
)
def test_a_post_is_matched_like_an_index_would(query, found):
    assert matches(parse(query), "Susan", "fr-CA", "Crème brûlée") is found


def test_a_post_without_a_language_matches_none():
    assert matches(parse("tea"), "susan", None, "tea")
    assert not matches(parse("lang:en tea"), "susan", None, "tea")
