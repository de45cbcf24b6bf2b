"""Explore shows the posts in one language, or in all."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.ids import SEQUENCE_BITS
from microblog.posts.queries import add_posts
from tests.walk import bodies, enter

FIRST = 1_790_000_000_000 << SEQUENCE_BITS
BAD_LANGUAGE = "“lang” in this address must be the code of a language: German is de."


@pytest.fixture
def add(application, susan):
    """`add("de", "en", None)` adds posts in these languages, called by their numbers."""

    def add(*languages):
        with application.database.write() as session:
            user_id = session.scalar(sa.text("SELECT id FROM users"))
            add_posts(
                session,
                [
                    {"id": FIRST + number, "user_id": user_id, "body": f"{number} {tag}", "language": tag}
                    for number, tag in enumerate(languages)
                ],
            )

    return add


def test_the_filter_shows_the_posts_in_one_language(add, browser):
    add("de", "en", None, "de", "den")
    form = browser.get("/explore").forms["language-filter"]
    form["lang"] = "de"
    page = form.submit(status=200)
    assert bodies(page) == ["3 de", "0 de"]
    assert page.forms["language-filter"]["lang"].value == "de"
    assert "Explore: German" in page.html.select_one("title").text


def test_without_a_choice_all_posts_are_shown(add, browser):
    add("de", None)
    assert bodies(browser.get("/explore").forms["language-filter"].submit(status=200)) == ["1 None", "0 de"]


def test_a_language_is_found_in_all_its_regions(add, browser):
    add("pt", "pt-br", "PT-PT", "ptx", "es", "pt-br")
    assert bodies(browser.get("/explore?lang=pt")) == ["5 pt-br", "2 PT-PT", "1 pt-br", "0 pt"]
    assert bodies(browser.get("/explore?lang=pt-BR")) == ["5 pt-br", "1 pt-br"]


@pytest.mark.parametrize("several", [("de",), ("de", "de-at")])
def test_the_pages_of_a_language_lead_from_one_to_the_next_and_back(make_application, several):
    application = make_application({"microblog.page_size": "2"})
    browser = application.browser()
    enter(browser, "susan")
    tags = [several[number // 2 % len(several)] if number % 2 else "en" for number in range(10)]
    with application.database.write() as session:
        user_id = session.scalar(sa.text("SELECT id FROM users"))
        rows = [
            {"id": FIRST + number, "user_id": user_id, "body": str(number), "language": tag}
            for number, tag in enumerate(tags)
        ]
        add_posts(session, rows)
    page = browser.get("/explore?lang=de")
    pages = [bodies(page)]
    while "Older posts" in page.text:
        page = page.click("Older posts")
        assert "lang=de" in page.request.url
        pages.append(bodies(page))
    assert pages == [["9", "7"], ["5", "3"], ["1"]]
    assert bodies(page.click("Newer posts")) == ["5", "3"]


@pytest.mark.parametrize("tag", ["DE", " de ", "de"])
def test_a_code_may_be_spelled_in_any_way(add, browser, tag):
    add("de", "en")
    assert bodies(browser.get("/explore", {"lang": tag})) == ["0 de"]


@pytest.mark.parametrize("tag", ["german", "xx", "<script>", "de\x00", "d" * 5000, "de,en", "%", "_"])
def test_what_is_no_language_is_a_bad_request(add, browser, tag):
    assert BAD_LANGUAGE in browser.get("/explore", {"lang": tag}, status=400).text


def test_a_language_in_which_nobody_has_written_says_so(add, browser):
    add("de")
    page = browser.get("/explore?lang=cy")
    assert "No posts in this language: Welsh" in page.text
    assert page.forms["language-filter"]["lang"].value == "cy"
    assert bodies(page.click("Show the posts in all languages")) == ["0 de"]


def test_the_filter_costs_one_statement(add, browser, count_statements):
    add("de", "en")
    with count_statements() as filtered:
        browser.get("/explore?lang=de")
    assert len(filtered) == 2  # how it is spelled, and the posts
