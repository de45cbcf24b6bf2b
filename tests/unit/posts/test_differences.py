"""What changed between two texts, word by word, at a bounded cost."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.posts.differences import Budget, compare
from tests.cost import MOST_SECONDS, cost_of

SIGNS = {"same": "{}", "deleted": "[-{}]", "inserted": "[+{}]"}
LONGEST = 100_000


def show(before: str, after: str, budget: Budget | None = None) -> str:
    return "".join(
        SIGNS[piece.kind].format(piece.text) for piece in compare(before, after, budget or Budget())
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("The cat sat.", "The dog sat.", "The [-cat][+dog] sat."),
        ("a b c d", "a x y d", "a [-b c][+x y] d"),
        ("q b c d", "x b y d", "[-q][+x] b [-c][+y] d"),
        ("a b c", "a x\nc", "a [-b ][+x\n]c"),
        ("one two", "one two three", "one two[+ three]"),
        ("one two three", "two three", "[-one ]two three"),
        ("", "new", "[+new]"),
        ("don't stop", "can't stop", "[-don't][+can't] stop"),
        ("costs 3.14 euros", "costs 3.15 euros", "costs [-3.14][+3.15] euros"),
        ("first\nsecond\nthird", "first\n2nd\nthird", "first\n[-second][+2nd]\nthird"),
        ("first\nthird", "first\nsecond\nthird", "first\n[+second\n]third"),
        ("a, b", "a; b", "a[-,][+;] b"),
        ("漢字を書く人", "漢語を読む人", "漢[-字][+語]を[-書く][+読む]人"),
        ("ฉันชอบแมว", "ฉันรักแมว", "ฉัน[-ชอบ][+รัก]แมว"),
        ("صباح الخير يا ليلى", "صباح النور يا ليلى", "صباح [-الخير][+النور] يا ليلى"),
        ("cafe\u0301 noir", "café noir", "[-cafe\u0301][+café] noir"),
        ("👩‍👩‍👧‍👦🏳️‍🌈", "👩‍👩‍👧‍👦🇪🇸", "👩‍👩‍👧‍👦[-🏳️‍🌈][+🇪🇸]"),
        ("x y\nz", "x y\nw", "x y\n[-z][+w]"),
    ],
)
def test_words_that_changed_are_shown(before, after, expected):
    assert show(before, after) == expected


TEXTS = st.text(alphabet="ab .\n漢é\u0301🇪", max_size=40)


@given(TEXTS, TEXTS)
def test_both_texts_are_complete_in_the_pieces(before, after):
    pieces = compare(before, after, Budget())
    assert "".join(piece.text for piece in pieces if piece.kind != "inserted") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "deleted") == after
    assert all(piece.text for piece in pieces)
    assert all(one.kind != other.kind for one, other in pairwise(pieces))


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (Budget(lines=1), "[-a b\nc d\n][+a x\ny d\n]"),
        (Budget(pairs=3), "a [-b\nc][+x\ny] d\n"),
        (Budget(characters=6), "a [-b][+x]\n[-c][+y] d\n"),
        (Budget(characters=5), "a [-b\nc][+x\ny] d\n"),
    ],
)
def test_what_is_beyond_the_budget_is_replaced(budget, expected):
    assert show("a b\nc d\n", "a x\ny d\n", budget) == expected


def test_the_comparisons_of_a_page_share_a_budget():
    budget = Budget(characters=30)
    assert show("one b three", "one x y z three", budget) == "one [-b][+x y z] three"
    assert show("a b c d e f g h i", "a x c d y f g z i", budget).count("[-") == 1


def words(count: int, different: int) -> str:
    generator = random.Random(count + different)
    return " ".join(f"w{generator.randrange(different)}" for _ in range(count))


HOSTILE = {
    "words": (words(20_000, 9), words(20_000, 8)),
    "as many words as are compared": (words(2_500, 90), words(2_500, 80)),
    "letters": ("漢字" * 50_000, "字漢" * 50_000 + "x"),
    "as many letters as are compared": ("漢字" * 2_200 + "x", "字漢漢" * 1_480),
    "flags": ("🇦🇧" * 9_900, "🇧🇦" * 9_900),
    "marks": ("a" + "\u0301" * 19_000, "a" + "\u0302" * 19_000),
    "lines": ("a\nb\n" * 25_000, "b\na\n" * 25_000),
    "as many lines as are compared": ("a\nb\n" * 2_200, "b\na\nc\n" * 1_480),
    "empty lines": ("\n" * LONGEST, "\n" * 50_000 + "a" + "\n" * 49_999),
    "no spaces": ("x" * LONGEST, "y" + "x" * (LONGEST - 1)),
    "joined": ("a'" * 9_000, "'a" * 9_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_cost_little(name):
    before, after = HOSTILE[name]
    assert cost_of(lambda: compare(before, after, Budget())) < MOST_SECONDS


def test_one_word_of_a_very_long_line_is_found():
    before = words(16_000, 9_999)
    after = before.replace(" ", " x ", 1)
    assert show(before, after).count("[") == 1
