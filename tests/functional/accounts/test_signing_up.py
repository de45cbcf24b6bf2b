"""Signing up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import argon2
import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.accounts.nicknames import find_nickname_problem
from tests.walk import PASSWORD, bodies, flashes, log_in, sign_up, token, write

TAKEN = "Somebody has, or had, this nickname already."
TAKEN_EMAIL = "Somebody has signed up with this e-mail address already. If that was you, log in."


def answer(browser, *, nickname="susan", email="susan@example.com", password=PASSWORD, status=422):
    """The answer to the form."""
    form = browser.get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = nickname, email, password
    return form.submit(status=status)


def errors(page):
    return [error.get_text() for error in page.html.select(".field-errors p")]


def offer(page):
    return [name.get_text() for name in page.html.select(".hint strong bdi")]


def test_signing_up_welcomes_and_logs_in(browser):
    page = sign_up(browser, "susan")
    assert flashes(page) == ["Welcome! You are signed up, and logged in."]
    assert page.request.path == "/"
    assert bodies(write(browser, "Hello")) == ["Hello"]


def test_the_front_page_leads_a_visitor_to_the_form(browser):
    assert "register-form" in browser.get("/").click("^Create an account$").forms


def test_signing_up_redirects_to_the_next_page(browser):
    page = browser.get("/account/profile").follow().click("^Create one$")
    form = page.forms["register-form"]
    form["nickname"], form["email"], form["password"] = "susan", "susan@example.com", PASSWORD
    assert form.submit(status=303).location == "http://localhost/account/profile"


def test_who_is_logged_in_needs_no_account(browser):
    sign_up(browser, "susan")
    assert browser.get("/register", status=303).location == "http://localhost/"
    fields = {"csrf_token": token(browser), "nickname": "other"}
    assert browser.post("/register", fields, status=303).location == "http://localhost/"
    browser.get("/users/other", status=404)


@pytest.mark.parametrize(
    ("nickname", "words", "offered"),
    [
        ("a", "2 to 30 characters", "a_1"),
        ("John_[123]", "letters a to z", "John_123"),
        ("su san", "letters a to z", "susan"),
        ("сусанна", "letters a to z", "user2"),
        ("susаn", "letters a to z", "susn"),  # its а is Cyrillic
        (".susan", "dot", "susan"),
        ("su..san", "dot", "su.san"),
        ("x" * 40, "2 to 30 characters", "x" * 30),
        ("Admin", "reserved", "Admin2"),
        ("followers", "reserved", "followers2"),
    ],
)
def test_a_nickname_that_cannot_be_is_refused_and_another_offered(browser, nickname, words, offered):
    page = answer(browser, nickname=nickname)
    assert len(errors(page)) == 1
    assert words in errors(page)[0]
    assert offer(page) == [offered]
    form = page.forms["register-form"]
    form["nickname"], form["password"] = offered, PASSWORD
    assert form.submit(status=303).follow().request.path == "/"


@pytest.mark.parametrize("nickname", ["susan", "SUSAN", "Susan"])
def test_a_taken_nickname_is_refused_in_any_case_and_another_offered(application, browser, nickname):
    sign_up(application.browser(), "susan")
    page = answer(browser, nickname=nickname, email="other@example.com")
    assert errors(page) == [TAKEN]
    assert offer(page) == [f"{nickname}2"]


def test_a_taken_nickname_is_offered_a_free_one_even_if_the_next_is_taken_too(application, browser):
    for nickname in ("susan", "susan2"):
        sign_up(application.browser(), nickname)
    assert offer(answer(browser, email="other@example.com")) == ["susan3"]


def test_a_nickname_that_somebody_had_is_taken(application, browser):
    other = application.browser()
    sign_up(other, "susan")
    form = other.get("/account/profile").forms["profile-form"]
    form["nickname"] = "renamed"
    form.submit(status=303)
    assert errors(answer(browser, email="other@example.com")) == [TAKEN]


@pytest.mark.parametrize("nickname", ["", "   "])
def test_without_a_nickname_nothing_is_offered(browser, nickname):
    page = answer(browser, nickname=nickname)
    assert len(errors(page)) == 1
    assert offer(page) == []


def test_blanks_around_a_nickname_and_an_address_do_not_count(browser):
    answer(browser, nickname="  susan ", email=" susan@example.com ", status=303)
    assert browser.get("/users/susan").status_int == 200


@pytest.mark.parametrize(
    "email",
    [
        "",
        "susan",
        "susan@",
        "@example.com",
        "susan@localhost",
        "su san@example.com",
        "susan@example..com",
        f"{'x' * 250}@example.com",
        "a@b@example.com",
        "susan@example.com\r\nBcc: everybody@example.com",
    ],
)
def test_a_wrong_address_is_refused(browser, email):
    page = answer(browser, email=email)
    assert errors(page)
    assert all(error.endswith(".") for error in errors(page))
    browser.get("/users/susan", status=404)


@pytest.mark.parametrize("email", ["susan@example.com", "SUSAN@Example.COM"])
def test_a_taken_address_is_refused_in_any_case(application, browser, email):
    sign_up(application.browser(), "susan")
    page = answer(browser, nickname="other", email=email)
    assert errors(page) == [TAKEN_EMAIL]
    assert offer(page) == []


@pytest.mark.parametrize(
    ("password", "words"),
    [("", "Choose a password."), ("1234567", "8 to 1,000"), ("x" * 1001, "8 to 1,000")],
)
def test_a_short_or_endless_password_is_refused(browser, password, words):
    """FOUNDATION 6, line 15: 8 characters at least."""
    page = answer(browser, password=password)
    assert len(errors(page)) == 1
    assert words in errors(page)[0]


def test_a_password_without_end_is_never_hashed(application, monkeypatch):
    """FOUNDATION 6, line 15: its length is looked at before argon2, on each page that takes one."""
    susan = application.browser()
    sign_up(susan, "susan")
    typed = []
    for name in ("hash", "verify"):
        original = getattr(argon2.PasswordHasher, name)

        def watch(hasher, *args, original=original, **kwargs):
            typed.append(args[-1])
            return original(hasher, *args, **kwargs)

        monkeypatch.setattr(argon2.PasswordHasher, name, watch)
    endless = "x" * 1001
    answer(application.browser(), nickname="other", email="other@example.com", password=endless)
    assert log_in(application.browser(), "susan", endless).status_int == 422
    for path, name, fields in (
        ("/account/password", "password-form", {"password": endless, "new_password": "four words in a row"}),
        ("/account/password", "password-form", {"password": PASSWORD, "new_password": endless}),
        ("/account/email", "email-form", {"email": "new@example.com", "password": endless}),
        ("/account/delete", "deletion-form", {"password": endless}),
    ):
        form = susan.get(path).forms[name]
        for field, value in fields.items():
            form[field] = value
        form.submit(status=422)
    assert endless not in typed
    assert typed == []


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("password", "one of those that are tried first"),
        ("PASSWORD1", "one of those that are tried first"),
        ("susan2026", "one of those that are tried first"),
        ("Sue.Kramer", "is tried first as a password"),
        ("microblog", "is tried first as a password"),
    ],
)
def test_a_password_that_is_tried_first_is_refused(browser, password, words):
    """FOUNDATION 6, line 15: none of those that are tried first."""
    page = answer(browser, email="sue.kramer@example.com", password=password)
    assert len(errors(page)) == 1
    assert words in errors(page)[0]


def test_a_password_typed_on_another_system_logs_in(application, browser):
    answer(browser, password="mein pa\u0308sswo\u0308rd", status=303)
    assert log_in(application.browser(), "susan", "mein pässwörd").status_int == 303


LONG = ("a thousand characters, " * 50)[:1000]


@pytest.mark.parametrize("password", [LONG, "  spaces  ", "пароль日本語🙂", "<b>&amp;\"'"])
def test_any_other_password_is_taken_to_the_letter(application, browser, password):
    """FOUNDATION 6, line 15: any characters, up to a thousand, neither trimmed nor cut off."""
    answer(browser, password=password, status=303)
    again = application.browser()
    for typed, status in ((password + " ", 422), (password[:-1], 422), (password, 303)):
        form = again.get("/login").forms["login-form"]
        form["nickname"], form["password"] = "susan", typed
        form.submit(status=status)


def test_the_typed_text_stays_except_the_password(browser):
    page = answer(browser, nickname="su san", email="su san")
    form = page.forms["register-form"]
    assert (form["nickname"].value, form["email"].value, form["password"].value) == ("su san", "su san", "")
    assert PASSWORD not in page.text
    assert page.html.select("title")[0].text.startswith("Error:")


def test_all_errors_of_the_form_are_shown_at_once(browser):
    assert len(errors(answer(browser, nickname="a", email="b", password="c"))) == 3


def test_rights_cannot_be_typed(browser, database):
    fields = {
        "csrf_token": token(browser, "/register"),
        "nickname": "susan",
        "email": "susan@example.com",
        "password": PASSWORD,
    }
    page = browser.post("/register", {**fields, "is_admin": "true"}, status=422)
    assert "This form has no field called 'is_admin'." in page.html.get_text()
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(User)) == 0


def test_where_signing_up_is_closed_everybody_reads_so(make_application):
    browser = make_application({"microblog.registration": "false"}).browser()
    page = browser.get("/register", status=403)
    assert "Signing up is closed here." in page.text
    assert "/register" not in browser.get("/").text
    assert "/register" not in browser.get("/login").text
    fields = {"csrf_token": token(browser, "/login"), "nickname": "susan"}
    browser.post("/register", fields, status=403)


def test_two_who_sign_up_at_once_with_one_nickname_do_not_both_get_it(application, monkeypatch):
    """Both have looked and found it free before either writes: they meet while hashing."""
    meeting = threading.Barrier(2, timeout=30)
    original = argon2.PasswordHasher.hash

    def hash_together(hasher, password, **kwargs):
        meeting.wait()
        return original(hasher, password, **kwargs)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hash_together)

    def try_it(email):
        return answer(application.browser(), email=email, status="*")

    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(try_it, ["one@example.com", "two@example.com"]))
    assert sorted(page.status_int for page in pages) == [303, 422]
    refused = next(page for page in pages if page.status_int == 422)
    assert errors(refused) == [TAKEN]
    assert find_nickname_problem(offer(refused)[0], application.registry.reserved_nicknames) is None
    with application.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(User)) == 1


def test_two_who_sign_up_at_once_with_one_address_do_not_both_get_it(application, monkeypatch):
    meeting = threading.Barrier(2, timeout=30)
    original = argon2.PasswordHasher.hash

    def hash_together(hasher, password, **kwargs):
        meeting.wait()
        return original(hasher, password, **kwargs)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hash_together)

    def try_it(nickname):
        return answer(application.browser(), nickname=nickname, status="*")

    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(try_it, ["one", "two"]))
    assert sorted(page.status_int for page in pages) == [303, 422]
    assert errors(next(page for page in pages if page.status_int == 422)) == [TAKEN_EMAIL]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("user@bücher.example", "user@xn--bcher-kva.example"),
        ("user@xn--bcher-kva.example", "User@Bücher.example"),
        ("ju\u0308rgen@example.com", "jürgen@example.com"),
        ("jürgen@bu\u0308cher.example", "ju\u0308rgen@bücher.example"),
    ],
)
def test_two_spellings_of_an_address_are_one_account(application, first, second):
    sign_up(application.browser(), "susan", email=first)
    form = application.browser().get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "other", second, PASSWORD
    page = form.submit(status=422)
    assert "Somebody has signed up with this e-mail address already." in page.text
    for spelling in (first, second):
        assert log_in(application.browser(), spelling).status_int == 303
