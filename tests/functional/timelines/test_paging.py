"""Paging through posts: no post is missing or shown twice when others are written meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from webtest import TestApp, TestResponse

from microblog.accounts.queries import find_owner_id
from microblog.ids import new_id_at
from microblog.posts.queries import add_posts
from tests.conftest import Application
from tests.walk import bodies, enter, post_ids, token, write

PATHS = ("/", "/explore", "/users/susan")


@pytest.fixture
def application_of_two(make_application):
    """Two posts on a page."""
    return make_application({"microblog.page_size": "2"})


@pytest.fixture
def susan(application_of_two):
    """Susan's browser; she has written 1, 2, … 7, one a day."""
    browser = application_of_two.browser()
    enter(browser, "susan")
    with application_of_two.database.write() as session:
        user_id = find_owner_id(session, "susan")
        days = range(1, 8)
        add_posts(
            session,
            [
                {"id": new_id_at(datetime(2026, 1, day, tzinfo=UTC)), "user_id": user_id, "body": str(day)}
                | {"language": None}
                for day in days
            ],
        )
    return browser


def links(page: TestResponse) -> list[str]:
    return [link.get_text() for link in page.html.select(".pager a")]


def walk(page: TestResponse, link: str) -> list[list[str]]:
    """The posts of this page and of those that follow by the link."""
    pages = [bodies(page)]
    while link in links(page):
        page = page.click(f"^{link}$")
        pages.append(bodies(page))
    return pages


def last_page(browser: TestApp, path: str) -> TestResponse:
    page = browser.get(path)
    while "Older posts" in links(page):
        page = page.click("^Older posts$")
    return page


@pytest.mark.parametrize("path", PATHS)
def test_older_posts_lead_to_the_first_one(susan, path):
    assert walk(susan.get(path), "Older posts") == [["7", "6"], ["5", "4"], ["3", "2"], ["1"]]


@pytest.mark.parametrize("path", PATHS)
def test_newer_posts_lead_back_to_the_newest(susan, path):
    page = last_page(susan, path)
    assert walk(page, "Newer posts") == [["1"], ["3", "2"], ["5", "4"], ["7", "6"]]


@pytest.mark.parametrize("path", PATHS)
def test_the_first_page_has_no_newer_and_the_last_no_older_posts(susan, path):
    assert links(susan.get(path)) == ["Older posts"]
    assert links(last_page(susan, path)) == ["Newer posts"]
    assert links(susan.get(path).click("Older posts")) == ["Newer posts", "Older posts"]


def test_a_visitor_pages_through_the_front_page(susan, application_of_two):
    page = application_of_two.browser().get("/")
    assert walk(page, "Older posts") == [["7", "6"], ["5", "4"], ["3", "2"], ["1"]]


def test_as_many_posts_as_a_page_holds_need_no_second_page(application_of_two):
    browser = application_of_two.browser()
    enter(browser, "john")
    write(browser, "one")
    assert links(write(browser, "two")) == []


@pytest.mark.parametrize("path", PATHS)
def test_the_link_of_a_page_shows_the_same_posts_when_new_ones_come(susan, path):
    second = susan.get(path).click("Older posts")
    write(susan, "new")
    again = susan.get(second.request.path_qs)
    assert bodies(again) == bodies(second) == ["5", "4"]


@pytest.mark.parametrize("path", PATHS)
def test_new_posts_come_in_before_those_one_had_read(susan, path):
    page = susan.get(path).click("Older posts")
    write(susan, "new")
    assert walk(page, "Newer posts") == [["5", "4"], ["7", "6"], ["new"]]


@pytest.mark.parametrize("path", PATHS)
def test_a_post_deleted_between_two_pages_leaves_no_gap(susan, path):
    page = susan.get(path)
    for post_id in post_ids(page):  # also the one from which the next page is counted
        susan.post(f"/posts/{post_id}/delete", {"csrf_token": token(susan)}, status=303)
    page = page.click("Older posts")
    assert bodies(page) == ["5", "4"]
    assert walk(page, "Older posts") == [["5", "4"], ["3", "2"], ["1"]]


def test_newer_posts_that_were_deleted_lead_to_the_first_page(susan):
    first = susan.get("/")
    second = first.click("Older posts")
    for post_id in post_ids(first):
        susan.post(f"/posts/{post_id}/delete", {"csrf_token": token(susan)}, status=303)
    page = second.click("Newer posts").follow()
    assert page.request.path_qs == "/"
    assert bodies(page) == ["5", "4"]


def test_when_all_older_posts_are_gone_the_page_says_so_and_leads_back(susan):
    page = susan.get(last_page(susan, "/").request.path_qs)
    for post_id in post_ids(page):
        susan.post(f"/posts/{post_id}/delete", {"csrf_token": token(susan)}, status=303)
    page = susan.get(page.request.path_qs)
    assert "You have reached the beginning." in page.text
    assert bodies(page.click("Newer posts")) == ["3", "2"]


def test_home_pages_through_mine_and_theirs_in_the_order_of_time(susan, application_of_two: Application):
    john = application_of_two.browser()
    enter(john, "john")
    with application_of_two.database.write() as session:
        user_id = find_owner_id(session, "john")
        days = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in (2, 5)]
        rows = [
            {"id": new_id_at(day), "user_id": user_id, "body": f"john {day.day}", "language": "en"}
            for day in days
        ]
        add_posts(session, rows)
    susan.get("/users/john").forms["follow-form"].submit(status=303)
    pages = walk(susan.get("/"), "Older posts")
    assert pages == [["7", "6"], ["john 5", "5"], ["4", "3"], ["john 2", "2"], ["1"]]
    assert walk(last_page(susan, "/"), "Newer posts") == [
        ["1"],
        ["john 2", "2"],
        ["4", "3"],
        ["john 5", "5"],
        ["7", "6"],
    ]


def test_the_language_of_a_post_is_in_the_html_for_screen_readers(susan, application_of_two):
    with application_of_two.database.write() as session:
        user_id = find_owner_id(session, "susan")
        row = {"id": new_id_at(datetime.now(UTC)), "user_id": user_id, "body": "Hola", "language": "es"}
        add_posts(session, [row])
    assert susan.get("/").html.select(".post-body")[0]["lang"] == "es"
