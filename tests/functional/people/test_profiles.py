"""Profiles and avatars, and editing one's own."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import event

from microblog.accounts.models import LoginSession, User
from tests.walk import bodies, enter, flashes, token, write

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TAKEN = "Somebody has, or had, this nickname already."


def edit(browser, *, nickname=None, about_me=None, status=303):
    """The answer to the form with which one edits one's profile."""
    form = browser.get("/account/profile").forms["profile-form"]
    if nickname is not None:
        form["nickname"] = nickname
    if about_me is not None:
        form["about_me"] = about_me
    return form.submit(status=status)


def text(page, selector):
    return page.html.select(selector)[0].get_text(" ", strip=True)


def errors(page):
    return [error.get_text() for error in page.html.select(".field-errors p")]


# What a profile shows


def test_a_profile_shows_who_it_is_and_what_they_wrote(application, browser):
    with time_machine.travel(NOON, tick=False):
        susan = application.browser()
        enter(susan, "susan")
        edit(susan, about_me="I write about @john and https://example.org")
        write(susan, "Hello")
    page = browser.get("/users/susan")
    assert text(page, "h1") == "susan"
    assert text(page, ".profile-about") == "I write about @john and https://example.org"
    assert [a["href"] for a in page.html.select(".profile-about a")] == ["/users/john", "https://example.org"]
    assert text(page, ".counts") == "1 post 0 followers 0 following"
    assert text(page, ".profile-dates") == "Member since November 22, 2026"
    assert bodies(page) == ["Hello"]
    assert avatar_of(page).startswith("/avatars/")


def test_a_profile_does_not_show_the_address(susan, browser):
    assert "example.com" not in browser.get("/users/susan").text
    assert "example.com" not in browser.get("/users/").text


def test_ones_own_profile_can_be_edited_and_another_followed(application, susan):
    enter(application.browser(), "john")
    own, other = susan.get("/users/susan"), susan.get("/users/john")
    assert own.html.select("a[href='/account/profile']")
    assert "follow-form" not in own.forms
    assert "follow-form" in other.forms
    assert not other.html.select("a[href='/account/profile']")
    assert "follow-form" not in application.browser().get("/users/john").forms


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/users/SUSAN", "/users/susan"),
        ("/users/susan/", "/users/susan"),
        ("/users/Susan/followers?before=5", "/users/susan/followers?before=5"),
        ("/users/susan/followers/", "/users/susan/followers"),
        ("/users", "/users/"),
        ("/users?q=s", "/users/?q=s"),
        ("/explore/", "/explore"),
        ("//explore", "/explore"),
    ],
)
def test_a_page_has_one_address(susan, path, canonical):
    response = susan.get(f"http://localhost{path}", status=301)
    assert response.location == f"http://localhost{canonical}"
    # A nickname may change hands: nobody keeps this for ever.
    assert response.headers["Cache-Control"] == "no-cache"


# Editing it


def test_the_profile_is_edited_and_shown(susan):
    response = edit(susan, about_me="Hello")
    assert response.location == "http://localhost/users/susan"
    page = response.follow()
    assert flashes(page) == ["Your profile has been saved."]
    assert text(page, ".profile-about") == "Hello"
    form = susan.get("/account/profile").forms["profile-form"]
    assert (form["nickname"].value, form["about_me"].value) == ("susan", "Hello")
    edit(susan, about_me="")
    assert not susan.get("/users/susan").html.select(".profile-about")


def test_about_me_may_have_140_characters_as_a_reader_counts_them(susan):
    family = "👩‍👩‍👧‍👦"
    page = edit(susan, about_me=family * 140).follow()
    assert text(page, ".profile-about") == family * 140
    page = edit(susan, about_me=family * 141, status=422)
    assert errors(page) == ["This is 1 character too long: at most 140 characters."]
    assert page.forms["profile-form"]["about_me"].value == family * 141
    assert errors(edit(susan, about_me="e" + "\u0301" * 140 * 16, status=422)) == [
        "This is far too long: at most 140 characters."
    ]


def test_about_me_is_shown_as_it_was_typed_and_never_run(susan):
    about_me = "</textarea><script>alert(1)</script> javascript:alert(1) [a](//evil.org)"
    page = edit(susan, about_me=about_me).follow()
    assert text(page, ".profile-about") == about_me
    assert {element.name for element in page.html.select(".profile-about *")} <= {"a"}
    assert susan.get("/account/profile").forms["profile-form"]["about_me"].value == about_me


