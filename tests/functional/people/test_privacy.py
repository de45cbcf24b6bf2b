"""By whom somebody wants to be found: searches, lists of people, and their last visit."""

from __future__ import annotations

import pytest

from microblog.accounts.models import User
from microblog.people.actions import follow
from tests.walk import bodies, enter, flashes, user_id_of, write


@pytest.fixture
def susan(browser):
    """Somebody who has written, and is found by everything."""
    enter(browser, "susan")
    write(browser, "about kettles")
    return browser


@pytest.fixture
def john(application):
    browser = application.browser()
    enter(browser, "john")
    return browser


def choose(browser, **chosen):
    """Switch what is named on or off; returns the page that says so."""
    form = browser.get("/account/privacy").forms["privacy-form"]
    for name, value in chosen.items():
        form[name] = value
    return form.submit(status=303).follow()


def test_everybody_is_found_until_they_choose_otherwise(susan, john):
    form = susan.get("/account/").click("^Privacy$", href="/account/").forms["privacy-form"]
    assert [form[name].checked for name in ("is_indexed", "is_listed", "shows_last_seen")] == [True] * 3
    assert bodies(john.get("/search?q=kettles")) == ["about kettles"]
    assert "noindex" not in john.get("/users/susan").text


def test_posts_that_may_not_be_found_are_found_by_their_author_alone(susan, john, application):
    page = choose(susan, is_indexed=False)
    assert flashes(page) == ["What you have chosen is saved."]
    assert not page.forms["privacy-form"]["is_indexed"].checked
    for browser in (john, application.browser()):
        for order in ("", "&by=relevance"):
            assert bodies(browser.get(f"/search?q=kettles{order}")) == []
    assert bodies(susan.get("/search?q=kettles")) == ["about kettles"]
    assert bodies(john.get("/explore")) == ["about kettles"]
    choose(susan, is_indexed=True)
    assert bodies(john.get("/search?q=kettles")) == ["about kettles"]


def test_search_engines_are_asked_to_leave_them_out(susan, application):
    visitor = application.browser()
    post = visitor.get("/explore").html.select_one(".post-when")["href"]
    choose(susan, is_indexed=False)
    for path in ("/users/susan", post):
        assert visitor.get(path).html.select_one("meta[name=robots]")["content"] == "noindex", path
    choose(susan, is_indexed=True)
    for path in ("/users/susan", post):
        assert visitor.get(path).html.select("meta[name=robots]") == [], path


def test_who_is_not_listed_is_in_no_list_of_people_but_those_of_their_own(susan, john, database):
    choose(susan, is_listed=False)
    for path in ("/users/", "/users/?q=susan", "/search?q=susan", "/users/by-beginning?q=su", "/"):
        assert "/users/susan" not in john.get(path).text, path
    assert john.get("/users/susan", status=200)
    with database.write() as session:
        follow(session, user_id_of(john), user_id_of(susan))
    assert "/users/susan" in john.get("/users/john/following").text
    assert "susan" in john.get("/users/by-beginning?q=su").text
    choose(susan, is_listed=True)
    assert "/users/susan" in john.get("/users/?q=susan").text


def test_a_profile_says_when_somebody_was_here_only_if_they_want_it(susan, john, application):
    application.registry.deferred.flush()
    with application.database.write() as session:
        session.query(User).update({"last_seen": User.member_since})
    assert "Last seen" in john.get("/users/susan").text
    choose(susan, shows_last_seen=False)
    assert "Last seen" not in john.get("/users/susan").text


def test_choosing_needs_a_known_form(susan):
    form = susan.get("/account/privacy").forms["privacy-form"]
    fields = {**dict(form.submit_fields()), "is_admin": "y"}
    page = susan.post(form.action, fields, status=422)
    assert "This form has no field called" in page.text
