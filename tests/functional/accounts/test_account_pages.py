"""The pages of one's own account: what there is, a new password, and where one is logged in."""

from __future__ import annotations

import pytest

from microblog.accounts import queries
from microblog.accounts.passwords import hash_password
from microblog.security.cookies import SESSION_COOKIE
from tests.competing import before_the_next_write
from tests.functional.submissions.forms import same_browser
from tests.walk import PASSWORD, enter, flashes, log_in, sign_up, user_id_of

NEW_PASSWORD = "another of four words"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.1 Mobile/15E148 Safari/604.1"
)


def errors(page):
    return [error.get_text() for error in page.html.select(".field-errors p")]


def change(browser, present, new, *, status=303):
    form = browser.get("/account/password").forms["password-form"]
    form["password"], form["new_password"] = present, new
    return form.submit(status=status)


def listed(page):
    return [each.get_text(" ", strip=True) for each in page.html.select("#sessions-form li")]


@pytest.fixture
def susan(application):
    """In three browsers: on Linux, on a phone, and with a browser that says nothing."""
    first = application.browser(HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="203.0.113.77")
    sign_up(first, "susan")
    others = [
        application.browser(HTTP_USER_AGENT=IPHONE, REMOTE_ADDR="2001:db8:aaaa:bbbb::1"),
        application.browser(),
    ]
    for browser in others:
        log_in(browser, "susan")
    return [first, *others]


def test_the_account_page_leads_to_every_page_of_the_account(browser):
    enter(browser, "susan")
    page = browser.get("/users/susan").click("^Your account$", index=0)
    links = [link["href"] for link in page.html.select(".choices a")]
    assert {"/account/profile", "/account/password", "/account/sessions", "/preferences"} <= set(links)
    for link in links:
        assert browser.get(link, status=200)


def test_a_page_of_another_package_is_listed_in_its_order(make_application):
    def extend(config):
        config.add_account_page("cat", "Cat", "Whom you feed.", order=25)
        config.add_account_page("hidden", "Hidden", "Not for you.", order=1, shown=lambda request: False)

    browser = make_application(extend=extend).browser()
    enter(browser, "susan")
    page = browser.get("/account/")
    names = [link.get_text() for link in page.html.select(".choices a")]
    assert names.index("Password") + 1 == names.index("Cat") == names.index("Sessions") - 1
    assert "Hidden" not in names
    assert page.html.select_one("a[href='/account/cat']")


def test_a_new_password_is_the_one_that_counts(susan, application):
    page = change(susan[0], PASSWORD, NEW_PASSWORD).follow()
    assert flashes(page) == ["Your password is changed. Everywhere else you are logged out."]
    browser = application.browser()
    assert log_in(browser, "susan").status_int == 422
    assert log_in(browser, "susan", NEW_PASSWORD).status_int == 303


def test_a_new_password_ends_all_other_sessions_and_gives_this_one_another_token(susan):
    """FOUNDATION 6, line 3."""
    before = susan[0].cookies[SESSION_COOKIE]
    change(susan[0], PASSWORD, NEW_PASSWORD)
    assert susan[0].cookies[SESSION_COOKIE] != before
    assert susan[0].get("/account/", status=200)
    for browser in susan[1:]:
        assert browser.get("/account/").location.startswith("http://localhost/login")
    susan[1].set_cookie(SESSION_COOKIE, before)
    assert susan[1].get("/account/", status=303)


@pytest.mark.parametrize("remembered", [True, False])
def test_a_browser_that_is_remembered_stays_so(application, remembered):
    browser = application.browser()
    sign_up(browser, "susan")
    log_in(other := application.browser(), "susan", remember=remembered)
    answer = change(other, PASSWORD, NEW_PASSWORD)
    cookie = next(value for value in answer.headers.getall("Set-Cookie") if value.startswith(SESSION_COOKIE))
    assert ("Max-Age" in cookie) is remembered


@pytest.mark.parametrize(
    ("present", "new", "expected"),
    [
        ("wrong", NEW_PASSWORD, "This is not your present password."),
        ("", NEW_PASSWORD, "Type your present password."),
        (PASSWORD, "", "Choose a password."),
        (PASSWORD, PASSWORD, "This is the password that you have. Choose another one."),
        (PASSWORD, "susan2026", None),
        (PASSWORD, "password1", None),
        (PASSWORD, "short", None),
        (PASSWORD, "x" * 1001, None),
        ("x" * 1001, NEW_PASSWORD, None),
    ],
)
def test_what_is_refused_changes_nothing(susan, application, present, new, expected):
    """FOUNDATION 6, line 6: a new password needs the present one; and line 15: no bad one is taken."""
    page = change(susan[0], present, new, status=422)
    assert [expected] == errors(page) if expected else errors(page)
    assert not any(field.get("value") for field in page.html.select("input[type=password]"))
    assert susan[1].get("/account/", status=200)
    assert log_in(application.browser(), "susan").status_int == 303


def test_wrong_present_passwords_are_limited_as_those_of_log_ins(make_application):
    browser = make_application({"microblog.limits.login.per_account_and_address": "3 per hour"}).browser()
    enter(browser, "susan")
    for _ in range(3):
        change(browser, "wrong", NEW_PASSWORD, status=422)
    page = change(browser, PASSWORD, NEW_PASSWORD, status=429)
    assert int(page.headers["Retry-After"]) > 0


