"""Boosts at home: what others boosted, in the order of time, each post once a page."""

from __future__ import annotations

import pytest

from microblog.accounts.queries import add_user
from microblog.people.actions import block, follow, mute
from microblog.posts.actions import delete, write
from microblog.reactions.actions import boost, unboost
from tests.walk import bodies, enter


@pytest.fixture
def reader(browser, database):
    """Somebody who follows tomas and anna, who follow ada; the ids of all."""
    me = enter(browser, "susan")
    with database.write() as session:
        people = {name: add_user(session, name) for name in ("tomas", "anna", "ada")} | {"susan": me}
        for name in ("tomas", "anna"):
            follow(session, me, people[name])
        people["ada_post"] = write(session, people["ada"], "by ada")
        write(session, people["tomas"], "by tomas")
    return people


def boosters(page):
    return [each.get_text(" ", strip=True) for each in page.html.select(".post-booster")]


def test_a_boost_stands_at_its_time_and_names_who_boosted(browser, database, reader):
    assert bodies(browser.get("/")) == ["by tomas"]
    with database.write() as session:
        boost(session, reader["tomas"], reader["ada_post"])
        write(session, reader["anna"], "by anna")
    page = browser.get("/")
    assert bodies(page) == ["by anna", "by ada", "by tomas"]
    assert boosters(page) == ["tomas boosted"]


def test_a_post_is_once_on_a_page_however_many_boosted_it(browser, database, reader):
    with database.write() as session:
        own = write(session, reader["anna"], "by anna")
        for post in (reader["ada_post"], own):
            boost(session, reader["tomas"], post)
        boost(session, reader["anna"], reader["ada_post"])
    page = browser.get("/")
    assert bodies(page) == ["by ada", "by anna", "by tomas"]
    assert boosters(page) == ["anna boosted", "tomas boosted"]


def test_unboosting_and_deleting_take_it_away(browser, database, reader):
    with database.write() as session:
        boost(session, reader["tomas"], reader["ada_post"])
        unboost(session, reader["tomas"], reader["ada_post"])
    assert bodies(browser.get("/")) == ["by tomas"]
    with database.write() as session:
        boost(session, reader["tomas"], reader["ada_post"])
        delete(session, reader["ada_post"], reader["ada"])
    assert bodies(browser.get("/")) == ["by tomas"]


@pytest.mark.parametrize("name", ["ada", "tomas"])
@pytest.mark.parametrize("hide", [block, mute])
def test_who_is_not_seen_is_neither_boosted_nor_booster(browser, database, reader, name, hide):
    with database.write() as session:
        boost(session, reader["tomas"], reader["ada_post"])
        hide(session, reader["susan"], reader[name])
    assert "by ada" not in bodies(browser.get("/"))


def test_pages_of_home_lead_through_boosts(make_application):
    application = make_application({"microblog.page_size": "2"})
    browser = application.browser()
    me = enter(browser, "susan")
    with application.database.write() as session:
        tomas, ada = add_user(session, "tomas"), add_user(session, "ada")
        follow(session, me, tomas)
        for number in range(3):
            boost(session, tomas, write(session, ada, f"ada {number}"))
            write(session, tomas, f"tomas {number}")
    page, seen = browser.get("/"), []
    while True:
        seen += bodies(page)
        link = page.html.select_one('a[rel="next"]')
        if link is None:
            break
        page = browser.get(link["href"])
    assert seen == ["tomas 2", "ada 2", "tomas 1", "ada 1", "tomas 0", "ada 0"]
    page = browser.get(page.html.select_one('a[rel="prev"]')["href"])
    assert bodies(page) == ["tomas 1", "ada 1"]


@pytest.fixture
def profile(browser, database, reader):
    """`show(path)`: the posts of tomas, who has boosted ada's and answered it; and who boosted each."""
    with database.write() as session:
        write(session, reader["tomas"], "tomas to ada", reply_to=reader["ada_post"])
        boost(session, reader["tomas"], reader["ada_post"])
        write(session, reader["tomas"], "later by tomas")

    def show(path="/users/tomas", reading=browser):
        page = reading.get(path)
        return bodies(page), boosters(page)

    return show


def test_a_profile_has_what_the_person_boosted_at_its_time(application, profile):
    for reading in ((), (application.browser(),)):
        without, boosted = ["later by tomas", "by ada", "by tomas"], ["tomas boosted"]
        assert profile("/users/tomas", *reading) == (without, boosted)
        with_replies = ["later by tomas", "by ada", "tomas to ada", "by tomas"]
        assert profile("/users/tomas/replies", *reading) == (with_replies, boosted)
    assert profile("/users/ada") == (["by ada"], [])


def test_an_own_post_that_was_boosted_is_once_on_a_profile(database, reader, profile):
    with database.write() as session:
        boost(session, reader["tomas"], write(session, reader["tomas"], "by tomas, twice"))
    assert profile()[0].count("by tomas, twice") == 1


def test_what_was_boosted_leaves_a_profile_with_it(database, reader, profile):
    with database.write() as session:
        unboost(session, reader["tomas"], reader["ada_post"])
    assert profile() == (["later by tomas", "by tomas"], [])
    with database.write() as session:
        boost(session, reader["tomas"], reader["ada_post"])
        delete(session, reader["ada_post"], reader["ada"])
    assert profile() == (["later by tomas", "by tomas"], [])


@pytest.mark.parametrize("hide", [block, mute])
def test_who_is_not_seen_is_not_among_the_boosts_of_a_profile(database, reader, profile, hide):
    with database.write() as session:
        hide(session, reader["susan"], reader["ada"])
    assert profile() == (["later by tomas", "by tomas"], [])


def test_somebody_muted_is_read_on_their_profile_with_their_boosts(database, reader, profile):
    with database.write() as session:
        mute(session, reader["susan"], reader["tomas"])
    assert profile() == (["later by tomas", "by ada", "by tomas"], ["tomas boosted"])


def test_pages_of_a_profile_lead_through_boosts(make_application):
    application = make_application({"microblog.page_size": "2"})
    with application.database.write() as session:
        tomas, ada = add_user(session, "tomas"), add_user(session, "ada")
        for number in range(3):
            boost(session, tomas, write(session, ada, f"ada {number}"))
            write(session, tomas, f"tomas {number}")
    browser = application.browser()
    page, found = browser.get("/users/tomas"), []
    while True:
        found += bodies(page)
        if not page.html.select_one("a[rel=next]"):
            break
        page = page.click(href="before=")
    assert found == ["tomas 2", "ada 2", "tomas 1", "ada 1", "tomas 0", "ada 0"]
    page = page.click(href="after=")
    assert bodies(page) == ["tomas 1", "ada 1"]
