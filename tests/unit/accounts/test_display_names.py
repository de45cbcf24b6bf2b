"""What a display name may be."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.accounts.models import DISPLAY_NAME_CODE_POINTS
from microblog.accounts.rules import (
    DISPLAY_NAME_GRAPHEMES,
    check_display_name,
    make_display_name,
    tidy_display_name,
)
from microblog.people.names import format_name
from microblog.texts import InvalidText, is_blank, split_graphemes

FAMILY = "👩🏾‍👨🏾‍👧🏾‍👧🏾"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Susan Kramer",
        "Łukasz Żółć",
        "أدا لوفلايس",
        "סוזן \u200f(קרמר)\u200f",  # with marks of direction
        "สมหญิง รักไทย",
        "山田　太郎",
        FAMILY * 25,
        "山" * 60,
        "Z̸̧̢̛a̷l̴g̵o",
        "ن‌ام",  # with a ZERO WIDTH NON-JOINER, as Persian is spelled
    ],
)
def test_a_display_name_is_in_any_script(name):
    assert tidy_display_name(f" {name}\n") == unicodedata.normalize("NFC", name)
    check_display_name(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 61, "1 character too long: at most 60"),
        (FAMILY * 28, "too many of its characters are made of several parts"),
        ("e" + "\u0316" * 20, "made of too many parts"),
        ("x\u0300\u0316" * 10_000, "far too long: at most 60"),
        ("Susan\nKramer", "is one line"),
        ("Susan\tKramer", "is one line"),
        ("Susan\u2028Kramer", "is one line"),
        ("Susan\x00", "control character"),
        ("Susan\u202enasus", "changes the direction"),
        ("\u2067Susan", "changes the direction"),
        ("@admin", "has no @"),
        ("Susan (＠admin)", "has no @"),
    ],
)
def test_what_is_no_display_name_is_refused_with_a_sentence(name, words):
    with pytest.raises(InvalidText, match=words):
        check_display_name(tidy_display_name(name))
    assert make_display_name(name) == ""


@pytest.mark.parametrize("blank", ["", None, "  ", "\u200b\u2060", "\u3164", "\u2800"])
def test_a_name_that_looks_empty_is_none(blank):
    assert tidy_display_name(blank) == ""


@given(st.text(max_size=80))
def test_a_name_that_is_taken_over_keeps_every_rule(text):
    name = make_display_name(text)
    check_display_name(name)
    assert tidy_display_name(name) == name
    assert name == "" or not is_blank(name)
    assert len(split_graphemes(name)) <= DISPLAY_NAME_GRAPHEMES
    assert len(name) <= DISPLAY_NAME_CODE_POINTS
    assert name in ("", unicodedata.normalize("NFC", text.strip()))


def test_both_names_are_said_where_there_is_no_markup():
    assert format_name("", "susan") == "susan"
    assert format_name("Susan Kramer", "susan") == "Susan Kramer (@susan)"


def test_a_name_from_right_to_left_does_not_turn_the_text_around_it():
    assert format_name("סוזן", "susan") == "\u2068סוזן\u2069 (\u2068@susan\u2069)"
