"""`microblog user` does for a person what the pages of their account do, and decides who waits."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from microblog.accounts.by_mail.queries import SignUp, mark_unconfirmed
from microblog.accounts.models import User
from microblog.accounts.new_address.queries import put_change
from microblog.accounts.passwords import hash_password
from microblog.accounts.registrations import queries
from microblog.mail import queries as mail_queries
from tests.functional.accounts.addresses import INTERNATIONAL, NO_ADDRESSES, OTHER_SPELLINGS
from tests.walk import PASSWORD, enter, log_in


@pytest.fixture
def waiting(database):
    wanted = SignUp("john", "john@example.com", hash_password(PASSWORD))
    with database.write() as session:
        queries.add_registration(session, wanted, language="en", is_confirmed=True)


def list_mails(database):
    with database.read() as session:
        mails = mail_queries.list_mails(session, None, 50)
    # That about the log-in in a browser that nobody knows is not about these commands.
    return [(mail.kind, mail.address) for mail in mails if mail.kind != "new_browser"]


def list_emails(database):
    with database.read() as session:
        return list(session.scalars(sa.select(User.email)))


def test_an_address_is_set_at_once_and_the_former_one_is_told(microblog, browser, application, database):
    enter(browser, "susan")
    output = microblog("user", "email", "susan", "new@example.com").stdout
    assert output == "susan has the address new@example.com now.\n"
    log_in(application.browser(), "new@example.com").follow(status=200)
    assert list_mails(database) == [("address_changed", "susan@example.com")]


def test_an_address_that_is_taken_or_none_is_refused(microblog, browser, application):
    enter(browser, "susan")
    enter(application.browser(), "john")
    for address, sentence in (
        ("JOHN@example.com", "Somebody else has the address JOHN@example.com: nothing was changed."),
        ("nonsense", "This is not an e-mail address"),
        ("a@b.example\nBcc: c@d.example", "Try again with another."),
        (f"{'x' * 300}@example.com", "An e-mail address has at most 254 characters."),
    ):
        assert sentence in microblog("user", "email", "susan", address, status=1).stderr


@pytest.mark.parametrize("address", [address for address in NO_ADDRESSES if "\0" not in address])
def test_what_is_no_address_is_refused_with_a_sentence(microblog, browser, database, address):
    """No process has a NUL in its arguments."""
    enter(browser, "susan")
    for arguments in (
        ["email", "susan", address],
        ["add", "john", "--email", address, "--password-stdin"],
    ):
        result = microblog("user", *arguments, stdin=f"{PASSWORD}\n", status=1)
        assert result.stderr.strip().endswith("Try again with another.")
    assert list_emails(database) == ["susan@example.com"]
    assert list_mails(database) == []


@pytest.mark.parametrize(("typed", "stored"), OTHER_SPELLINGS)
def test_another_spelling_of_the_address_of_somebody_else_is_theirs(
    microblog, browser, application, database, typed, stored
):
    enter(browser, "susan", email=stored)
    enter(application.browser(), "john")
    error = microblog("user", "email", "john", typed, status=1).stderr
    assert f"Somebody else has the address {typed}: nothing was changed." in error
    assert sorted(list_emails(database)) == sorted([stored, "john@example.com"])
    assert list_mails(database) == []


@pytest.mark.parametrize("address", INTERNATIONAL)
def test_an_address_in_any_letters_is_set_and_only_the_former_one_is_told(
    microblog, browser, application, database, address
):
    enter(browser, "susan")
    output = microblog("user", "email", "susan", f" {address} ").stdout
    assert output == f"susan has the address {address} now.\n"
    log_in(application.browser(), address.upper()).follow(status=200)
    assert list_mails(database) == [("address_changed", "susan@example.com")]


def test_a_nickname_is_changed_and_the_former_one_still_leads_to_the_person(microblog, browser):
    enter(browser, "susan")
    assert microblog("user", "nickname", "susan", "sue").stdout == "susan is sue now.\n"
    assert microblog("user", "nickname", "susan", "sue.k").stdout == "sue is sue.k now.\n"
    assert browser.get("/users/susan", status=301).location.endswith("/users/sue.k")


def test_a_nickname_that_cannot_be_had_is_refused(microblog, browser, application):
    enter(browser, "susan")
    enter(application.browser(), "john")
    assert "john2 would be free" in microblog("user", "nickname", "susan", "john", status=1).stderr
    assert "reserved" in microblog("user", "nickname", "susan", "admin", status=1).stderr
    for number in range(9):
        microblog("user", "nickname", "susan", f"susan_{number}")
    error = microblog("user", "nickname", "susan", "one.more", status=1).stderr
    assert "susan_8 has had 10 nicknames" in error


def test_sessions_are_listed_and_ended(microblog, browser, application):
    """FOUNDATION 6, line 4: what an operator ends has ended at the next request."""
    enter(browser, "susan")
    log_in(application.browser(REMOTE_ADDR="203.0.113.7"), "susan")
    output = microblog("user", "sessions", "susan").stdout
    assert len(output.splitlines()) == 2
    assert "last used 20" in output
    output = microblog("user", "sessions", "susan", "--end").stdout
    assert output.splitlines()[-1] == "susan is logged out everywhere."
    browser.get("/account/", status=303)
    assert microblog("user", "sessions", "susan").stdout == "susan is logged in nowhere.\n"


def test_what_is_known_of_a_person_is_shown(microblog, browser, database):
    user_id = enter(browser, "susan")
    assert microblog("user", "show", "susan").stdout.splitlines() == [
        f"susan, number {user_id}",
        "Address: susan@example.com, confirmed",
        "Password: yes",
        "Logged in: in one browser",
    ]
    microblog("user", "grant", "susan", "admin")
    microblog("user", "sessions", "susan", "--end")
    with database.write() as session:
        mark_unconfirmed(session, user_id)
        put_change(session, user_id, "new@example.com", timedelta(days=1))
    lines = microblog("user", "show", "Susan").stdout.splitlines()
    assert lines[:2] == [f"susan, number {user_id}, an admin", "Address: susan@example.com, not confirmed"]
    assert lines[2].startswith("Wants the address: new@example.com, until 20")
    assert lines[-1] == "Logged in: in 0 browsers"
    microblog("user", "revoke", "susan", "admin")
    microblog("user", "delete", "susan", "--yes")
    lines = microblog("user", "show", "susan").stdout.splitlines()
    assert re.fullmatch(
        r"Account: asked on .* UTC, to be deleted on .* UTC, unless they log in before", lines[-1]
    )
    assert "Nobody here is called nobody" in microblog("user", "show", "nobody", status=1).stderr


@pytest.mark.usefixtures("waiting")
def test_who_waits_is_shown_and_approved(microblog, application, database):
    assert microblog("user", "show", "john").stdout.splitlines()[1] == "Address: john@example.com, confirmed"
    assert microblog("user", "approve", "john").stdout == "john can log in now.\n"
    log_in(application.browser(), "john").follow(status=200)
    assert list_mails(database) == [("approved", "john@example.com")]
    error = microblog("user", "approve", "john", status=1).stderr
    assert "Nobody called john waits: see /admin/registrations/ for who does." in error


@pytest.mark.usefixtures("waiting")
def test_who_waits_is_refused(microblog, browser, database):
    assert microblog("user", "refuse", "john").stdout == "john is refused.\n"
    assert list_mails(database) == [("refused", "john@example.com")]
    browser.get("/users/john", status=404)


@pytest.mark.usefixtures("waiting")
def test_who_has_an_account_meanwhile_is_not_approved(microblog, browser):
    enter(browser, "other", email="john@example.com")
    error = microblog("user", "approve", "john", status=1).stderr
    assert "There is an account with the address of john already: refuse them." in error


def test_an_invitation_is_printed(microblog, database):
    output = microblog("user", "invite", "--uses", "2", "--days", "3").stdout
    assert "/register?invite=" in output
    with database.read() as session:
        (row,) = queries.list_invitations(session)
        assert queries.is_invited(session, output.strip().partition("=")[2])
    assert (row.uses, row.used, (row.expires - row.created).days) == (2, 0, 3)
    microblog("user", "invite", "--uses", "0", status=2)