def test_a_new_nickname_takes_everything_along(susan, browser):
    write(susan, "Hello")
    avatar = browser.get("/users/susan").html.select("img.avatar")[0]["src"]
    page = edit(susan, nickname="grace").follow()
    assert text(page, "h1") == "grace"
    assert bodies(page) == ["Hello"]
    assert page.html.select(".profile img.avatar")[0]["src"] == avatar
    assert text(browser.get("/explore"), ".post-author") == "grace"


@pytest.mark.parametrize("rest", ["", "/followers", "/following?before=5"])
def test_the_old_nickname_leads_to_the_new_one(susan, browser, rest):
    edit(susan, nickname="grace")
    for old in ("susan", "SuSaN"):
        response = browser.get(f"/users/{old}{rest}", status=301)
        assert response.location == f"http://localhost/users/grace{rest}"


def test_the_old_nickname_stays_reserved_for_its_person(application, susan):
    edit(susan, nickname="grace")
    john = application.browser()
    enter(john, "john")
    page = edit(john, nickname="SUSAN", status=422)
    assert errors(page) == [TAKEN]
    assert text(page, ".hint strong") == "SUSAN2"


def test_one_can_have_the_old_nickname_back(susan, browser):
    edit(susan, nickname="grace")
    assert edit(susan, nickname="susan").location == "http://localhost/users/susan"
    assert text(browser.get("/users/susan"), "h1") == "susan"
    assert browser.get("/users/grace", status=301).location == "http://localhost/users/susan"


def test_the_case_of_a_nickname_can_be_changed(susan, browser):
    edit(susan, nickname="SuSan")
    assert text(browser.get("/users/SuSan"), "h1") == "SuSan"
    assert browser.get("/users/susan", status=301).location == "http://localhost/users/SuSan"


def test_following_by_the_old_nickname_works(application, susan):
    edit(susan, nickname="grace")
    john = application.browser()
    enter(john, "john")
    john.post("/users/susan/follow", {"csrf_token": token(john)}, status=303)
    assert "1 follower" in text(john.get("/users/grace"), ".counts")


@pytest.mark.parametrize(("nickname", "offered"), [("su san", "susan"), ("admin", "admin2"), ("日", "user2")])
def test_a_nickname_that_cannot_be_is_refused_and_another_offered(susan, nickname, offered):
    page = edit(susan, nickname=nickname, about_me="kept", status=422)
    assert len(errors(page)) == 1
    assert text(page, ".hint strong") == offered
    form = page.forms["profile-form"]
    assert (form["nickname"].value, form["about_me"].value) == (nickname, "kept")
    # The page still knows the person by the name they have.
    assert "/users/susan" in page.text


def test_a_taken_nickname_is_refused(application, susan):
    enter(application.browser(), "john")
    page = edit(susan, nickname="John", status=422)
    assert errors(page) == [TAKEN]
    assert text(page, ".hint strong") == "John2"


def test_no_nickname_is_no_nickname(susan):
    assert errors(edit(susan, nickname="", status=422)) == ["Choose a nickname."]


def test_rights_cannot_be_edited(susan):
    fields = {"csrf_token": token(susan), "nickname": "susan", "is_admin": "1"}
    page = susan.post("/account/profile", fields, status=422)
    assert page.html.select(".error-summary li")[0].get_text() == "This form has no field called 'is_admin'."


def test_two_who_take_one_nickname_at_once_do_not_both_get_it(application):
    """Both have looked and found it free before either writes."""
    browsers = []
    for nickname in ("one", "two"):
        browsers.append(application.browser())
        enter(browsers[-1], nickname)
    meeting = threading.Barrier(2, timeout=30)
    met = threading.local()

    def wait_for_the_other(connection, cursor, statement, *rest):
        if "FROM nicknames" in statement and not hasattr(met, "already"):
            met.already = True
            meeting.wait()

    engine = application.database.engine
    event.listen(engine, "after_cursor_execute", wait_for_the_other)
    try:
        with ThreadPoolExecutor(2) as pool:
            pages = list(pool.map(lambda browser: edit(browser, nickname="both", status="*"), browsers))
    finally:
        event.remove(engine, "after_cursor_execute", wait_for_the_other)
    assert sorted(page.status_int for page in pages) == [303, 422]
    assert errors(next(page for page in pages if page.status_int == 422)) == [TAKEN]


# Last seen


