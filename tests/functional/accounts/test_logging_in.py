"""Logging in and out, and how long it lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import argon2
import pytest
import sqlalchemy as sa
import time_machine

from microblog.accounts import actions, passwords, queries
from microblog.accounts.models import LoginSession, User
from microblog.security.csrf import unmask
from tests.walk import PASSWORD, bodies, flashes, sign_up, token

WRONG = "This nickname or e-mail address and this password do not match."
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def susan(application):
    """Susan has an account; the browser is hers, logged in."""
    browser = application.browser()
    sign_up(browser, "susan", email="susan@example.com")
    return browser


def log_in(browser, login="susan", password=PASSWORD, *, remember=False, status=303, path="/login"):
    form = browser.get(path).forms["login-form"]
    form["nickname"], form["password"], form["remember_me"] = login, password, remember
    return form.submit(status=status)


def is_logged_in(browser):
    return "header-logout-form" in browser.get("/explore").forms


def errors(page):
    return [item.get_text() for item in page.html.select(".error-summary li")]


def session_cookie(response):
    """The Set-Cookie line of the session."""
    return next(line for line in response.headers.getall("Set-Cookie") if line.startswith("session="))


@pytest.mark.parametrize("login", ["susan", "SUSAN", " susan ", "susan@example.com", "Susan@EXAMPLE.com"])
def test_one_logs_in_by_nickname_or_address_in_any_case(susan, browser, login):
    response = log_in(browser, login)
    assert response.location == "http://localhost/"
    assert is_logged_in(browser)


def test_a_wrong_password_and_an_unknown_person_get_the_same_page(susan, application, monkeypatch):
    """FOUNDATION 6, line 10: whoever is not there, has no password, is leaving or is gone; and as many hashes
    are made, so that the time tells nothing either."""
    verified = []
    original = argon2.PasswordHasher.verify

    def verify(hasher, *arguments):
        verified.append(arguments)
        return original(hasher, *arguments)

    passwords.make_dummy_hash()
    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    with application.database.write() as session:
        queries.add_user(session, "imported")
        for nickname in ("leaving", "gone"):
            user_id = queries.add_user(session, nickname, password_hash=passwords.hash_password(PASSWORD))
            actions.leave(session, user_id, days=0)
        actions.go(session, user_id)
    pages = []
    for login, password in (
        ("susan", "wrong password"),
        ("nobody", PASSWORD),
        ("no@example.com", PASSWORD),
        ("imported", PASSWORD),
        ("leaving", "wrong password"),
        ("gone", PASSWORD),
    ):
        browser = application.browser()
        browser.set_cookie("visitor", "the same")
        page = log_in(browser, login, password, status=422)
        assert errors(page) == [WRONG]
        assert not is_logged_in(browser)
        # Random, of this page alone.
        key, masked = (page.forms["login-form"][name].value for name in ("key", "csrf_token"))
        pages.append(page.text.replace(login, "…").replace(key, "…").replace(masked, "…"))
    assert len(set(pages)) == 1
    assert len(verified) == len(pages)


def test_the_nickname_stays_in_the_form_and_the_password_does_not(susan, browser):
    page = log_in(browser, "susan", "wrong password", remember=True, status=422)
    form = page.forms["login-form"]
    assert (form["nickname"].value, form["password"].value) == ("susan", "")
    assert form["remember_me"].checked
    assert "wrong password" not in page.text


@pytest.mark.parametrize(
    ("login", "password", "words"),
    [
        ("", PASSWORD, "Type your nickname or e-mail address."),
        ("susan", "", "Type your password."),
        ("x" * 255, PASSWORD, "This is too long for a nickname or an e-mail address."),
        ("susan", "x" * 1001, "This is too long for a password."),
    ],
)
def test_missing_and_too_long_fields_are_reported(susan, browser, login, password, words):
    assert errors(log_in(browser, login, password, status=422)) == [words]


def test_a_former_nickname_does_not_log_in(susan, browser):
    form = susan.get("/account/profile").forms["profile-form"]
    form["nickname"] = "renamed"
    form.submit(status=303)
    assert errors(log_in(browser, "susan", status=422)) == [WRONG]
    log_in(browser, "renamed")


def test_a_person_without_a_password_cannot_log_in(application, browser):
    """Authors that an import made."""
    with application.database.write() as session:
        queries.add_user(session, "imported")
    for password in (PASSWORD, "nobody has this password"):
        assert errors(log_in(browser, "imported", password, status=422)) == [WRONG]


def test_a_person_who_is_logged_in_is_redirected_from_the_log_in_page(susan):
    assert susan.get("/login", status=303).location == "http://localhost/"
    assert susan.get("/login?next=/explore", status=303).location == "http://localhost/explore"


# Where it leads


@pytest.mark.parametrize(
    "target", ["/explore", "/users/susan?before=5", "/search?q=a%20b#x", "/%2f%2fevil.example"]
)
def test_one_comes_back_to_where_one_was(susan, browser, target):
    page = browser.get("/login", {"next": target})
    form = page.forms["login-form"]
    assert form["next"].value == target
    form["nickname"], form["password"] = "susan", PASSWORD
    assert form.submit(status=303).headers["Location"] == f"http://localhost{target}"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: session=x",
        "///evil.example",
        "http:///evil.example",
        "http:evil.example",
        "https://evil.example/",
        "HTTPS://localhost@evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        " /explore",
        "/ /evil.example",
        "/\x00",
        "/\x7f",
        "/日本",
        "/\u2028",
        "?next=x",
        "#",
        "",
    ],
)
def test_one_never_goes_on_to_somebody_elses_page(susan, browser, target):
    page = browser.get("/login", {"next": target})
    assert "next" not in page.forms["login-form"].fields
    fields = {
        "csrf_token": page.forms["login-form"]["csrf_token"].value,
        "nickname": "susan",
        "password": PASSWORD,
        "next": target,
    }
    response = browser.post("/login", fields, status=303)
    assert response.headers["Location"] == "http://localhost/"
    assert "evil" not in str(response.headers)


def test_where_to_go_stays_when_the_password_was_wrong(susan, browser):
    page = log_in(browser, password="wrong password", path="/login?next=/explore", status=422)
    form = page.forms["login-form"]
    form["password"] = PASSWORD
    assert form.submit(status=303).location == "http://localhost/explore"


# The session


def test_without_remember_me_the_cookie_goes_with_the_browser(susan, browser):
    cookie = session_cookie(log_in(browser))
    assert "Max-Age" not in cookie
    assert "expires" not in cookie.lower()
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


def test_with_remember_me_the_cookie_stays_for_a_year(susan, browser):
    assert "Max-Age=31536000" in session_cookie(log_in(browser, remember=True))


@pytest.mark.parametrize(("remember", "idle"), [(False, timedelta(hours=12)), (True, timedelta(days=30))])
def test_a_session_ends_after_a_while_without_a_request(application, remember, idle):
    """FOUNDATION 6, line 5: the idle lifetime, by a clock that is moved."""
    browser = application.browser()
    sign_up(application.browser(), "susan")
    with time_machine.travel(NOON, tick=False) as clock:
        log_in(browser, remember=remember)
        # Used before its end, it goes on.
        clock.shift(idle - timedelta(minutes=1))
        assert is_logged_in(browser)
        application.registry.deferred.flush()
        clock.shift(idle - timedelta(minutes=1))
        assert is_logged_in(browser)
        application.registry.deferred.clear()
        clock.shift(timedelta(minutes=1))
        assert not is_logged_in(browser)


def test_a_session_ends_after_a_year_even_if_it_is_used(application):
    """FOUNDATION 6, line 5: the absolute lifetime, by a clock that is moved."""
    browser = application.browser()
    sign_up(application.browser(), "susan")
    with time_machine.travel(NOON, tick=False) as clock:
        log_in(browser, remember=True)
        cookie = browser.cookies["session"]
        for _ in range(14):
            clock.shift(timedelta(days=26))
            browser.set_cookie("session", cookie)
            assert is_logged_in(browser)
            application.registry.deferred.flush()
        clock.shift(timedelta(days=1))
        browser.set_cookie("session", cookie)
        assert not is_logged_in(browser)


def test_the_duration_of_a_session_is_a_setting(make_application):
    application = make_application(
        {"microblog.sessions.hours": "1", "microblog.sessions.remembered_days": "2"}
    )
    sign_up(application.browser(), "susan")
    for remember, hours in ((False, 1), (True, 48)):
        browser = application.browser()
        with time_machine.travel(NOON, tick=False) as clock:
            log_in(browser, remember=remember)
            clock.shift(timedelta(hours=hours, seconds=-1))
            assert is_logged_in(browser)
            clock.shift(1)
            assert not is_logged_in(browser)


def test_every_log_in_gives_a_new_token_and_only_its_hash_is_kept(susan, application, database):
    """FOUNDATION 6, lines 1 and 7: new with each log-in, of 256 random bits, and stored hashed."""
    tokens = {susan.cookies["session"]}
    for _ in range(2):
        browser = application.browser()
        log_in(browser)
        tokens.add(browser.cookies["session"])
    assert len(tokens) == 3
    assert all(len(token) >= 43 for token in tokens)  # 256 bits
    with database.read() as session:
        rows = [tuple(row) for row in session.execute(sa.select(LoginSession.__table__))]
    assert len(rows) == 3
    assert not tokens & {value for row in rows for value in row}


@pytest.mark.parametrize("planted", ["x" * 43, "one that has ended"])
def test_a_planted_session_is_not_taken_over(susan, application, browser, planted):
    """FOUNDATION 6, line 1: whoever has planted it in her browser cannot use it after her log-in."""
    if planted == "one that has ended":
        planted = susan.cookies["session"]
        susan.get("/logout").forms["logout-form"].submit(status=303)
    browser.set_cookie("session", planted)
    assert not is_logged_in(browser)
    log_in(browser)
    assert browser.cookies["session"] != planted
    assert is_logged_in(browser)
    thief = application.browser()
    thief.set_cookie("session", planted)
    assert not is_logged_in(thief)


def test_the_form_token_changes_with_the_log_in(susan, application, browser):
    """FOUNDATION 6, line 1: nor is the token of a planted visitor's cookie worth anything."""
    thief = application.browser()
    known = token(thief, "/login")
    browser.set_cookie("visitor", thief.cookies["visitor"])
    before = token(browser, "/login")
    assert unmask(before) == unmask(known)
    log_in(browser)
    assert unmask(token(browser)) != unmask(known)
    for old in (before, known):
        browser.post("/posts/", {"csrf_token": old, "body": "Hello"}, status=400)


