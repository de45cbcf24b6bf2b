"""Signing up, writing, following and searching have limits; what was typed is not lost by a refusal."""

from __future__ import annotations

import json
from contextlib import contextmanager

import argon2
import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.people.actions import follow
from microblog.posts.actions import write as write_post
from microblog.posts.models import Post
from microblog.security.limits.models import LimitCount
from microblog.security.limits.process import ProcessCounts
from tests.functional.limits.conftest import ELSEWHERE, HOME, Client, add_person, retry_after
from tests.walk import PASSWORD, bodies, flashes


def find(page, selector):
    """The one element of the page."""
    (element,) = page.html.select(selector)
    return element


def number_of(site, model):
    with site.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model))


@pytest.fixture
def susans(site, susan):
    """Susan's browser, logged in."""
    client = Client(site, HOME)
    assert client.log_in().status_int == 303
    return client


# Signing up


def sign_up(client, number):
    nickname = f"person{number}"
    return client.post("/register", nickname=nickname, email=f"{nickname}@example.com", password=PASSWORD)


def test_of_thirty_sign_ups_from_one_address_five_are_done(site, monkeypatch):
    hashed = []
    original = argon2.PasswordHasher.hash

    def hash_and_note(hasher, text):
        hashed.append(text)
        return original(hasher, text)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hash_and_note)
    statuses = [sign_up(Client(site, HOME), number).status_int for number in range(30)]
    assert statuses == [303] * 5 + [429] * 25
    assert number_of(site, User) == 5
    assert len(hashed) == 5  # none for a request that is refused
    assert sign_up(Client(site, ELSEWHERE), 30).status_int == 303


def test_a_refused_sign_up_keeps_what_was_typed_but_for_the_password(site):
    for number in range(5):
        sign_up(Client(site, HOME), number)
    page = sign_up(Client(site, HOME), 5)
    assert (page.status_int, retry_after(page)) == (429, 720)
    assert flashes(page) == ["Too many people have signed up in a short time. Try again in 12 minutes."]
    form = page.forms["register-form"]
    values = [form[name].value for name in ("nickname", "email", "password")]
    assert values == ["person5", "person5@example.com", ""]


def test_a_sign_up_that_is_refused_for_another_reason_does_not_count(site):
    client = Client(site, HOME)
    for _ in range(10):
        page = client.post("/register", nickname="susan", email="susan@example.com", password="short")
        assert page.status_int == 422
    assert sign_up(Client(site, HOME), 1).status_int == 303


def test_all_sign_ups_of_the_site_have_a_limit_too(make_site):
    site = make_site({"sign_up.site": "2 per hour"})
    statuses = [sign_up(Client(site, f"192.0.2.{number}"), number).status_int for number in range(3)]
    assert statuses == [303, 303, 429]


def test_whoever_was_quicker_than_the_count_before_the_hash_is_refused_by_the_one_after_it(site, monkeypatch):
    """Others sign up from the same address while the password is hashed."""
    original = argon2.PasswordHasher.hash

    def hash_slowly(hasher, text):
        monkeypatch.setattr(argon2.PasswordHasher, "hash", original)
        for number in range(5):
            assert sign_up(Client(site, HOME), number).status_int == 303
        return original(hasher, text)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hash_slowly)
    page = sign_up(Client(site, HOME), 5)
    assert (page.status_int, retry_after(page)) == (429, 720)
    assert number_of(site, User) == 5


def test_by_a_unix_socket_only_the_site_is_counted(make_site):
    site = make_site({"sign_up.per_address": "1 per hour", "sign_up.site": "2 per hour"})
    assert [sign_up(Client(site, None), number).status_int for number in range(3)] == [303, 303, 429]


def test_a_sign_up_without_any_limit_is_not_counted(make_site):
    site = make_site({"sign_up.per_address": "0", "sign_up.site": "0"})
    assert [sign_up(Client(site, HOME), number).status_int for number in range(7)] == [303] * 7
    assert number_of(site, LimitCount) == 0


# Writing


