"""Word forms: of which words and in which languages there are some, and how an index keeps them."""

from __future__ import annotations

import threading

import pytest
import regex
import Stemmer
from hypothesis import example, given
from hypothesis import strategies as st

from microblog.search.language import parse
from microblog.search.stemming import (
    LONGEST_WORD,
    MARK,
    STEMMERS,
    find_stemmer,
    find_words_with,
    index_post,
    list_forms,
    list_forms_in_all_languages,
)
from microblog.search.tags import list_tag_words
from microblog.search.text import index_text, split_words

MOST_FORMS = 25  # of a word: so many stemmers there are for Latin script
# Any text, and one that is made of letters which have forms, of marks, and of signs between words.
LETTERS = "aeinrsgyĳAÉßøſıİ книгаЙљβίοςΣκتابةأيـמבוךװकितब्ாநூல்գիրք\u0301\u0336\u00ad\u200d\u064e§-'’ʼ. 12"
WITH_WORDS = st.text(st.sampled_from(LETTERS))
TEXTS = st.text() | WITH_WORDS


def get_forms(query: str) -> tuple[str, ...]:
    (term,) = parse(query).terms
    return term.forms


def test_every_stemmer_of_snowball_is_used_but_older_ones_of_the_same_language():
    assert set(Stemmer.algorithms()) - set(STEMMERS.values()) == {"porter", "dutch_porter"}


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("EN", "en"),
        ("nb", "no"),
        ("nn-NO", "no"),
        ("no", "no"),
        ("NO", "no"),
        ("pt-BR", "pt"),
        ("sr-Latn-RS", "sr"),
        ("zz", None),
        ("eng", None),
        ("ja", None),
        ("und", None),
        ("", None),
        (None, None),
    ],
)
def test_the_language_of_a_post_chooses_the_stemmer(language, code):
    assert find_stemmer(language) == code


@pytest.mark.parametrize(
    ("text", "language", "forms"),
    [
        ("He runs and ran, running", "en", ["§enhe", "§enrun", "§enand", "§enran"]),
        ("Viele Häuser, ein Haus", "de", ["§deviel", "§dehaus", "§deein"]),
        ("Über Straßen", "de", ["§deuber", "§destrass"]),
        ("чай with milk", "ru", ["§ruча"]),
        ("чај и milk", "sr", ["§srcaj", "§sri", "§srmilk"]),
        ("iPhone15 404 ٢٠٢٦", "en", []),
        ("super\u00adstars itʼs", "en", ["§ensuperstar", "§enit", "§ens"]),
        (
            "r\u0336u\u0336n\u0336n\u0336i\u0336n\u0336g\u0336 \u2067ru\u200bns\u2069 ＲＵＮＳ",
            "en",
            ["§enrun"],
        ),
        ("кни\u0301га, книги\u0301", "ru", ["§ruкниг"]),
        ("canci\u00ado\u0301n canción", "es", ["§escancion"]),
        ("İSTANBUL istanbul", "tr", ["§tristanbul"]),
        ("كِتَابٌ كتاب", "ar", ["§arكتاب"]),
        ("TelegramКниги", "ru", ["§ruкниг"]),
        ("TelegramКниги", "en", ["§entelegram"]),
        ("αει βιβλία", "el", ["§elβιβλ"]),
        ("ले किताब", "ne", ["§neकिताब"]),
        ("§enrun § §§ a§runs", "en", ["§enenrun", "§ena", "§enrun"]),
        ("running", None, []),
        ("走る running", "ja", []),
        ("", "en", []),
    ],
)
def test_a_post_has_each_stem_once(text, language, forms):
    assert list_forms(text, language) == forms


@pytest.mark.parametrize(("letter", "language"), [("a", "en"), ("ä", "de"), ("ب", "ar"), ("க", "ta")])
def test_what_is_longer_than_any_word_has_no_form(letter, language):
    longest = letter * LONGEST_WORD
    assert len(list_forms(longest, language)) == 1
    assert list_forms(longest + letter, language) == []
    assert not get_forms(longest + letter)


