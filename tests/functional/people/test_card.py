"""A person in short, for those who rest on a link to them."""

from __future__ import annotations

from microblog.accounts.queries import add_user, find_owner_id
from microblog.people.actions import follow
from tests.walk import enter


def test_a_card_says_who_it_is_and_a_visitor_cannot_follow(browser, database):
    with database.write() as session:
        ada = add_user(session, "ada")
        follow(session, add_user(session, "nils"), ada)
    page = browser.get("/users/ada/card")
    card = page.html.select_one(".card")
    assert card["aria-label"] == "ada"
    assert "1 follower" in " ".join(card.get_text().split())
    assert not page.forms
    assert page.html.select("html") == []  # a part of a page


def test_a_card_is_in_the_language_of_its_reader(browser, database):
    with database.write() as session:
        add_user(session, "ada")
    card = browser.get("/users/ada/card", headers={"Accept-Language": "ar"}).html.select_one(".card")
    assert (card["lang"], card["dir"]) == ("ar", "rtl")


def test_one_follows_from_a_card_and_the_next_one_says_so(browser, database, count_statements):
    enter(browser, "susan")
    with database.write() as session:
        add_user(session, "ada")
    form = browser.get("/users/ada/card").forms["card-follow-form"]
    assert form.action == "/users/ada/follow"
    form.submit(status=303)
    with count_statements() as statements:
        page = browser.get("/users/ada/card")
    assert page.forms["card-follow-form"].action == "/users/ada/unfollow"
    assert len(statements) == 2  # who asks; who it is, and whether they follow them
    assert not browser.get("/users/susan/card").forms
    with database.read() as session:
        assert find_owner_id(session, "ada")


def test_a_former_nickname_leads_to_the_card_of_the_present_one(browser, database):
    with database.write() as session:
        add_user(session, "Ada")
    assert browser.get("/users/ada/card", status=301).location.endswith("/users/Ada/card")


def test_nobody_has_no_card(browser):
    browser.get("/users/nobody/card", status=404)