def test_a_password_that_was_changed_meanwhile_is_verified_anew(susan, database, application):
    user_id = user_id_of(susan[0])
    with database.read() as session:
        verified = queries.get_password_hash(session, user_id) or ""
    fresh = hash_password("a third one of words")

    def meanwhile():
        with database.write() as session:
            queries.replace_hash(session, user_id, verified=verified, fresh=fresh)

    form = susan[0].get("/account/password").forms["password-form"]
    form["password"], form["new_password"] = PASSWORD, NEW_PASSWORD
    with before_the_next_write(database, meanwhile):
        assert errors(form.submit(status=422)) == ["This is not your present password."]
    assert log_in(application.browser(), "susan", "a third one of words").status_int == 303


def test_the_form_sent_twice_changes_the_password_once(susan, application):
    form = susan[0].get("/account/password").forms["password-form"]
    form["password"], form["new_password"] = PASSWORD, NEW_PASSWORD
    twin = same_browser(application, susan[0])
    form.submit(status=303)
    answer = twin.post(form.action, form.submit_fields(), status=303)
    assert answer.location == "http://localhost/account/"
    assert flashes(answer.follow()) == ["Your password is changed. Everywhere else you are logged out."]


def test_sessions_say_which_browser_and_about_where(susan):
    """FOUNDATION 6, line 6: one sees one's own sessions."""
    susan[0].get("/")
    page = susan[0].get("/account/sessions")
    first, *others = listed(page)
    assert first.startswith("Firefox on Linux This browser · logged in on ")
    assert first.endswith("203.0.113.0/24")
    assert {each.split(" Last used ")[0] for each in others} == {"Safari on iPhone", "Unknown browser"}
    assert any("2001:db8:aaaa::/48" in each for each in others)
    assert "203.0.113.77" not in page.text
    assert "2001:db8:aaaa:bbbb" not in page.text


def test_one_other_browser_can_be_logged_out(susan):
    """FOUNDATION 6, line 6: one ends one of one's own sessions."""
    page = susan[0].get("/account/sessions")
    phone = next(each for each in page.html.select("li") if "iPhone" in each.get_text())
    form = page.forms["sessions-form"]
    done = form.submit("session", value=phone.button["value"], status=303).follow()
    assert flashes(done) == ["That browser is logged out."]
    assert len(listed(done)) == 2
    assert susan[1].get("/account/", status=303)
    assert susan[2].get("/account/", status=200)
    again = form.submit("session", value=phone.button["value"], status=303).follow()
    assert flashes(again) == ["That browser had been logged out already."]


def test_all_other_browsers_can_be_logged_out(susan):
    """FOUNDATION 6, line 6: one ends all one's other sessions."""
    done = susan[0].get("/account/sessions").forms["sessions-form"].submit(status=303).follow()
    assert flashes(done) == ["2 browsers were logged out."]
    assert len(listed(done)) == 1
    assert not done.html.select("#sessions-form button")
    assert [browser.get("/account/", status="*").status_int for browser in susan] == [200, 303, 303]


def test_nobody_ends_the_sessions_of_others(susan, application):
    """FOUNDATION 6, line 6: only those of one's own."""
    mallory = application.browser()
    enter(mallory, "mallory")
    key = susan[0].get("/account/sessions").html.select_one("button[name=session]")["value"]
    form = mallory.get("/account/sessions").forms["sessions-form"]
    answer = mallory.post(form.action, {**dict(form.submit_fields()), "session": key}, status=303)
    assert flashes(answer.follow()) == ["That browser had been logged out already."]
    answer = form.submit(status=303)
    assert flashes(answer.follow()) == ["0 browsers were logged out."]
    assert [browser.get("/account/", status="*").status_int for browser in susan] == [200, 200, 200]


def test_no_page_shows_a_token_or_its_hash(susan, database):
    page = susan[0].get("/account/sessions")
    with database.read() as session:
        hashes = session.connection().exec_driver_sql("SELECT token_hash FROM sessions").scalars().all()
    assert len(hashes) == 3
    assert not any(token_hash[:16] in page.text for token_hash in hashes)


@pytest.mark.parametrize(
    ("path", "most"), [("/account/", 1), ("/account/password", 1), ("/account/sessions", 2)]
)
def test_statements_of_the_pages(susan, count_statements, path, most):
    with count_statements() as statements:
        susan[0].get(path)
    # And the numbers of the header.
    assert len(statements) == most + 1


def test_sessions_from_before_are_listed_without_a_browser(browser):
    enter(browser, "susan")
    assert listed(browser.get("/account/sessions"))[0].startswith("Unknown browser This browser")


def test_a_field_that_the_page_does_not_have_is_refused(susan):
    form = susan[0].get("/account/sessions").forms["sessions-form"]
    fields = {**dict(form.submit_fields()), "all": "1"}
    page = susan[0].post(form.action, fields, status=400)
    assert "This form has no field called" in page.text
    assert susan[1].get("/account/", status=200)