def test_of_a_hundred_posts_thirty_are_written(site, susans):
    statuses = [susans.post("/posts/", body=f"Post {number}").status_int for number in range(100)]
    assert statuses == [303] * 30 + [429] * 70
    assert number_of(site, Post) == 30


def test_a_refused_post_is_in_the_form_again_and_can_be_sent_later(site, susans, time):
    for number in range(30):
        susans.post("/posts/", body=f"Post {number}")
    page = susans.post("/posts/", body="The one that I care for", next="/explore")
    assert (page.status_int, retry_after(page)) == (429, 20)
    sentence = "You have written very many posts in a short time. This one was not sent yet."
    assert flashes(page)[-1] == f"{sentence} Try again in 20 seconds."
    form = page.forms["compose-form"]
    assert form["body"].value == "The one that I care for"
    time.shift(20)
    assert "The one that I care for" in bodies(form.submit(status=303).follow())


def test_a_post_that_is_refused_for_another_reason_does_not_count(susans):
    for _ in range(40):
        assert susans.post("/posts/", body=" ").status_int == 422
    assert susans.post("/posts/", body="Hello").status_int == 303


def test_a_post_that_is_sent_twice_counts_once(make_site, susan):
    client = Client(make_site({"posts.per_account": "2 per hour"}), HOME)
    client.log_in()
    form = client.browser.get("/").forms["compose-form"]
    form["body"] = "A double click"
    assert [form.submit(status="*").status_int for _ in range(3)] == [303, 303, 303]
    assert client.post("/posts/", body="Another").status_int == 303
    # The answer of a form that was done is given again, also when there is no room any more.
    assert form.submit(status=303).follow()
    assert client.post("/posts/", body="A third").status_int == 429


def test_each_account_has_its_own_count(site, susans):
    add_person(site, "john")
    john = Client(site, HOME)
    john.log_in("john")
    for number in range(31):
        susans.post("/posts/", body=f"Post {number}")
    assert john.post("/posts/", body="Hello").status_int == 303


def test_a_refused_post_writes_nothing(site, susans, refuses_to_commit):
    for number in range(30):
        susans.post("/posts/", body=f"Post {number}")
    with refuses_to_commit(site):
        assert susans.post("/posts/", body="One too many").status_int == 429


@pytest.fixture
def refuses_to_commit():
    """Inside of it no transaction of that site that writes may commit."""

    @contextmanager
    def refuse(site):
        commits = []

        def note(connection):
            if connection.get_execution_options().get("sqlite_begin") == "IMMEDIATE":
                commits.append(connection)

        sa.event.listen(site.database.engine, "commit", note)
        yield
        sa.event.remove(site.database.engine, "commit", note)
        assert commits == []

    return refuse


def test_what_is_imported_or_done_by_commands_is_not_limited(site, susan):
    john = add_person(site, "john")
    with site.database.write() as session:
        for number in range(40):
            write_post(session, susan, f"Post {number}")
        for _ in range(120):
            follow(session, susan, john)
    assert number_of(site, Post) == 40


# Following


def test_following_and_no_longer_following_are_counted_together(make_site, susan):
    site = make_site({"follows.per_account": "5 per hour"})
    add_person(site, "john")
    client = Client(site, HOME)
    client.log_in()
    statuses = [
        client.post(f"/users/john/{'unfollow' if number % 2 else 'follow'}").status_int for number in range(7)
    ]
    assert statuses == [303] * 5 + [429] * 2
    page = client.post("/users/john/follow")
    assert retry_after(page) == 720
    assert "very many people" in flashes(page)[-1]
    assert find(page, "form[action='/users/john/follow']")


# Searching


def test_of_two_thousand_searches_of_a_visitor_sixty_are_answered(site):
    browser = Client(site, HOME).browser
    statuses = [browser.get("/search?q=word", status="*").status_int for _ in range(2000)]
    assert statuses == [200] * 60 + [429] * 1940
    assert browser.get("/search").status_int == 200  # the empty page is no search
    assert Client(site, ELSEWHERE).browser.get("/search?q=word").status_int == 200