# Logging out


def test_one_logs_out_by_the_button(susan):
    page = susan.get("/").forms["header-logout-form"].submit(status=303).follow()
    assert flashes(page) == ["You are logged out."]
    assert not is_logged_in(susan)


def test_the_address_alone_asks_first(susan):
    page = susan.get("/logout", status=200)
    assert "Log out?" in page.text
    assert is_logged_in(susan)
    page.forms["logout-form"].submit(status=303)
    assert not is_logged_in(susan)


def test_the_cookie_of_an_ended_session_is_nobodys(susan, application):
    """FOUNDATION 6, line 2: neither a page nor a form knows it."""
    cookie = susan.cookies["session"]
    form = susan.get("/").forms["compose-form"]
    form["body"] = "Written by a replay"
    susan.get("/logout").forms["logout-form"].submit(status=303)
    assert "session" not in susan.cookies
    replay = application.browser()
    replay.set_cookie("session", cookie)
    assert not is_logged_in(replay)
    assert replay.get("/account/", status=303).location.startswith("http://localhost/login")
    assert "login-form" in replay.post(form.action, form.submit_fields(), status=400).forms
    assert bodies(replay.get("/explore")) == []


def test_logging_out_here_leaves_other_browsers_logged_in(susan, browser):
    log_in(browser)
    susan.get("/logout").forms["logout-form"].submit(status=303)
    assert is_logged_in(browser)


