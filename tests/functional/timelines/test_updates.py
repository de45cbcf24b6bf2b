"""What a page that stays open asks for: how many posts are newer than those that it shows."""

from __future__ import annotations

import pytest

from microblog.accounts.queries import add_user, find_owner_id
from microblog.people.actions import follow
from microblog.posts.queries import add_post
from tests.walk import enter


@pytest.fixture
def susan(browser):
    """Susan's browser; she follows nobody."""
    enter(browser, "susan")
    return browser


@pytest.fixture
def write(database):
    """`write("ada", 3)`: Ada writes three posts; the id of the last one."""

    def write(nickname, count=1):
        with database.write() as session:
            author = find_owner_id(session, nickname) or add_user(session, nickname)
            return [add_post(session, author, f"Post {number}") for number in range(count)][-1]

    return write


def address(page):
    return page.html.select_one("[data-updates]")["data-updates"]


def test_a_page_says_where_to_ask_and_asks_for_what_is_newer_than_its_first_post(browser, write):
    newest = write("ada", 2)
    page = browser.get("/explore")
    assert address(page) == f"/updates?timeline=public&after={newest}"
    assert browser.get(address(page)).json == {"count": 0, "text": ""}
    write("ada")
    assert browser.get(address(page)).json == {"count": 1, "text": "1 new post"}
    write("ada", 2)
    assert browser.get(address(page)).json == {"count": 3, "text": "3 new posts"}


def test_only_the_first_page_asks(make_application):
    application = make_application({"microblog.page_size": "1"})
    with application.database.write() as session:
        author = add_user(session, "ada")
        first = add_post(session, author, "First")
        add_post(session, author, "Second")
    browser = application.browser()
    assert browser.get("/explore").html.select("[data-updates]")
    assert not browser.get(f"/explore?before={first + 1}").html.select("[data-updates]")


def test_home_asks_for_the_posts_of_those_whom_one_follows(susan, database, write):
    page = susan.get("/")
    assert address(page) == "/updates?timeline=home&after=0"
    write("ada", 2)
    assert susan.get(address(page)).json["count"] == 0
    with database.write() as session:
        susan_id, ada = (find_owner_id(session, name) for name in ("susan", "ada"))
        assert susan_id
        assert ada
        follow(session, susan_id, ada)
    assert susan.get(address(page)).json == {"count": 2, "text": "2 new posts"}


def test_a_visitor_gets_the_public_timeline(browser, write):
    write("ada")
    assert browser.get("/updates?timeline=home").json["count"] == 1


def test_more_than_fifty_are_not_counted(browser, write):
    write("ada", 50)
    assert browser.get("/updates").json == {"count": 50, "text": "50 new posts"}
    write("ada")
    assert browser.get("/updates").json == {"count": 50, "text": "More than 50 new posts"}


def test_whoever_knows_the_answer_gets_a_304(susan, write):
    first = susan.get("/updates")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "Accept-Language"} <= set(first.vary)
    again = susan.get("/updates", headers={"If-None-Match": first.headers["ETag"]}, status=304)
    assert again.body == b""
    write("ada")
    susan.get("/updates", headers={"If-None-Match": first.headers["ETag"]}, status=200)


def test_the_answer_of_another_reader_or_language_is_another_one(susan, application, write):
    write("ada")
    tags = {
        browser.get("/updates?timeline=home", headers={"Accept-Language": language}).headers["ETag"]
        for browser in (susan, application.browser())
        for language in ("en", "ar")
    }
    assert len(tags) == 4


@pytest.mark.parametrize("after", ["abc", "-1", "1.5", "99999999999999999999"])
def test_after_what_is_no_post_is_a_bad_request(browser, after):
    browser.get(f"/updates?after={after}", status=400)


def test_asking_costs_one_statement_more_than_knowing_who_asks(susan, count_statements):
    susan.get("/updates?timeline=home")
    with count_statements() as statements:
        susan.get("/updates?timeline=home")
    assert len(statements) == 2