def test_last_seen_is_written_after_the_request_and_at_most_once_a_minute(
    application, browser, count_statements
):
    susan = application.browser()
    deferred = application.registry.deferred
    with time_machine.travel(NOON, tick=False) as clock:
        enter(susan, "susan")
        assert "Last seen" not in browser.get("/users/susan").text
        clock.shift(59)
        susan.get("/")
        assert deferred.flush() == 0
        clock.shift(1)
        with count_statements() as statements:
            for _ in range(3):
                susan.get("/explore")
        assert all(statement.startswith("SELECT") for statement in statements), statements
        assert deferred.flush() == 1
        assert "Last seen just now" in text(browser.get("/users/susan"), ".profile-dates")
        susan.get("/")
        assert deferred.flush() == 0
        clock.shift(timedelta(minutes=5))
        assert "Last seen 5 minutes ago" in text(browser.get("/users/susan"), ".profile-dates")
        susan.get("/")
        assert deferred.flush() == 1
        clock.shift(timedelta(hours=3))
        assert "Last seen 3 hours ago" in text(browser.get("/users/susan"), ".profile-dates")
        clock.shift(timedelta(days=1))
        assert "Last seen 1 day ago" in text(browser.get("/users/susan"), ".profile-dates")
        clock.shift(timedelta(days=10))
        assert "Last seen Nov 22, 2026" in text(browser.get("/users/susan"), ".profile-dates")


def test_the_database_refuses_what_a_get_would_write(application):
    """Reading is enforced: a session for a safe request cannot write."""
    with application.database.read() as session, pytest.raises(sa.exc.DBAPIError):
        session.execute(sa.delete(LoginSession))


def test_reading_every_page_changes_no_row(application, susan):
    write(susan, "Hello")

    def rows():
        with application.database.read() as session:
            tables = (User.__table__, LoginSession.__table__)
            return [[tuple(row) for row in session.execute(sa.select(table))] for table in tables]

    before = rows()
    for path in ("/", "/explore", "/users/", "/users/susan", "/users/susan/followers", "/logout"):
        susan.get(path)
    assert rows() == before


# Avatars


def avatar_of(page):
    return str(page.html.select("img.avatar")[0]["src"])


def test_an_avatar_is_a_picture_that_may_be_kept(susan, browser):
    response = browser.get(avatar_of(browser.get("/users/susan")))
    assert response.content_type == "image/svg+xml"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in response.headers
    assert response.body.startswith(b"<svg ")


def test_an_avatar_stays_the_same_and_is_ones_own(application, susan, browser):
    enter(application.browser(), "john")
    susans, johns = (avatar_of(browser.get(f"/users/{name}")) for name in ("susan", "john"))
    assert susans != johns
    assert browser.get(susans).body == browser.get(susans).body != browser.get(johns).body


@pytest.mark.parametrize(
    "name",
    ["x.svg", "0123456789abcdef", "0123456789abcdef.png", "0123456789ABCDEF.svg", "0123456789abcdef.svg%0a"],
)
def test_no_other_address_is_an_avatar(browser, name):
    browser.get(f"/avatars/{name}", status=404)


def test_an_avatar_asks_the_database_nothing(browser, count_statements):
    with count_statements() as statements:
        browser.get("/avatars/0123456789abcdef.svg")
    assert statements == []


def test_gravatar_is_the_operators_choice(make_application):
    application = make_application({"microblog.avatars": "gravatar"})
    browser = application.browser()
    enter(browser, "susan", email="Susan@Example.com")
    page = browser.get("/users/susan")
    source = avatar_of(page)
    address = hashlib.sha256(b"susan@example.com").hexdigest()
    assert source.startswith(f"https://www.gravatar.com/avatar/{address}?")
    assert "img-src 'self' https://www.gravatar.com" in page.headers["Content-Security-Policy"]
    write(browser, "Hello")
    assert str(browser.get("/").html.select(".post img.avatar")[0]["src"]) == source


def test_without_gravatar_no_page_loads_from_another_site(susan):
    for path in ("/", "/users/susan", "/users/"):
        page = susan.get(path)
        assert "gravatar" not in page.headers["Content-Security-Policy"]
        sources = [
            str(element.get("src") or element.get("href"))
            for element in page.html.select("[src], link[href]")
        ]
        assert sources
        assert all(source.startswith("/") and not source.startswith("//") for source in sources), sources


@pytest.mark.parametrize("blank", ["\u3164", "\u2800 \u200b\n\u00ad", "\ufe0f\U000e0020"])
def test_a_description_that_looks_empty_is_empty(susan, application, blank):
    edit(susan, about_me="Something")
    edit(susan, about_me=blank)
    assert susan.get("/users/susan").html.select(".profile-about") == []
    with application.database.read() as session:
        assert session.scalar(sa.select(User.about_me)) == ""