def test_logging_out_twice_is_harmless(susan, application):
    other = application.browser()
    other.set_cookie("session", susan.cookies["session"])
    form = other.get("/logout").forms["logout-form"]
    susan.get("/logout").forms["logout-form"].submit(status=303)
    # The token of the form went with the session, but there is nothing left to do.
    assert form.submit(status=303).location == "http://localhost/"
    assert other.get("/logout", status=303).location == "http://localhost/"


# Passwords


def test_a_hash_of_other_parameters_is_made_anew_at_the_log_in(application, browser, database):
    """FOUNDATION 6, line 16."""
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with database.write() as session:
        queries.add_user(session, "susan", password_hash=weak)
    log_in(browser, password="wrong password", status=422)
    with database.read() as session:
        assert session.scalar(sa.select(User.password_hash)) == weak
    log_in(browser)
    with database.read() as session:
        fresh = session.scalar(sa.select(User.password_hash))
    assert fresh != weak
    assert not passwords.needs_rehash(str(fresh), PASSWORD)
    log_in(application.browser())


def test_a_hash_from_before_passwords_had_a_normal_form_is_made_anew_at_the_log_in(application, database):
    decomposed = "mein pa\u0308sswo\u0308rd"
    with database.write() as session:
        queries.add_user(session, "susan", password_hash=passwords.HASHER.hash(decomposed))
    log_in(application.browser(), password=decomposed)
    log_in(application.browser(), password="mein pässwörd")


def test_no_password_is_hashed_while_the_database_is_held(application, browser, monkeypatch):
    """Between BEGIN IMMEDIATE and COMMIT everybody else waits."""
    pool = application.database.engine.pool
    held = []
    for name in ("hash", "verify"):
        original = getattr(argon2.PasswordHasher, name)

        def watch(hasher, *args, original=original, **kwargs):
            held.append(pool.checkedout())
            return original(hasher, *args, **kwargs)

        monkeypatch.setattr(argon2.PasswordHasher, name, watch)
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with application.database.write() as session:
        queries.add_user(session, "old", password_hash=weak)
    sign_up(browser, "susan")
    browser.get("/logout").forms["logout-form"].submit(status=303)
    log_in(browser, password="wrong password", status=422)
    log_in(browser, "nobody", status=422)
    log_in(browser)
    log_in(application.browser(), "old")  # is hashed anew
    assert len(held) >= 7
    assert set(held) == {0}


def test_a_visitor_who_is_sent_to_log_in_reads_why(browser):
    page = browser.get("/account/profile", status=303).follow()
    assert page.request.path == "/login"
    assert flashes(page) == ["Please log in first: that page is only for people who have an account."]
    assert flashes(browser.get("/login")) == []  # whoever comes by themselves
