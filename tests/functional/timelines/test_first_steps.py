"""Somebody who has just signed up learns what to do first, and whom they may like to follow."""

from __future__ import annotations

from microblog.accounts.queries import add_user, find_owner_id
from microblog.ids import get_now
from microblog.people.actions import follow
from microblog.posts import actions as post_actions
from microblog.posts.queries import add_post
from tests.walk import enter, sign_up, write


def suggested(page):
    return [link.get_text(strip=True) for link in page.html.select(".suggested .person-name")]


def test_an_empty_home_says_what_to_do_first(browser):
    page = sign_up(browser, "susan")
    links = [link["href"] for link in page.html.select(".first-steps a")]
    assert links == ["/users/", "/account/profile", "/explore"]
    assert suggested(page) == []


def test_people_who_have_written_lately_are_suggested_the_most_followed_first(browser, database):
    enter(browser, "susan")
    with database.write() as session:
        names = ("ada", "nils", "silent", "eve", "bob", "kim", "lee")
        ids = {name: add_user(session, name) for name in names}
        for name in ids.keys() - {"silent"}:
            add_post(session, ids[name], "Hello")
        post_actions.write(session, ids["silent"], "Not published yet", publish_at=get_now() + 3_600_000)
        follow(session, ids["ada"], ids["nils"])
        follow(session, ids["eve"], ids["nils"])
        follow(session, ids["nils"], ids["eve"])
    assert suggested(browser.get("/")) == ["nils", "eve", "lee", "kim", "bob"]
    form = browser.get("/").forms[f"follow-form-{ids['lee']}"]
    page = form.submit(status=303).follow()
    assert suggested(page) == []  # their posts are there now


def test_neither_oneself_nor_somebody_whom_one_follows_is_suggested(browser, database):
    enter(browser, "susan")
    with database.write() as session:
        susan = find_owner_id(session, "susan")
        assert susan
        add_post(session, add_user(session, "ada"), "Hello")
        follow(session, susan, add_user(session, "silent"))
    assert suggested(browser.get("/")) == ["ada"]


def test_they_cost_one_statement_and_only_where_home_is_empty(browser, database, count_statements):
    enter(browser, "susan")
    browser.get("/")
    with count_statements() as empty:
        browser.get("/")
    write(browser, "Hello")
    browser.get("/")
    with count_statements() as filled:
        browser.get("/")
    asked = [statement for statement in empty if "followers_count DESC" in statement]
    assert len(asked) == 1
    assert not [statement for statement in filled if "followers_count DESC" in statement]
