"""Every page in a language that nobody speaks: whatever is not in its brackets was not translated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from bs4.element import NavigableString
from webtest import TestApp

from microblog.accounts.queries import add_user, find_owner_id, start_session
from microblog.accounts.settings import LOG_IN
from microblog.security.identity import hash_token
from tests.browser.scenes import (
    ADMIN,
    CLOSED,
    PROFILE_SCENES,
    SCENES,
    SETTINGS,
    fill,
    fill_profiles,
    profile_settings,
)
from tests.plugins.pseudo import CLOSING, OPENING, TAG
from tests.walk import flashes

PSEUDO = {"pyramid.includes": "tests.plugins.pseudo", "microblog.site_name": "№ 1"}
TECHNICAL = {"GET", "Root", "SQL", "ms", "taken"}  # the last one is the name of a kind of mails
WORD = re.compile(r"[^\W\d_]{2,}")
ATTRIBUTES = ("alt", "aria-label", "title", "placeholder", "content")
# What people wrote, what is the same in each language, and what Unicode's data of languages (CLDR) says.
NOT_OURS = (
    "script, style, code, kbd, pre, textarea, time, bdi, [translate=no], [lang]:not(html), option[lang], "
    "option[value], #time_zone option, .post-body, .person-about, .profile-about, .brand, .post-author, "
    ".number, .function, .location, .table th[scope=row], .statements, .post-picture img, .picture-text, "
    ".picture:has(.picture-text) img, [dir=auto]"
)
NOT_OURS_IN_HEAD = ", ".join(
    [
        *(f'meta[name="{name}"]' for name in ("viewport", "theme-color", "color-scheme")),
        *(f'meta[property="og:{name}"]' for name in ("site_name", "type", "url", "image")),
    ]
)


def get_text_outside(text: str) -> str:
    depth, outside = 0, []
    for character in text:
        depth += (character == OPENING) - (character == CLOSING)
        outside.append(character if depth == 0 else " ")
    return "".join(outside)


def find_untranslated(html: str) -> Iterator[str]:
    soup = BeautifulSoup(html, "html.parser")
    is_somebodys = (
        soup.select_one(".profile, .post-large, .deeds") is not None
    )  # their words are in its title
    for element in soup.select(f"{NOT_OURS}, {NOT_OURS_IN_HEAD}{', title, meta' if is_somebodys else ''}"):
        element.clear()
        element.attrs = {}
    page = "".join(
        str(node) + " " for node in soup.descendants if type(node) is NavigableString and node.strip()
    )
    texts = [
        page,
        *(element[name] for element in soup.find_all() for name in ATTRIBUTES if element.has_attr(name)),
    ]
    for text in texts:
        yield from (word for word in WORD.findall(get_text_outside(str(text))) if word not in TECHNICAL)


def log_in(application: Any, person: str) -> TestApp:
    browser = application.browser()
    with application.database.write() as session:
        owner = find_owner_id(session, person) or add_user(session, person, is_admin=person == ADMIN)
        start_session(session, owner, hash_token(person), timedelta(hours=1))
    browser.set_cookie("session", person)
    return browser


def in_pseudo(browser: TestApp) -> TestApp:
    browser.set_cookie("preferences", f"language={TAG}")
    return browser


def test_no_page_has_a_text_that_is_not_translated(make_application):
    application = make_application({**SETTINGS, **PSEUDO})
    filled = fill(application)
    people: dict[str | None, TestApp] = {None: in_pseudo(application.browser())}
    faults = []
    for scene in SCENES:
        if scene.act is None:
            if scene.person not in people:
                people[scene.person] = in_pseudo(log_in(application, str(scene.person)))
            path = quote(scene.path.format(**vars(filled)), safe="/?=&%+:*")
            page = people[scene.person].get(path, status="*").maybe_follow(status="*")
            assert page.status_int == scene.status, scene.name
            faults += [f"{scene.name}: {word}" for word in find_untranslated(page.text)]
    assert not faults, "\n".join(dict.fromkeys(faults))


def find_in_all(browser: TestApp, *paths: str) -> list[str]:
    pages = {path: browser.get(path, status="*").maybe_follow(status="*") for path in paths}
    return [f"{path}: {word}" for path, page in pages.items() for word in find_untranslated(page.text)]


def test_an_empty_site_is_translated(make_application):
    application = make_application(PSEUDO)
    assert not find_in_all(in_pseudo(application.browser()), "/", "/explore", "/users/", "/search?q=word")
    browser = in_pseudo(log_in(application, "susan"))
    pages = ("/", "/users/susan", "/users/susan/followers", "/users/susan/following", "/explore", "/users/")
    assert not find_in_all(browser, *pages)


def test_a_site_that_takes_nobody_is_translated(make_application):
    browser = in_pseudo(make_application({**PSEUDO, **CLOSED}).browser())
    assert not find_in_all(browser, "/", "/register", "/login", "/explore", "/users/")


def test_the_pages_of_admins_are_translated(make_application, tmp_path):
    application = make_application({**PSEUDO, **profile_settings(tmp_path)})
    fill(application)
    filled = fill_profiles(application)
    browser = in_pseudo(log_in(application, ADMIN))
    paths = [scene.path.format(**vars(filled)) for scene in PROFILE_SCENES]
    assert not find_in_all(browser, *paths, "/admin/profiles/?sort=nothing")


REFUSED = [
    ("/register", "register-form", {"nickname": "a", "email": "b", "password": "c"}),
    ("/register", "register-form", {"nickname": "", "email": "", "password": ""}),
    ("/register", "register-form", {"nickname": "admin", "email": "a@b.example", "password": "password1"}),
    ("/login", "login-form", {"nickname": "", "password": ""}),
    ("/login", "login-form", {"nickname": "susan", "password": "wrong"}),
    ("/account/profile", "profile-form", {"nickname": "a..b", "display_name": "a@b", "about_me": "x" * 500}),
    ("/account/profile", "profile-form", {"display_name": "\u202ea", "about_me": "\x01"}),
    ("/", "compose-form", {"body": "x" * 300}),
    ("/", "compose-form", {"body": " "}),
    ("/", "compose-form", {"body": "x" * 100_000}),
]


@pytest.mark.parametrize(("path", "name", "fields"), REFUSED)
def test_what_a_form_says_is_translated(make_application, path, name, fields):
    application = make_application(PSEUDO)
    is_visitors = path in ("/register", "/login")
    browser = in_pseudo(application.browser() if is_visitors else log_in(application, "susan"))
    form = browser.get(path).forms[name]
    for field, value in fields.items():
        form[field] = value
    page = form.submit(status=422)
    assert page.html.select_one(".error-summary li") is not None
    assert not [*find_untranslated(page.text)]


def test_what_was_done_is_said_in_the_language(make_application):
    application = make_application(PSEUDO)
    browser = in_pseudo(log_in(application, "susan"))
    form = browser.get("/").forms["compose-form"]
    form["body"] = "…"
    page = form.submit(status=303).follow()
    assert [text[0] for text in flashes(page)] == [OPENING]
    assert not [*find_untranslated(page.text)]


def test_a_limit_says_in_the_language_when_to_try_again(make_application):
    settings = {f"microblog.limits.{LOG_IN}.per_account_and_address": "1 per hour"}
    browser = in_pseudo(make_application({**PSEUDO, **settings}).browser())
    for status in (422, 429):
        form = browser.get("/login").forms["login-form"]
        form["nickname"], form["password"] = "susan", "wrong"
        page = form.submit(status=status)
    assert not [*find_untranslated(page.text)]


def test_the_texts_of_the_script_are_translated(make_application):
    browser = in_pseudo(log_in(make_application(PSEUDO), "susan"))
    (counter,) = browser.get("/").html.select("[data-counter-for]")
    for name in ("data-left", "data-over"):
        forms = json.loads(str(counter[name]))
        assert forms.keys() == {"one", "other"}
        assert all(OPENING in form and "{n}" in form for form in forms.values())


def test_the_language_is_not_offered(make_application):
    page = make_application(PSEUDO).browser().get("/preferences")
    assert TAG not in [option["value"] for option in page.html.select("#language option")]


def test_the_check_finds_a_text_that_is_not_translated():
    page = f"<p>{OPENING}yes{CLOSING} <b>not this</b></p><img alt='nor that'><code>but code</code>"
    assert [*find_untranslated(page)] == ["not", "this", "nor", "that"]
