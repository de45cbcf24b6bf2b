"""Steps that people take, for the functional tests: each does what its page's form would do."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import cache
from typing import Any

from webtest import TestApp, TestResponse

from microblog.accounts.actions import create_account
from microblog.accounts.passwords import hash_password
from microblog.accounts.queries import start_session
from microblog.security.cookies import SESSION_COOKIE
from microblog.security.identity import hash_token

PASSWORD = "correct horse battery staple"


def sign_up(
    browser: TestApp, nickname: str, *, email: str | None = None, password: str = PASSWORD
) -> TestResponse:
    """Sign up, and be on the home page, logged in."""
    form = browser.get("/register").forms["register-form"]
    form["nickname"] = nickname
    form["email"] = email or f"{nickname.lower()}@example.com"
    form["password"] = password
    return form.submit(status=303).follow()


def enter(browser: TestApp, nickname: str, *, email: str | None = None, password: str = PASSWORD) -> int:
    """Be logged in as somebody new, as after `sign_up` in a tenth of its time, for tests of other things.

    Returns the id of the person.
    """
    app: Any = browser.app
    password_hash = hash_once(password)
    token = secrets.token_urlsafe(32)
    with app.registry.database.write() as session:
        email = email or f"{nickname.lower()}@example.com"
        user_id = create_account(session, nickname, email=email, password_hash=password_hash)
        start_session(session, user_id, hash_token(token), timedelta(hours=12), verified=password_hash)
    browser.set_cookie(SESSION_COOKIE, token)
    for cookie in browser.cookiejar:
        if cookie.name == SESSION_COOKIE:
            cookie.value = token  # without the quotes of WebTest, which no browser would send
    return user_id


@cache
def hash_once(password: str) -> str:
    return hash_password(password)


def log_in(browser: TestApp, login: str, password: str = PASSWORD, *, remember: bool = False) -> TestResponse:
    """Send the login form; returns the response."""
    form = browser.get("/login").forms["login-form"]
    form["nickname"] = login
    form["password"] = password
    form["remember_me"] = remember
    return form.submit(status="*")


def write(browser: TestApp, body: str) -> TestResponse:
    """Write a post on the home page, and be there again."""
    form = browser.get("/").forms["compose-form"]
    form["body"] = body
    return form.submit(status=303).follow()


def token(browser: TestApp, path: str = "/") -> str:
    """The CSRF token of the forms that this browser sees now."""
    field = browser.get(path).html.select_one("input[name=csrf_token]")
    assert field is not None, f"{path} has no form"
    return str(field["value"])


def bodies(page: TestResponse) -> list[str]:
    """The texts of the posts on a page, from top to bottom."""
    return [element.get_text() for element in page.html.select("[data-post-id] .post-body")]


def post_ids(page: TestResponse) -> list[int]:
    """The ids of the posts on a page, from top to bottom."""
    return [int(str(element["data-post-id"])) for element in page.html.select("[data-post-id]")]


def flashes(page: TestResponse) -> list[str]:
    """What the page says about what was just done."""
    return [element.get_text(" ", strip=True) for element in page.html.select(".flash")]


def user_id_of(browser: TestApp) -> int:
    """The id of who is logged in."""
    body = browser.get("/").html.body
    assert body is not None
    return int(str(body["data-person"]))
