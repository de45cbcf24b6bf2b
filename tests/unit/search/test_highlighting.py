"""Marking hits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from microblog.search.highlighting import LONGEST_REMEMBERED, Highlighter, matches
from microblog.search.language import MAX_QUERY_CHARACTERS, parse
from tests.cost import MOST_SECONDS, cost_of


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
        ('a "a b c" "a b"', "a b d a b c a", "<mark>a b</mark> d <mark>a b c</mark> <mark>a</mark>"),
        ('"a b c" b', "a b d", "a <mark>b</mark> d"),
        ('"a b" a*', "a b apple", "<mark>a b</mark> <mark>apple</mark>"),
        ("日本* 日", "日本語日", "<mark>日本</mark>語<mark>日</mark>"),
        ("日 本", "日本語日 本", "<mark>日本</mark>語<mark>日</mark> <mark>本</mark>"),
        ("te* tea", "tea team", "<mark>tea</mark> <mark>team</mark>"),
        ("ไทย", "ภาษาไทยง่าย ประเทศไทย", "ภาษา<mark>ไทย</mark>ง่าย ประเทศ<mark>ไทย</mark>"),
        ("น้ำ", "ดื่มน\u0e4d\u0e49าเย็น", "ดื่ม<mark>น\u0e4d\u0e49า</mark>เย็น"),
        ("ខ្មែរ", "ភាសា\u200bខ្មែរងាយ", "ភាសា\u200b<mark>ខ្មែរ</mark>ងាយ"),
        ("ໝາ", "ຫມາ", "<mark>ຫມາ</mark>"),
        ("404", "エラー404が出た", "エラー<mark>404</mark>が出た"),
        ("english", "Ελληνικάenglish", "Ελληνικά<mark>english</mark>"),
        ("lodz", "Ł\u00adódź!", "<mark>Ł\u00adódź</mark>!"),
        ("l'été", "l’été", "<mark>l’été</mark>"),
        ("صلى", "ﷺ", "<mark>ﷺ</mark>"),
        ("2026", "السنة ٢٠٢٦", "السنة <mark>٢٠٢٦</mark>"),
    ],
)
def test_words_of_the_query_are_highlighted(query, text, marked):
    assert Highlighter(parse(query))(text) == marked


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("tag:tea", "#Tea", "<mark>#Tea</mark>"),
        ("tag:#cafe", "＃Café", "<mark>＃Café</mark>"),
        ("tag:tea tea", "#tea", "<mark>#tea</mark>"),
        ("tag:tea_time", "#tea_time", "<mark>#tea_time</mark>"),
        ("tag:tea", "#tea_time", "#tea_time"),
        ("tag:tea", "tea", "tea"),
        ("-tag:tea", "#tea", "#tea"),
        ("tag:tea", "#tea<", "#tea&lt;"),
        ("tea", "#tea", "#<mark>tea</mark>"),
    ],
)
def test_a_tag_of_the_query_is_highlighted_with_its_sign(query, text, marked):
    assert Highlighter(parse(query))(text) == marked


@pytest.mark.parametrize(
    ("query", "language", "text", "marked"),
    [
        (
            "running",
            "en-GB",
            "Runs, ran, Running",
            "<mark>Runs</mark>, ran, <mark>Running</mark>",
        ),
        ("Häuser", "de", "Das Haus", "Das <mark>Haus</mark>"),
        ("hauses", "de", "Alte HÄU\u00adSER!", "Alte <mark>HÄU\u00adSER</mark>!"),
        ("running", None, "She runs", "She runs"),
        ("running", "de", "She runs", "She runs"),
        ("running lang:de", "en", "She runs", "She runs"),
        ('"running"', "en", "She runs", "She runs"),
        ("-running she", "en", "She runs", "<mark>She</mark> runs"),
        ('run "fast dogs"', "en", "running fast dogs", "<mark>running</mark> <mark>fast dogs</mark>"),
        ("r2d2", "en", "r2d2s", "r2d2s"),
        ("§enrun", "en", "runs §enrun", "runs §<mark>enrun</mark>"),
        (
            "run",
            "en",
            "runt runner rerun §runs dog-run",
            "runt runner rerun §<mark>runs</mark> dog-<mark>run</mark>",
        ),
        ("книгу", "ru", "Telegramкни\u0301ги", "Telegram<mark>кни\u0301ги</mark>"),
        (
            "running",
            "en",
            "r\u0336u\u0336n\u0336s\u0336 runs<b>",
            "<mark>r\u0336u\u0336n\u0336s\u0336</mark> <mark>runs</mark>&lt;b&gt;",
        ),
        ("running", "zz", "She runs", "She runs"),
        ("casas", "pt-BR", "uma casa", "uma <mark>casa</mark>"),
        ("bøkene", "NO", "mange bøker", "mange <mark>bøker</mark>"),
    ],
)
def test_forms_of_a_word_are_highlighted_in_the_language_of_the_text(query, language, text, marked):
    assert Highlighter(parse(query)).in_language(language)(text) == marked


@given(st.text(), st.text(), st.sampled_from(["en", "ar", "de", None]))
def test_highlighting_forms_changes_nothing_but_the_tags(query, text, language):
    marked = Highlighter(parse(query))(text, language)
    assert marked.replace("<mark>", "").replace("</mark>", "") == escape(text)


@given(st.text(), st.text())
def test_highlighting_changes_nothing_but_the_tags(query, text):
    marked = Highlighter(parse(query))(text)
    assert marked.replace("<mark>", "").replace("</mark>", "") == escape(text)


LONG_WORD = "a" + "\u0301b" * LONGEST_REMEMBERED
ALIKE = " ".join(f'"{"㌖" * 5}{character}"' for character in "あいうえおかきく")


@pytest.mark.parametrize("text", ["㌖" * 276, "ᄀ" * 2800, "ﷺ" * 280, "a " * 140, LONG_WORD * 40])
@pytest.mark.parametrize(
    "query",
    [
        ALIKE,
        " ".join(f'"{"㌖" * 58}{character}"' for character in "あいうえおかきく"),
        f'"{"㌖" * 249}あ" "{"㌖" * 246}い"',
        '"' + "ᄀ" * 31 + 'あ"',
        " ".join(f'"{"ᄀ" * length}あ"' for length in range(16, 32)),
        " ".join(f"{'ᄀ' * length}あ*" for length in range(16, 32)),
        " ".join("a" * length + "*" for length in range(16, 32)),
        '"' + "a " * 31 + 'b"',
        "ﷺ" * MAX_QUERY_CHARACTERS,
        f"{'a' * 400}* a*",
        LONG_WORD,
    ],
)
def test_highlighting_a_page_of_long_texts_is_fast(query, text):
    marker = Highlighter(parse(query))
    assert cost_of(lambda: [marker(text) for _ in range(26)]) < MOST_SECONDS


def test_a_word_that_is_too_long_for_the_cache_is_highlighted_too():
    assert Highlighter(parse(LONG_WORD))(LONG_WORD) == f"<mark>{LONG_WORD}</mark>"


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
        ("lang:fr", True),
        ("lang:fr-ca", True),
        ("lang:fr-be", False),
        ("lang:es creme", False),
    ],
)
def test_a_post_is_matched_like_an_index_would(query, found):
    assert matches(parse(query), "fr-CA", "Crème brûlée") is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("chevaux", True),
        ("chevaux école", True),
        ('"cheval"', False),
        ("vache -cheval", False),
        ("cheval lang:fr", True),
        ("cheval lang:en", False),
    ],
)
def test_a_post_is_matched_by_its_forms(query, found):
    assert matches(parse(query), "fr", "Les chevaux des écoles") is found


def test_a_post_without_a_language_matches_none():
    assert matches(parse("tea"), None, "tea")
    assert not matches(parse("lang:en tea"), None, "tea")
