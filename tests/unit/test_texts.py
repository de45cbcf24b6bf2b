"""How long texts are, and which of them look empty."""

from __future__ import annotations

import sys
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from microblog.texts import (
    CODE_POINTS_IN_A_GRAPHEME,
    InvalidText,
    check_graphemes,
    empty_if_blank,
    is_blank,
    split_graphemes,
)
from tests.cost import MOST_SECONDS, cost_of

# Default_Ignorable_Code_Point of DerivedCoreProperties.txt, Unicode 17.0.
IGNORED = [
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
]


def characters(ranges: list[tuple[int, int]]) -> list[str]:
    return [chr(point) for first, last in ranges for point in range(first, last + 1)]


def test_a_text_of_default_ignorable_characters_looks_empty():
    for character in characters(IGNORED):
        assert is_blank(character), f"{ord(character):04X}"
    assert is_blank("".join(characters(IGNORED)))


def test_what_unicode_ignores_is_what_the_library_knows_of_it():
    known = regex.findall(r"\p{Default_Ignorable_Code_Point}", "".join(map(chr, range(sys.maxunicode + 1))))
    assert set(known) >= set(characters(IGNORED))
    # A newer Unicode may ignore more, but nothing that has been a letter for long.
    assert {unicodedata.category(each) for each in set(known) - set(characters(IGNORED))} <= {
        "Cf",
        "Cn",
        "Mn",
    }


LOOKING_EMPTY = [
    *(
        "",
        " ",
        "\n\t\r",
        "\u200b\u200d",
        "\u3164",
        "\u115f\u1160",
        "\uffa0",
        "\u2800",
        "\u00ad",
        "\u2028",
        "\ufeff",
    ),
    *(
        "\ufe0f",
        "\u200e\u202e",
        "\U000e0041\U000e007f",
        "\u17b4",
        "\u180e",
        "\u00a0\u3000",
        "\x85",
        "\ufff9\ufffa",
    ),
    *("\U00013441", "\U0001d159", "\U00016fe4", " \u2800\n\u3164\u200b"),
]


@pytest.mark.parametrize("text", LOOKING_EMPTY)
def test_what_looks_empty_is_empty(text):
    assert is_blank(text)
    assert empty_if_blank(text) == ""


@pytest.mark.parametrize(
    "text", ["a", " . ", "🙂", "日", "\u200bx", "\u0301", "🏴\U000e0067\U000e007f", "\u0600", "\u3164ㄱ"]
)
def test_there_is_something_to_see(text):
    assert not is_blank(text)
    assert empty_if_blank(text) == text


def test_what_is_not_assigned_yet_may_be_seen():
    assert not is_blank("\U0001fbfe")
    assert not is_blank("\ue000")


@given(st.text())
def test_a_text_with_a_letter_digit_or_symbol_does_not_look_empty(text):
    blank_ones = set("\u115f\u1160\u3164\uffa0\u2800\U00013441\U00013442\U0001d159")
    if any(unicodedata.category(each)[0] in "LNS" and each not in blank_ones for each in text):
        assert not is_blank(text)


@pytest.mark.parametrize(
    "character",
    [
        "👩🏾‍👨🏾‍👧🏾‍👧🏾",
        "👩🏾‍❤️‍💋‍👨🏿",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "👩‍👩‍👧‍👦",
        "🇩🇪",
        "1️⃣",
        "क्ष्म्य",
        "\u0915\u094d\u200d\u0937",
        "e\u0301\u0323",
        "각",
        "\r\n",
    ],
)
def test_what_a_reader_calls_one_character_is_one(character):
    assert split_graphemes(character) == [character]
    check_graphemes(character * 10, 10)
    with pytest.raises(InvalidText, match="1 character too long"):
        check_graphemes(character * 11, 10)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("\u094d\u0915", ["\u094d", "\u0915"]),  # a virama without a consonant before it joins nothing
        ("a\u094d\u0915", ["a\u094d", "\u0915"]),
        ("\u0915\u094d\u200c\u0937", ["\u0915\u094d\u200c", "\u0937"]),
        ("🇩🇪🇫🇷🇩", ["🇩🇪", "🇫🇷", "🇩"]),
        ("\u0600a", ["\u0600a"]),
    ],
)
def test_characters_end_where_uax_29_says(text, parts):
    assert split_graphemes(text) == parts


@given(st.text())
def test_characters_are_the_whole_text(text):
    assert "".join(split_graphemes(text)) == text


def test_a_character_has_no_more_marks_than_anybody_can_read():
    check_graphemes("a" + "\u0301" * (CODE_POINTS_IN_A_GRAPHEME - 1), 280)
    with pytest.raises(InvalidText, match="too many parts"):
        check_graphemes("a" + "\u0301" * CODE_POINTS_IN_A_GRAPHEME, 280)
    with pytest.raises(InvalidText, match="far too long"):
        check_graphemes("\u0301" * 280 * (CODE_POINTS_IN_A_GRAPHEME + 1), 280)


@pytest.mark.parametrize(
    "unit", ["a", "🇩", "\u094d", "a\u0301", "\u0915\u094d", "a\u094d", "\u0600", "\u200d", "ᄀ", "👩\u200d"]
)
def test_every_text_is_cheap_to_count(unit):
    text = (unit * 100_000)[:100_000]
    assert cost_of(lambda: split_graphemes(text)) < MOST_SECONDS
