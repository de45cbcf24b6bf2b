"""What has changed since somebody was asked: who waits, and whose a nickname or an address is."""

from __future__ import annotations

import pytest

from microblog.accounts import queries
from microblog.accounts.by_mail.queries import SignUp, use_sign_up
from microblog.accounts.new_address.queries import set_address
from microblog.accounts.nicknames import list_candidates
from microblog.accounts.registrations import actions
from microblog.accounts.registrations.queries import AlreadyWaiting, get_registration
from microblog.db import StaleData
from microblog.people.queries import get_privacy
from tests.competing import before_the_next_write, before_the_statement
from tests.conftest import POSTGRESQL_URL
from tests.functional.accounts.test_registrations import register
from tests.walk import PASSWORD, enter, flashes


def wait(session, nickname="susan", email="susan@example.com"):
    return actions.wait_for_approval(session, SignUp(nickname, email, "hash"), language="en")


def test_an_address_that_has_an_account_cannot_wait(database):
    with database.write() as session:
        queries.add_user(session, "john", email="susan@example.com")
        with pytest.raises(queries.EmailTaken):
            wait(session)


def test_a_nickname_of_somebody_else_becomes_one_like_it(database):
    with database.write() as session:
        queries.add_user(session, "susan")
        assert wait(session) == "susan2"
        assert wait(session, email="another@example.com") == "susan3"


def test_where_all_like_it_are_taken_another_one_has_to_be_chosen(database):
    with database.write() as session:
        for name in list_candidates("susan", session.info["registry"].reserved_nicknames):
            queries.add_user(session, name)
        with pytest.raises(queries.NicknameTaken):
            wait(session)


@pytest.mark.parametrize("decide", [actions.approve, actions.refuse])
def test_who_does_not_wait_any_more_is_neither_approved_nor_refused(database, decide):
    with database.write() as session:
        assert get_registration(session, 1) is None
        with pytest.raises(StaleData):
            decide(session, 1)


def test_an_address_waits_once(database):
    with database.write() as session:
        wait(session)
        with pytest.raises(AlreadyWaiting):
            wait(session, nickname="another")


def test_the_privacy_of_nobody_is_not_known(database):
    with database.read() as session, pytest.raises(StaleData):
        get_privacy(session, 1)


def test_invitations_have_no_pages_of_their_own(application, database):
    browser = application.browser()
    user_id = enter(browser, "grace")
    with database.write() as session:
        queries.set_admin(session, user_id, is_admin=True)
    browser.get("/admin/invitations/1", status=404)


@pytest.mark.skipif(not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer.")
def test_an_address_that_somebody_takes_at_the_same_time_is_taken(database):
    def take():
        with database.write() as session:
            queries.add_user(session, "john", email="new@example.com")

    with database.write() as session:
        susan = queries.add_user(session, "susan", email="susan@example.com")
    with (
        database.write() as session,
        before_the_statement(database.engine, "UPDATE users SET email", take),
        pytest.raises(queries.EmailTaken),
    ):
        set_address(session, susan, "new@example.com")


def read_confirmation(site):
    register(site.browser(), "susan")
    (mail,) = site.work()
    return site.read_link(mail, "/confirm/")


def test_a_link_opened_twice_waits_once(make_site):
    site = make_site(registration="approval")
    path = read_confirmation(site)
    forms = [site.browser().get(path).forms["confirm-form"] for _ in range(2)]
    forms[0].submit(status=303)
    page = forms[1].submit(status=404)
    assert "Log in" in page.text


def test_an_address_that_has_an_account_since_the_page_was_sent_does_not_wait(make_site):
    site = make_site(registration="approval")
    form = site.browser().get(read_confirmation(site)).forms["confirm-form"]
    with site.database.write() as session:
        queries.add_user(session, "john", email="susan@example.com")
    page = form.submit(status=303).follow()
    assert "account" in flashes(page)[0]


def test_a_link_that_is_used_between_its_page_and_the_button_waits_once(make_site):
    site = make_site(registration="approval")
    path = read_confirmation(site)
    form = site.browser().get(path).forms["confirm-form"]

    def use_it():
        with site.database.write() as session:
            assert use_sign_up(session, path.rpartition("/")[2]) is not None

    with before_the_next_write(site.database, use_it):
        page = form.submit(status=404)
    assert "This link is not valid any more" in page


def test_an_address_that_somebody_waits_with_at_the_same_time_is_taken(make_application):
    application = make_application({"microblog.registration": "approval"})
    form = application.browser().get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "susan", "susan@example.com", PASSWORD

    def wait_with_it():
        with application.database.write() as session:
            wait(session, nickname="another")

    # The first write counts the request.
    with before_the_statement(application.database.engine, "registrations.email_key", wait_with_it):
        page = form.submit(status=422)
    assert page.forms["register-form"]["email"].value == "susan@example.com"
