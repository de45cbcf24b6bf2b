"""What is a word, and its normal form: the same for posts and queries."""

from __future__ import annotations

import random
import sys
import threading
import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog.folding import ARABIC, LATIN, fold
from microblog.search import dictionary
from microblog.search.text import MOST_TAKEN_APART, get_rule, index_text, split_words
from tests.cost import MOST_SECONDS, cost_of

# Under coverage hypothesis is ten times slower; CI's run on the newest Python is without it.
EXAMPLES = 5_000 if sys.gettrace() is None else 500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't it’s", "don t it s"),
        ("3.14 10:30 1,000", "3 14 10 30 1 000"),
        ("e.g. C++ foo_bar snake_case", "e g c foo bar snake case"),
        ("https://example.com/a-b @susan #tag", "https example com a b susan tag"),
        ("エラー404が出た", "エ ラ ー 404 が 出 た"),
        ("iPhone15を買った", "iphone15 を 買 っ た"),
        ("Ελληνικάenglish", "ελληνικα english"),
        ("Москваcity15", "москва city15"),
        ("人々 ｱｲ ㄅㄆ 검색", "人 々 ア イ ㄅ ㄆ 검 색"),
        ("2nd 2ไทย3 漢3字", "2nd 2 ไทย 3 漢 3 字"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        ("ሰላም ⲀⲂ 𐌰𐌱", "ሰላም ⲁⲃ 𐌰𐌱"),
        ("བོད་སྐད", "བོད སྐད"),
        ("ᥖᥭᥰ ꦲꦏ꧀ꦱ ꀀꀁ", "ᥖ ᥭ ᥰ ꦲ ꦏ꧀ ꦱ ꀀ ꀁ"),
        ("๑ ๆ ฯ ຯ ៗ", "1"),
        ("่ ́ 👍 ☕", ""),
    ],
)
def test_words_are_runs_of_one_script(text, words):
    assert split_words(text) == words.split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ภาษาไทยง่ายมาก", "ภาษา ไทย ง่าย มาก"),
        ("ประเทศไทย", "ประ เทศ ไทย"),
        ("กรุงเทพฯ กรุงเทพมหานคร", "กรุง เทพ กรุง เทพ มหา นคร"),
        ("ง่ายๆ", "ง่าย"),
        ("ดื่มน้ำแข็ง", "ดื่ม น้ำ แข็ง"),
        ("คำตอบ", "คำ ตอบ"),
        ("ดื่มน\u0e4d\u0e49า", "ดื่ม น้ำ"),
        ("สวัสดี\u200bครับ", "สวัสดี ครับ"),
        ("ພາສາລາວງ່າຍຫຼາຍ", "ພາສາ ລາວ ງ່າຍ ຫຼາຍ"),
        ("ນ້ຳ ນ\u0ecd\u0ec9າ", "ນ້ຳ ນ້ຳ"),
        ("ອາເມລິກາເໜືອ ຫມາ", "ອາເມລິກາ ເໜືອ ໝາ"),
        ("ភាសាខ្មែរងាយណាស់", "ភាសា ខ្មែរ ងាយ ណាស់"),
        ("ភាសា\u200bខ្មែរ", "ភាសា ខ្មែរ"),
        ("မြန်မာဘာသာစကားလွယ်ကူသည်", "မြန်မာ ဘာသာ စကား လွယ်ကူ သည်"),
        ("ကျောင်းသား", "ကျောင်း သား"),
    ],
)
def test_thai_lao_khmer_and_burmese_are_split_by_dictionary_into_the_smallest_words(text, words):
    assert split_words(text) == words.split()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße ẞ", "strasse ss"),
        ("ﬁne Ǆ ＡＢＣ", "fine dz abc"),
        ("Crème", "creme"),
        ("한국 が", "한국 が"),
        (
            "Łódź Øresund Đà Nẵng Þórður Æðelred Œuvre Ħamrun",
            "lodz oresund da nang thordur aedelred oeuvre hamrun",
        ),
        ("ISTANBUL İstanbul ıstanbul", "istanbul istanbul istanbul"),
        ("ΟΔΥΣΣΕΥΣ Ὀδυσσεύς", "οδυσσευσ οδυσσευσ"),
        ("مدرســة الْعَرَبِيَّة", "مدرسه العربيه"),
        ("أحمد إلى آن", "احمد الي ان"),
        ("یک ہے", "يك هے"),
        ("super\u00adcali\u200bfra\u200dgi\u2060lis\ufe0f", "supercalifragilis"),
        ("\u2066abc\u2069 \u200fabc\u061c", "abc abc"),
        ("می\u200cخواهم", "ميخواهم"),
        ("e\u0323\u0302 e\u0302\u0323", "e e"),
        ("1\ufe0f\u20e3 x²", "1 x2"),
        ("٢٠٢٦ २०२६ ๒๐๒๖ ２０２６", "2026 2026 2026 2026"),
        ("п’ять пʼять п'ять", "п'ять п'ять п'ять"),
        ("דוד שָׁלוֹם", "דוד שלום"),
    ],
)
def test_what_does_not_count_is_folded(text, folded):
    assert fold(text) == folded


