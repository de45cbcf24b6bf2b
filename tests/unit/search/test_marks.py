"""Marking hits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from microblog.search.language import parse
from microblog.search.marks import HitMarker


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
