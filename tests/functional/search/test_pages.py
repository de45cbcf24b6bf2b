"""The search page says what it did not understand, and its help page is true."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from webtest import TestApp, TestResponse

from microblog.accounts.models import Nickname
from microblog.posts.models import Post
from microblog.search.remarks import Kind
from tests.conftest import counted_statements
from tests.walk import bodies, enter, write


@pytest.fixture
def susan(application) -> TestApp:
    browser = application.browser()
    enter(browser, "susan")
    return browser


def remarks(page: TestResponse) -> list[str]:
    return [item.get_text(" ", strip=True) for item in page.html.select(".remarks li")]


REMARKS = {
    "from:nobodyhere": (Kind.NOBODY, "Nobody here is called nobodyhere ."),
    "tea -from:nobodyhere": (Kind.NOBODY, "Nobody here is called nobodyhere ."),
    "from:müller": (Kind.NOBODY, "Nobody here is called müller ."),
    "before:banana": (
        Kind.NO_DATE,
        "“ before:banana ” is no date, and was left out: a day is written like 2026-01-31.",
    ),
    "lang:spanish": (
        Kind.NO_LANGUAGE,
        "“ lang:spanish ” is no language, and was left out: Spanish is lang:es .",
    ),
    "tag: tea": (Kind.NO_VALUE, "“ tag: ” was left out: nothing follows its colon."),
    "tag:1 tea": (
        Kind.NO_TAG,
        "“ tag:1 ” is no tag, and was left out: a tag is one word, with a letter in it.",
    ),
    "from: tea": (Kind.NO_VALUE, "“ from: ” was left out: nothing follows its colon."),
    "from:susan from:susan.": (Kind.REPEATED, "“ from:susan ” was left out: only the last one counts."),
    "-lang:es": (
        Kind.CANNOT_EXCLUDE,
        "“ -lang:es ” was left out: only words, phrases, tags and authors can be excluded.",
    ),
    "after:2026-01-01 before:2026-01-02": (Kind.NO_DAY, "There is no day between these two dates."),
    '"green tea': (
        Kind.NOT_CLOSED,
        "The quotation marks before “ green tea ” are not closed, so the phrase goes on to the end.",
    ),
    "ga*den": (Kind.STAR, "In “ ga*den ” a star was left out: it counts only at the end of a word."),
    "*": (Kind.NO_WORD, "“ * ” was left out: it has neither letters nor digits."),
    "日" * 101: (Kind.LONG_PHRASE, f"Of “ {'日' * 59}… ” only the first 100 words were used."),
    " ".join(f"w{number}" for number in range(17)): (
        Kind.MANY_TERMS,
        "Only the first 16 words and phrases were used; “ w16 ” and what follows it were left out.",
    ),
}


@pytest.mark.parametrize("typed", REMARKS)
def test_the_page_says_what_was_not_understood_or_left_out(browser, typed):
    page = browser.get("/search", {"q": typed})
    assert REMARKS[typed][1] in remarks(page)
    assert page.html.select_one(".remarks a")["href"] == "/search/help"
    assert page.forms["search-form"]["q"].value == typed


def test_there_is_a_sentence_for_each_kind_of_remark():
    assert {kind for kind, _ in REMARKS.values()} == set(Kind)


def test_what_was_understood_is_not_remarked(susan):
    write(susan, "green tea")
    page = susan.get("/search", {"q": "“green tea” from:susan -sugar te* before:2100-01-01"})
    assert bodies(page) == ["green tea"]
    assert remarks(page) == []


def test_an_author_can_be_excluded(application, susan):
    write(susan, "tea of susan")
    john = application.browser()
    enter(john, "john")
    write(john, "tea of john")
    assert bodies(john.get("/search", {"q": "tea -from:susan"})) == ["tea of john"]


def test_a_former_nickname_is_somebody(database, susan):
    write(susan, "green tea")
    with database.write() as session:
        session.add(Nickname(key="suzie", user_id=session.scalars(sa.select(Nickname.user_id)).one()))
    page = susan.get("/search", {"q": "from:Suzie"})
    assert bodies(page) == ["green tea"]
    assert remarks(page) == []


def test_a_remark_is_only_text(browser):
    page = browser.get("/search", {"q": "before:<script>alert(1)</script> from:\u202eevil"})
    assert "<script>alert" not in page
    assert [item.get_text() for item in page.html.select(".remarks bdi")] == [
        "before:<script>alert(1)</script>",
        "\u202eevil",
    ]


def test_only_a_search_for_authors_asks_who_they_are(application, susan):
    def count(typed: str) -> int:
        with counted_statements(application.database) as statements:
            susan.get("/search", {"q": typed})
        return sum(statement.startswith("SELECT nicknames.") for statement in statements)

    assert count("green tea") == 0
    assert count("green tea from:susan -from:john") == 1


def test_the_examples_of_the_help_page_are_searches_without_remarks(browser, susan):
    page = browser.get("/search/help")
    examples = page.html.select(".guide dt a")
    assert len(examples) > 8
    for link in examples:
        found = browser.get(link["href"])
        assert found.forms["search-form"]["q"].value == link.get_text()
        assert remarks(found) == [], link.get_text()


def test_the_search_page_links_to_its_help(browser):
    assert browser.get("/search").click("How to search: what is found").request.path == "/search/help"


@pytest.mark.parametrize(
    ("post", "typed", "is_found"),
    [
        ("Crème", "creme", True),
        ("καλημέρα", "ΚΑΛΗΜΕΡΑ", True),
        ("Łódź", "lodz", True),
        ("Straße", "strasse", True),
        ("smørrebrød", "smorrebrod", True),
        ("İstanbul", "istanbul", True),
        ("مكتبة", "مكتبه", True),
        ("یک", "يك", True),
        ("٢٠٢٦", "2026", True),
        ("l’été", "été", True),
        ("3.14", "14", True),
        ("https://example.com/page", "example.com", True),
        ("エラー404が出た", "404", True),
        ("エラー404が出た", "エラー", True),
        ("ภาษาไทยง่ายมาก", "ไทย", True),
        ("cats", "cat*", True),
        ("Müller", "muller", True),
        ("every C", "C++", True),
        ("cats", "cat", False),
        ("Autobahn", "bahn", False),
        ("Müller", "mueller", False),
        ("don’t", "dont", False),
    ],
)
def test_what_the_help_page_says_is_true(susan, post, typed, is_found):
    write(susan, post)
    assert bodies(susan.get("/search", {"q": typed})) == ([post] if is_found else [])


@pytest.mark.parametrize(
    ("language", "post", "typed", "is_found"),
    [
        ("en", "runs", "running", True),
        ("de", "Haus", "Häuser", True),
        ("en", "runs", "running lang:en", True),
        ("en", "garden", '"gardens"', False),
        ("en", "tea and greens", "tea -green", False),
        ("en", "went", "go", False),
        (None, "cats", "cat", False),
        ("ja", "cats", "cat", False),
        ("ja", "cats", "cat*", True),
    ],
)
def test_what_the_help_page_says_of_word_forms_is_true(database, susan, language, post, typed, is_found):
    write(susan, post)
    with database.write() as session:
        session.execute(sa.update(Post).values(language=language))
    assert bodies(susan.get("/search", {"q": typed})) == ([post] if is_found else [])


def test_the_help_page_says_which_languages_have_word_forms(browser):
    item = next(
        item for item in browser.get("/search/help").html.select("li") if "Other forms of a word" in item.text
    )
    assert "Arabic, Armenian, Basque" in item.get_text()
    assert "Turkish, and Yiddish." in item.get_text()


def test_the_tag_of_a_search_is_highlighted_in_what_it_finds(susan):
    write(susan, "A #Tea for two, tea for one, #teatime")
    page = susan.get("/search", {"q": "tag:tea"})
    (body,) = page.html.select(".post-body")
    assert [each.get_text() for each in body.select("mark")] == ["#Tea"]
    assert body.select_one("mark").find_parent("a")["href"].endswith("/tags/tea")