def test_no_invisible_character_and_no_digit_but_those_of_ascii_is_left():
    left = regex.compile(r"\p{Default_Ignorable_Code_Point}")
    for character in map(chr, range(sys.maxunicode + 1)):
        folded = fold(character)
        assert not left.search(folded), hex(ord(character))
        assert not folded.isdecimal() or folded.isascii(), hex(ord(character))


@pytest.mark.parametrize("letter", [*LATIN, *ARABIC])
def test_the_table_has_only_letters_that_unicode_does_not_decompose(letter):
    assert unicodedata.normalize("NFKD", letter) == letter.casefold() == letter


@given(st.text(alphabet=st.characters(max_codepoint=127)))
@settings(max_examples=EXAMPLES)
def test_texts_in_ascii_are_split_like_all_others(text):
    assert split_words(f"{text} ж") == [*split_words(text), "ж"]


HAS_A_DICTIONARY = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")


@given(st.text().filter(lambda text: not HAS_A_DICTIONARY.search(text)))
@settings(max_examples=EXAMPLES)
def test_the_normal_form_of_words_is_final(text):
    assert split_words(index_text(text)) == split_words(text)


THAI = "ภาษาไทยง่ายมากประเทศไทยมีอาหารอร่อยและคนใจดีวันนี้ฉันไปตลาดกับเพื่อนเพื่อซื้อผลไม้และน้ำดื่ม"


WORDS = [
    "ภาษา",
    "ไทย",
    "ง่าย",
    "น้ำ",
    "ພາສາ",
    "ລາວ",
    "ນ້ຳ",
    "ភាសា",
    "ខ្មែរ",
    "မြန်မာ",
    "404",
    "tea",
    "日本",
    " ",
    "ก",
    "မ",
]


@given(st.lists(st.sampled_from(WORDS)).map("".join))
@settings(max_examples=EXAMPLES)
def test_a_dictionary_leaves_nothing_out_and_adds_nothing(text):
    assert "".join(split_words(text)) == text.replace(" ", "")


def test_dictionaries_serve_several_threads():
    expected = dictionary.split_run(THAI)
    found: list[list[str]] = []

    def split() -> None:
        found.extend(dictionary.find_words(THAI) for _ in range(200))

    threads = [threading.Thread(target=split) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 800
    assert all("".join(words) == "".join(expected) for words in found)


def test_the_rule_has_a_version_which_changes_with_the_dictionaries_and_the_stemmers():
    assert regex.fullmatch(r"\d+ icu\d+ snowball[\d.]+", get_rule())


def test_in_a_very_long_text_compounds_stay_whole():
    words = split_words("ประเทศไทย " * (MOST_TAKEN_APART // 9 + 1))
    assert words[:3] == ["ประ", "เทศ", "ไทย"]
    assert words[-1] == "ประเทศไทย"


COMPOUNDS = ["ประเทศ", "ไทย", "กรุงเทพ", "มหานคร", "โรงเรียน", "รถไฟ", "ตำรวจ", "มหาวิทยาลัย", "อาหาร", "นักเรียน"]
THAI_LETTERS = [chr(number) for number in range(0x0E01, 0x0E4F)]
BURMESE_LETTERS = [chr(number) for number in range(0x1000, 0x1050)]


RANDOM = random.Random(1)


def shuffled(letters: list[str], count: int) -> str:
    return "".join(RANDOM.choices(letters, k=count))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("e" + "\u0301" * 50_000, id="accents"),
        pytest.param("ก" + "\u0e48" * 33_000, id="tones"),
        pytest.param("ก" * 33_000, id="one letter of Thai"),
        pytest.param("กข" * 17_000, id="letters that are no word"),
        pytest.param(THAI * 370, id="Thai"),
        pytest.param(shuffled(COMPOUNDS, 5_000), id="compounds"),
        pytest.param(shuffled(THAI_LETTERS, 33_000), id="any letters of Thai"),
        pytest.param(
            " ".join(shuffled(THAI_LETTERS, 33_000)[n : n + 20] for n in range(0, 33_000, 20)), id="20"
        ),
        pytest.param(shuffled(BURMESE_LETTERS, 33_000), id="any letters of Burmese"),
        pytest.param("aб" * 33_000, id="two scripts"),
        pytest.param("1" * 100_000, id="digits"),
        pytest.param("łø" * 25_000, id="strokes"),
        pytest.param("a\u200b" * 25_000, id="invisible"),
        pytest.param("\u0e4d" * 33_000, id="parts of am"),
    ],
)
def test_no_text_of_100_kb_takes_long_to_split(text):
    def split() -> None:
        dictionary.take_apart.cache_clear()
        dictionary.is_known.cache_clear()
        split_words(text)

    assert cost_of(split, 0.2) < MOST_SECONDS
