"""What somebody leaves out of their home timeline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.accounts.queries import add_user
from microblog.folding import fold
from microblog.people.actions import follow
from microblog.posts.actions import write
from microblog.timelines.filters import LONGEST_WORD, MOST_WORDS
from microblog.words import compile_words, split_words
from tests.cost import MOST_SECONDS, cost_of
from tests.walk import bodies, enter, flashes


def save(browser, *, status=303, **fields):
    form = browser.get("/account/filters").forms["filters-form"]
    for name, value in fields.items():
        form[name] = value
    return form.submit(status=status)


@pytest.fixture
def write_all(browser, database):
    """Susan follows tomas; `write_all({text: language})` writes his posts."""
    me = enter(browser, "susan")
    with database.write() as session:
        tomas = add_user(session, "tomas")
        follow(session, me, tomas)

    def write_posts(texts, author=tomas):
        with database.write() as session:
            for text, language in texts.items():
                write(session, author, text, language=language)

    write_posts({"my own spoiler": "en"}, me)
    return write_posts


def test_muted_words_are_left_out_as_whole_words_whatever_their_case(browser, write_all):
    write_all(dict.fromkeys(["A SPOILER!", "spoilers", "el café", "caf", "the finals are on"], "en"))
    page = save(browser, words="spoiler, CAFE\n  finals   are ").follow()
    assert flashes(page) == ["Your filters have been saved."]
    assert page.forms["filters-form"]["words"].value == "spoiler\nCAFE\nfinals are"
    assert bodies(browser.get("/")) == ["caf", "spoilers", "my own spoiler"]
    assert "A SPOILER!" in bodies(browser.get("/explore"))
    assert browser.get("/updates?after=0&timeline=home").json["count"] == 3
    save(browser, words="")
    assert len(bodies(browser.get("/"))) == 6


def test_only_languages_that_one_reads_are_shown_and_those_that_are_unknown(browser, write_all):
    write_all({"hola": "es", "olá": "pt-BR", "hello": "en-GB", "?": None, "!": "und"})
    save(browser, only_read_languages=True)
    assert bodies(browser.get("/")) == ["!", "?", "hello", "my own spoiler"]
    form = browser.get("/preferences").forms["preferences-form"]
    form.set("read", True, index=[field._value for field in form.fields["read"]].index("pt"))
    form.submit(status=303)
    assert "You read English and Portuguese" in browser.get("/account/filters").text
    assert "olá" in bodies(browser.get("/"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("\n".join(f"word{number}" for number in range(MOST_WORDS + 1)), "At most 100 words."),
        (
            "x" * (LONGEST_WORD + 1),
            "A word may have at most 60 characters: “xxxxxxxxxxxxxxxxxxxx…” is longer.",
        ),
        ("\n".join(f"{number:050}" for number in range(50)), "All words together may have at most 2"),
        ("a\x00b", "control character"),
    ],
)
def test_too_many_or_too_long_words_are_refused_and_kept_in_the_form(browser, write_all, words, sentence):
    page = save(browser, words=words, status=422)
    assert sentence in page.text
    assert page.forms["filters-form"]["words"].value.split("\n")[0] == words.split("\n")[0]


@pytest.mark.parametrize(
    ("word", "text", "is_found"),
    [
        ("c++", "I like C++.", True),
        ("c++", "c+++", True),
        ("#tag", "a #tag here", True),
        ("#tag", "a #tags here", False),
        ("映画", "昨日映画を見た", True),
        ("ไทย", "ภาษาไทยง่าย", True),
        ("Straße", "die STRASSE", True),
        ("ß", "straße", False),
        ("ab", "a\nab\nb", True),
        ("a b", "a \n b", True),
        ("a.c", "abc", False),
    ],
)
def test_a_word_is_found_where_it_stands_for_itself(word, text, is_found):
    pattern = compile_words(word)
    assert pattern
    assert (pattern.search(fold(text)) is not None) == is_found


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_words_make_a_pattern_that_finds_them(text, more):
    words = split_words(text)
    pattern = compile_words("\n".join(words))
    assert (pattern is None) == (not words)
    for word in words:
        assert pattern
        assert pattern.search(fold(f"{more} {word} {more}"))


def test_a_long_post_costs_little():
    pattern = compile_words("\n".join(f"a{'a b' * number}" for number in range(19)))
    assert pattern
    assert cost_of(lambda: pattern.search("a" * 4_000)) < MOST_SECONDS
