"""Deleting one's account: what the page says and asks for, and how somebody changes their mind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from microblog.accounts import actions, queries
from microblog.accounts.events import AccountDeleted, AccountKept, AccountLeaving
from microblog.accounts.models import AddressChange, Departure, FormerAddress, LoginSession, User
from microblog.accounts.new_address.queries import add_former, find_link, put_change, set_address
from microblog.db import StaleData
from microblog.security.cookies import SESSION_COOKIE
from tests.competing import before_the_next_write
from tests.functional.submissions.forms import same_browser
from tests.walk import PASSWORD, enter, flashes, log_in, post_ids, sign_up, write

KEPT = "Your account was to be deleted. Since you have logged in, it is kept."


def errors(page):
    return [error.get_text() for error in page.html.select(".field-errors p")]


def delete(browser, password=PASSWORD, *, status=303):
    form = browser.get("/account/delete").forms["deletion-form"]
    form["password"] = password
    return form.submit(status=status)


def departures(database):
    with database.read() as session:
        return {row.user_id: row for row in session.scalars(sa.select(Departure))}


def count_sessions(database):
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(LoginSession))


def test_the_account_page_leads_to_it_at_last(browser):
    enter(browser, "susan")
    last = browser.get("/account/").html.select(".choices a")[-1]
    assert (last["href"], last.get_text()) == ("/account/delete", "Delete your account")


def test_the_page_says_what_happens_and_changes_nothing(browser, database):
    enter(browser, "susan")
    text = browser.get("/account/delete").html.main.get_text(" ", strip=True)
    assert "For 14 days everything stays as it is" in text
    assert "Nobody else can ever have your nickname" in text
    assert departures(database) == {}
    assert browser.get("/account/", status=200)


def test_whoever_deletes_their_account_is_logged_out_everywhere_and_told_until_when(application, database):
    """FOUNDATION 6, line 4: all sessions end with the request, not with the account two weeks later."""
    browser, other = application.browser(), application.browser()
    sign_up(browser, "susan")
    log_in(other, "susan")
    before = datetime.now(UTC)
    answer = delete(browser)
    assert answer.location == "http://localhost/"
    [departure] = departures(database).values()
    assert before + timedelta(days=14) <= departure.due <= datetime.now(UTC) + timedelta(days=14)
    assert (departure.gone, departure.ended) == (None, None)
    [said] = flashes(answer.follow().maybe_follow())
    assert said.startswith("You are logged out. Your account will be deleted on ")
    assert f"{departure.due:%Y}" in said
    assert said.endswith("To keep it, log in before.")
    assert SESSION_COOKIE not in browser.cookies
    assert other.get("/account/").location.startswith("http://localhost/login")
    assert count_sessions(database) == 0


def test_until_then_they_are_seen_as_before(application):
    browser, reader = application.browser(), application.browser()
    enter(browser, "susan")
    write(browser, "Still here")
    delete(browser)
    enter(reader, "john")
    assert "Still here" in reader.get("/users/susan", status=200)
    assert "Still here" in reader.get("/explore")


@pytest.mark.parametrize("login", ["susan", "susan@example.com"])
def test_whoever_logs_in_stays(application, database, login):
    browser = application.browser()
    sign_up(browser, "susan")
    delete(browser)
    page = log_in(browser, login).follow()
    assert flashes(page) == [KEPT]
    assert departures(database) == {}
    page = log_in(application.browser(), login).follow()
    assert flashes(page) == []


def test_a_wrong_password_keeps_nobody(application, database):
    browser = application.browser()
    sign_up(browser, "susan")
    delete(browser)
    assert log_in(browser, "susan", "wrong").status_int == 422
    assert len(departures(database)) == 1


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("wrong", "This is not your present password."),
        ("", "Type your present password."),
        ("x" * 1001, "This is too long for a password."),
    ],
)
def test_without_the_password_nothing_happens(browser, database, password, expected):
    sign_up(browser, "susan")
    page = delete(browser, password, status=422)
    assert errors(page) == [expected]
    assert not page.html.select_one("input[type=password]").get("value")
    assert departures(database) == {}
    assert browser.get("/account/", status=200)


def test_wrong_passwords_are_limited_as_those_of_log_ins(make_application):
    browser = make_application({"microblog.limits.login.per_account_and_address": "3 per hour"}).browser()
    enter(browser, "susan")
    for _ in range(3):
        delete(browser, "wrong", status=422)
    page = delete(browser, status=429)
    assert int(page.headers["Retry-After"]) > 0


def test_a_double_click_deletes_once_and_both_get_the_answer(application, database):
    browser = application.browser()
    sign_up(browser, "susan")
    form = browser.get("/account/delete").forms["deletion-form"]
    form["password"] = PASSWORD
    twin = same_browser(application, browser)
    first = form.submit(status=303)
    asked = departures(database)
    second = twin.post(form.action, form.submit_fields(), status=303)
    assert first.location == second.location
    assert flashes(first.follow().maybe_follow()) == flashes(second.follow().maybe_follow())
    assert [row.asked for row in departures(database).values()] == [row.asked for row in asked.values()]


def test_a_second_tab_is_asked_to_log_in_and_whoever_does_stays(application, database):
    browser = application.browser()
    sign_up(browser, "susan")
    second = browser.get("/account/delete").forms["deletion-form"]
    second["password"] = PASSWORD
    delete(browser)
    page = second.submit(status="*")
    form = page.forms["login-form"]
    assert len(departures(database)) == 1
    form["nickname"], form["password"] = "susan", PASSWORD
    page = form.submit(status=303).follow()
    assert KEPT in flashes(page)
    assert departures(database) == {}


def test_a_password_that_was_changed_meanwhile_is_verified_anew(application, database):
    browser = application.browser()
    sign_up(browser, "susan")

    def meanwhile():
        with database.write() as session:
            user_id = queries.find_owner_id(session, "susan") or 0
            verified = queries.get_password_hash(session, user_id) or ""
            queries.replace_hash(session, user_id, verified=verified, fresh="of another password")

    form = browser.get("/account/delete").forms["deletion-form"]
    form["password"] = PASSWORD
    with before_the_next_write(database, meanwhile):
        assert errors(form.submit(status=422)) == ["This is not your present password."]
    assert departures(database) == {}


def test_a_form_without_a_token_is_refused(browser, database):
    sign_up(browser, "susan")
    browser.post("/account/delete", {"password": PASSWORD}, status=400)
    assert departures(database) == {}


@pytest.fixture
def admin(application, database):
    """A browser in which an admin is logged in."""
    browser = application.browser()
    user_id = enter(browser, "admina")
    with database.write() as session:
        actions.set_admin(session, user_id, is_admin=True)
    return browser


def test_the_only_admin_is_refused(admin, database):
    page = admin.get("/account/delete")
    assert "You are the only admin here" in page.html.main.get_text()
    assert "deletion-form" not in page.forms
    fields = dict(admin.get("/account/password").forms["password-form"].submit_fields())
    token = {name: fields[name] for name in ("csrf_token", "key")}
    page = admin.post("/account/delete", {**token, "password": PASSWORD}, status=422)
    assert "You are the only admin here" in page.html.main.get_text()
    assert departures(database) == {}


def test_an_admin_leaves_when_another_one_stays(admin, application, database):
    other = application.browser()
    with database.write() as session:
        actions.set_admin(session, enter_other(other), is_admin=True)
    delete(admin)
    assert "You are the only admin here" in other.get("/account/delete").html.main.get_text()
    log_in(admin, "admina")
    delete(other)
    assert len(departures(database)) == 1


def enter_other(browser):
    return enter(browser, "otheradmin")


def test_without_days_it_is_deleted_at_once(make_application, database):
    application = make_application({"microblog.accounts.deletion_days": "0"})
    browser = application.browser()
    sign_up(browser, "susan")
    assert "You cannot change your mind." in browser.get("/account/delete")
    page = delete(browser).follow().maybe_follow()
    assert flashes(page) == ["You are logged out, and your account is deleted."]
    assert log_in(browser, "susan").status_int == 422
    assert browser.get("/users/susan", status=404)


@pytest.mark.parametrize(("is_admin", "most"), [(False, 2), (True, 3)])
def test_statements_of_the_page(browser, database, count_statements, is_admin, most):
    user_id = enter(browser, "susan")
    with database.write() as session:
        actions.set_admin(session, user_id, is_admin=is_admin)
    with count_statements() as statements:
        browser.get("/account/delete")
    assert len(statements) == most


# In the transaction of the act


@pytest.fixture
def site(make_application):
    """An application, and the events that it notifies."""
    events = []

    def extend(config):
        for event in (AccountLeaving, AccountKept, AccountDeleted):
            config.add_subscriber(lambda event: events.append((type(event), event.user_id)), event)

    application = make_application(extend=extend)
    application.events = events
    return application


def test_each_act_is_an_event_that_happens_once(site):
    with site.database.write() as session:
        user_id = queries.add_user(session, "susan")
        assert not actions.stay(session, user_id)
        assert not actions.go(session, user_id)
        actions.leave(session, user_id, days=3)
        assert not actions.go(session, user_id)
        assert actions.stay(session, user_id)
        assert not actions.stay(session, user_id)
        actions.leave(session, user_id, days=0)
        assert actions.go(session, user_id)
        assert not actions.go(session, user_id)
        assert not actions.stay(session, user_id)
    assert site.events == [
        (AccountLeaving, user_id),
        (AccountKept, user_id),
        (AccountLeaving, user_id),
        (AccountDeleted, user_id),
    ]


@pytest.fixture
def gone(database):
    """The id of somebody who is gone."""
    with database.write() as session:
        user_id = queries.add_user(session, "mallory", email="mallory@example.com", password_hash="hash")
        actions.change_profile(
            session, user_id, nickname="mallory2", display_name="Mallory M", about_me="malicious"
        )
        session.execute(
            sa.update(User).values(
                preferences="language=de", muted_words="tea", last_seen=datetime.now(UTC), is_admin=True
            )
        )
        queries.add_user(session, "other", is_admin=True)
        actions.leave(session, user_id, days=0)
        assert actions.go(session, user_id)
    return user_id


def test_of_somebody_who_is_gone_nothing_is_known(gone, database):
    with database.read() as session:
        row = session.execute(sa.select(User.__table__).where(User.id == gone)).one()._asdict()
        assert session.scalar(sa.text("SELECT count(*) FROM person_words WHERE word LIKE 'mal%'")) == 0
    kept = {"id", "member_since", "is_gone", "posts_count", "followers_count", "following_count"}
    kept |= {"is_indexed", "is_listed", "shows_last_seen"}  # as everybody has them
    assert row["is_gone"]
    assert {name: value for name, value in row.items() if value and name not in kept} == {}


@pytest.mark.parametrize("nickname", ["mallory", "Mallory2"])
def test_nobody_else_gets_the_nicknames_of_somebody_who_is_gone(gone, database, browser, nickname):
    form = browser.get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = nickname, "new@example.com", PASSWORD
    page = form.submit(status=422)
    assert errors(page) == ["Somebody has, or had, this nickname already."]
    assert f"{nickname}3" in page or f"{nickname}2" in page
    with database.write() as session:
        with pytest.raises(queries.NicknameTaken):
            queries.add_user(session, nickname)
        assert queries.make_unique_nickname(session, nickname) not in (nickname, "mallory2")
        assert queries.get_owner(session, nickname) is None


def test_whoever_is_gone_can_sign_up_again_with_their_address(gone, browser):
    sign_up(browser, "newcomer", email="mallory@example.com")


def test_nothing_can_be_done_with_somebody_who_is_gone(gone, database):
    for act in (
        lambda session: queries.start_session(session, gone, "0" * 64, timedelta(hours=1)),
        lambda session: actions.set_password(session, gone, "hash"),
        lambda session: actions.set_admin(session, gone, is_admin=True),
        lambda session: actions.set_display_name(session, gone, "Mallory"),
        lambda session: actions.leave(session, gone, days=1),
        lambda session: set_address(session, gone, "back@example.com"),
        lambda session: queries.lock_people(session, [gone]),
        lambda session: actions.change_profile(session, gone, nickname="back", display_name="", about_me=""),
    ):
        with database.write() as session, pytest.raises(StaleData):
            act(session)


@pytest.mark.parametrize("table", [AddressChange, FormerAddress])
def test_the_links_of_somebody_who_is_gone_lead_nowhere(database, browser, table):
    user_id = enter(browser, "susan")
    with database.write() as session:
        queries.add_user(session, "other", is_admin=True)
        if table is AddressChange:
            token = put_change(session, user_id, "new@example.com", timedelta(days=1))
        else:
            token = add_former(session, user_id, "old@example.com", timedelta(days=1))
        assert find_link(session, table, token) is not None
        actions.leave(session, user_id, days=0)
        assert actions.go(session, user_id)
        assert find_link(session, table, token) is None
    name = "new-address" if table is AddressChange else "former-address"
    assert "This link is not valid any more" in browser.get(f"/{name}/{token}", status=404)


def test_a_log_in_while_they_go_fails(application, database):
    """The password was verified, then they are gone, then the session would begin."""
    browser = application.browser()
    sign_up(browser, "susan")
    with database.write() as session:
        user_id = queries.find_owner_id(session, "susan") or 0
        actions.leave(session, user_id, days=0)

    def go():
        with database.write() as session:
            actions.go(session, user_id)

    form = application.browser().get("/login").forms["login-form"]
    form["nickname"], form["password"] = "susan", PASSWORD
    with before_the_next_write(database, go):
        form.submit(status=422)
    assert count_sessions(database) == 0


def test_posts_of_somebody_who_is_gone_are_as_deleted(application, database):
    browser, reader = application.browser(), application.browser()
    user_id = enter(browser, "susan")
    write(browser, "Soon gone")
    [post_id] = post_ids(browser.get("/users/susan"))
    enter(reader, "john")
    form = reader.get(f"/posts/{post_id}").forms[f"reply-form-{post_id}"]
    form["body"] = "An answer"
    token = {name: form[name].value for name in ("csrf_token", "key")}
    with database.write() as session:
        actions.leave(session, user_id, days=0)
        actions.go(session, user_id)
    assert "This post was deleted." in reader.get(f"/posts/{post_id}", status=410)
    page = form.submit(status=409)
    assert "was deleted meanwhile" in page
    reader.post(f"/posts/{post_id}/like", token, status=410)
    for path in ("likes", "versions/", "like", "edit"):
        reader.get(f"/posts/{post_id}/{path}", status=410)
    reader.get("/users/susan", status=404)
    reader.get("/users/susan/followers", status=404)


def test_what_was_done_just_before_they_went_is_refused(application, database):
    """The page was open; they are gone before the form writes."""
    browser, reader = application.browser(), application.browser()
    user_id = enter(browser, "susan")
    write(browser, "Soon gone")
    [post_id] = post_ids(browser.get("/users/susan"))
    with database.write() as session:
        actions.leave(session, user_id, days=0)

    def go():
        with database.write() as session:
            actions.go(session, user_id)

    enter(reader, "john")
    form = reader.get(f"/posts/{post_id}").forms[f"reply-form-{post_id}"]
    form["body"] = "An answer"
    with before_the_next_write(database, go):
        assert "was deleted meanwhile" in form.submit(status=409)