def test_a_refused_search_has_a_page_that_says_when_to_try_again(site, time):
    browser = Client(site, HOME).browser
    for _ in range(60):
        browser.get("/search?q=two+words")
    page = browser.get("/search?q=two+words", status=429)
    assert retry_after(page) == 1
    assert find(page, "title").get_text() == "Too many at once · microblog"
    sentence = find(page, ".sentence").get_text()
    assert sentence == "You have searched very often in a short time. Try again in 1 second."
    again = page.html.select(".buttons a")[0]
    assert (again.get_text(), again["href"]) == ("Try again", "/search?q=two+words")
    time.shift(1)
    browser.get("/search?q=two+words", status=200)


def test_a_person_who_searches_is_counted_by_their_account(site, susans):
    elsewhere = Client(site, ELSEWHERE)
    elsewhere.log_in()
    for number in range(60):
        (susans if number % 2 else elsewhere).browser.get("/search?q=word")
    susans.browser.get("/search?q=word", status=429)
    elsewhere.browser.get("/search?q=word", status=429)
    Client(site, HOME).browser.get("/search?q=word", status=200)


def test_searches_for_people_and_for_posts_are_counted_together(site):
    browser = Client(site, HOME).browser
    for number in range(60):
        browser.get("/users/?q=susan" if number % 2 else "/search?q=susan")
    browser.get("/users/?q=susan", status=429)
    browser.get("/search?q=susan", status=429)
    browser.get("/users/", status=200)


def test_a_search_sends_no_statement_for_its_limit_and_writes_it_later(site):
    browser = Client(site, HOME).browser
    browser.get("/search?q=word")
    assert number_of(site, LimitCount) == 0
    site.registry.deferred.flush()
    assert number_of(site, LimitCount) == 1


def test_a_restarted_process_learns_of_the_searches_before(site):
    browser = Client(site, HOME).browser
    for _ in range(60):
        browser.get("/search?q=word")
    site.registry.deferred.flush()
    site.registry.process_counts = ProcessCounts(site.registry.deferred)
    browser.get("/search?q=word", status=200)
    site.registry.deferred.flush()
    browser.get("/search?q=word", status=429)


def test_by_a_unix_socket_visitors_may_search_as_they_like(site):
    browser = Client(site, None).browser
    assert {browser.get("/search?q=word").status_int for _ in range(65)} == {200}


# What other rooms declare


@pytest.fixture
def post_office(make_site):
    """With a room of somebody else's that has a limit of its own."""
    return make_site(**{"pyramid.includes": "tests.functional.limits.post_office"})


def test_below_the_api_a_refusal_is_json(post_office):
    browser = Client(post_office, HOME).browser
    assert browser.get("/api/parcels").json == {}
    answer = browser.get("/api/parcels", status=429)
    assert retry_after(answer) == 60
    assert answer.content_type == "application/json"
    assert json.loads(answer.text)["error"] == {
        "status": 429,
        "title": "Too many at once",
        "message": "Too many parcels. Try again in 60 seconds.",
        "incident": None,
    }


def test_a_form_whose_address_has_no_page_gets_the_page_of_the_error_with_what_was_typed(post_office):
    client = Client(post_office, HOME)
    client.post("/parcel")
    page = client.post("/closed_parcel", note="For you")
    assert (page.status_int, retry_after(page)) == (429, 60)
    assert find(page, ".sentence").get_text() == "Too many parcels. Try again in 60 seconds."
    assert find(page, ".recovered textarea").get_text().strip() == "For you"


def test_a_page_that_fails_does_not_hide_why_the_form_was_refused(post_office):
    client = Client(post_office, HOME)
    client.post("/parcel")
    page = client.post("/broken_parcel", note="For you")
    assert page.status_int == 429
    assert find(page, ".recovered textarea").get_text().strip() == "For you"


def test_what_is_no_form_gets_the_page_of_the_error(post_office):
    client = Client(post_office, HOME)
    client.post("/parcel")
    page = client.browser.put("/other_parcel", headers={"X-CSRF-Token": client.token}, status=429)
    assert find(page, ".sentence").get_text() == "Too many parcels. Try again in 60 seconds."