@given(WITH_WORDS, st.sampled_from([*STEMMERS]))
def test_words_with_a_form_are_words_of_the_text(text, language):
    forms = frozenset(list_forms(text, language))
    words = find_words_with(forms, text, language)
    assert words <= {*split_words(text)}
    assert bool(words) is bool(forms)
    assert find_words_with(forms, text, "ja") == frozenset()


def test_words_are_reported_by_their_form():
    assert find_words_with(frozenset({"§enrun", "§encat"}), "Runs, ran, rùns, a CAT", "en") == {"runs", "cat"}
    assert find_words_with(frozenset({"§enrun"}), "Die Runs", "de") == frozenset()
    assert find_words_with(frozenset({"§neकिताब"}), "ले किताब ले", "ne") == {"किताब"}
    assert find_words_with(frozenset(), "Runs", "en") == frozenset()


def test_an_index_keeps_the_words_and_behind_them_the_forms():
    assert index_post("Two gardens", "en") == "two gardens §entwo §engarden"
    assert index_post("Two gardens", None) == "two gardens"
    assert index_post("", "en") == ""


@given(TEXTS, st.sampled_from([*STEMMERS]))
@example("#A", "ar")
def test_a_form_is_letters_behind_a_sign_that_no_word_has(text, language):
    forms = list_forms(text, language)
    assert all(regex.fullmatch(rf"{MARK}{language}[\p{{L}}\p{{M}}]+", form) for form in forms)
    assert index_post(text, language) == " ".join([index_text(text), *list_tag_words(text), *forms]).strip()


@given(TEXTS)
def test_a_word_has_at_most_one_form_for_each_stemmer(text):
    assert len(list_forms_in_all_languages(text)) <= MOST_FORMS


@pytest.mark.parametrize(
    ("query", "languages"),
    [
        ("книга", ["ru", "sr"]),
        ("βιβλίο", ["el"]),
        ("كتاب", ["ar", "fa"]),
        ("किताब", ["hi", "ne"]),
        ("գիրք", ["hy"]),
        ("நூல்", ["ta"]),
        ("בוך", ["yi"]),
        ("ไทย", []),
        ("日", []),
        ("2026", []),
        ("r2d2", []),
        ("l’été", []),
        ('"books"', []),
        ("book*", []),
        ("books lang:de", ["de"]),
        ("bøker lang:nb", ["no"]),
        ("books lang:en-gb", ["en"]),
        ("books lang:ja", []),
        ("книга lang:en", []),
    ],
)
def test_a_word_of_a_query_has_forms_in_the_languages_of_its_script(query, languages):
    assert [form[1:3] for form in get_forms(query)] == languages


def test_a_word_in_latin_script_has_a_form_for_each_language_in_it():
    forms = get_forms("running")
    assert len(forms) == MOST_FORMS
    assert "§enrun" in forms
    assert "§derunning" in forms


def test_of_a_query_forms_in_some_languages_can_be_kept():
    query = parse('books -garden "tea" книга')
    kept = query.keep_forms(["en", "de-AT", "EN", "ja", "nn"])
    assert [[form[1:3] for form in term.forms] for term in kept.terms] == [["de", "en", "no"], [], []]
    assert [[form[1:3] for form in term.forms] for term in kept.excluded] == [["de", "en", "no"]]
    assert query.has_forms
    assert kept.has_forms
    assert not query.keep_forms([]).has_forms
    assert parse("-books").has_forms
    assert not parse('"books" tea* -"garden" from:susan').has_forms


def test_a_word_and_the_same_in_quotes_are_two_terms():
    assert len(parse('garden "garden"').terms) == 2
    assert len(parse("garden Garden").terms) == 1


def test_an_excluded_word_has_forms_and_one_in_quotes_has_none():
    words = parse('-gardens -"tea" lang:en').excluded
    assert [term.forms for term in words] == [("§engarden",), ()]


def test_threads_stem_at_the_same_time():
    text = "Running dogs were chasing cats through gardens " * 20
    expected = list_forms(text, "en")
    found: list[list[str]] = []

    def stem() -> None:
        found.extend(list_forms(text, "en") for _ in range(100))

    threads = [threading.Thread(target=stem) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 400
