"""`microblog user`: people added by an operator can log in, and nobody else can."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.media.plans import AVATAR, HEADER
from tests.competing import before_the_statement
from tests.conftest import POSTGRESQL_URL
from tests.portraits import give_portrait
from tests.walk import PASSWORD, enter, log_in


def add(microblog, *arguments, status=0, password=PASSWORD):
    return microblog("user", "add", *arguments, "--password-stdin", stdin=f"{password}\n", status=status)


def test_a_person_who_was_added_can_log_in_by_nickname_and_e_mail(microblog, application):
    assert add(microblog, "susan", "--email", "susan@example.com").stdout == "susan can log in now.\n"
    for login in ("Susan", "susan@example.com"):
        log_in(application.browser(), login).follow(status=200)


@pytest.mark.parametrize("purpose", [AVATAR, HEADER])
def test_a_picture_is_removed_by_an_operator(microblog, application, browser, purpose):
    name = give_portrait(application, enter(browser, "susan"), purpose)
    assert f"/media/{name}" in browser.get("/users/susan")
    removed = microblog("user", "remove-picture", "SUSAN", purpose)
    assert removed.stdout == f"The {purpose} of susan is removed.\n"
    assert "/media/" not in browser.get("/users/susan")
    error = microblog("user", "remove-picture", "susan", purpose, status=1).stderr
    assert f"susan has no {purpose} of their own: nothing was changed." in error


def test_a_picture_is_one_of_two_and_of_somebody_who_is_there(microblog, application):
    assert "Nobody here is called" in microblog("user", "remove-picture", "john", AVATAR, status=1).stderr
    microblog("user", "remove-picture", "john", "photo", status=2)


def test_the_password_is_asked_for_twice(microblog, application):
    microblog("user", "add", "susan", stdin=f"{PASSWORD}\n{PASSWORD}\n")
    log_in(application.browser(), "susan").follow(status=200)


def test_without_a_password_nobody_is_added(microblog, browser):
    error = microblog("user", "add", "susan", stdin="", status=1).stderr
    assert "No password was given: type one, or use --password-stdin." in error
    browser.get("/users/susan", status=404)


@pytest.mark.parametrize(
    ("arguments", "password", "sentence"),
    [
        (["a"], PASSWORD, "A nickname has 2 to 30 characters. a_1 would be free."),
        (["John Smith"], PASSWORD, "A nickname is made of the letters a to z"),
        (["admin"], PASSWORD, "This nickname is reserved. admin2 would be free."),
        (["susan", "--email", "nonsense"], PASSWORD, "This is not an e-mail address"),
        (["susan", "--email", "a\udcffb"], PASSWORD, "What was typed is not UTF-8"),
        ([""], PASSWORD, "Choose a nickname. "),
        (["susan", "--email", " "], PASSWORD, "Give an e-mail address. Try again with another."),
        (["susan"], "", "Choose a password. Try again with another."),
        (["susan"], "short", "A password has 8 to 1,000 characters. Try again with another."),
        (["susan"], "qwertyuiop", "This password is one of those that are tried first"),
        (["susan_k"], "Susan_K!", "This password is one of those that are tried first"),
        (["susan_k"], "SUSAN_K2026", "This password is one of those that are tried first"),
        (["susan", "--email", "sue.kramer@example.com"], "Sue.Kramer", "is tried first as a password"),
        (["susan"], "Microblog", "is tried first as a password"),
    ],
)
def test_values_that_the_sign_up_page_refuses_are_refused(microblog, arguments, password, sentence):
    assert sentence in add(microblog, *arguments, status=1, password=password).stderr


@pytest.mark.parametrize("password", ["password123", "susan@example.com", "microblog"])
def test_a_password_that_is_tried_first_is_not_set(microblog, application, password):
    add(microblog, "susan", "--email", "susan@example.com")
    error = microblog("user", "password", "susan", "--password-stdin", stdin=f"{password}\n", status=1).stderr
    assert "tried first" in error
    log_in(application.browser(), "susan").follow(status=200)


def test_a_taken_nickname_is_refused_and_a_free_one_offered(microblog, browser):
    enter(browser, "susan")
    error = add(microblog, "SUSAN", status=1).stderr
    assert "Somebody has, or had, this nickname already. SUSAN2 would be free." in error


def test_a_taken_e_mail_address_is_refused(microblog, browser):
    enter(browser, "susan")
    error = add(microblog, "sue", "--email", "Susan@Example.com", status=1).stderr
    assert "Give another with --email." in error
    browser.get("/users/sue", status=404)


def test_a_new_password_logs_out_everywhere(microblog, application, browser):
    """FOUNDATION 6, lines 3 and 4: an operator's change ends all sessions, too."""
    enter(browser, "susan")
    said = microblog("user", "password", "SUSAN", "--password-stdin", stdin="another password\n").stdout
    assert said == "The password of susan is set; they have to log in again everywhere.\n"
    assert browser.get("/account/profile", expect_errors=True).status_int != 200
    log_in(application.browser(), "susan", "another password").follow(status=200)
    form = application.browser().get("/login").forms["login-form"]
    form["nickname"] = "susan"
    form["password"] = PASSWORD
    form.submit(status=422)


def test_rights_are_granted_and_revoked(microblog, application):
    add(microblog, "root2", "--admin")
    assert microblog("user", "revoke", "root2", "admin").stdout == "root2 is no longer admin.\n"
    assert is_admin(application, "root2") is False
    assert microblog("user", "grant", "root2", "admin").stdout == "root2 is now admin.\n"
    assert is_admin(application, "root2") is True


def is_admin(application, nickname):
    with application.database.read() as session:
        return session.scalar(sa.select(User.is_admin).where(User.nickname == nickname))


def test_adding_an_admin_says_so(microblog):
    assert add(microblog, "boss", "--admin").stdout == "boss can log in now, and is an admin.\n"


def test_nobody_of_that_nickname(microblog):
    for arguments in (["password", "nobody2"], ["grant", "nobody2", "admin"]):
        assert "Nobody here is called nobody2" in microblog("user", *arguments, status=1).stderr


def delete_susan(application):
    with application.database.write() as session:
        session.execute(sa.delete(User).where(User.nickname == "susan"))


def test_a_person_deleted_while_their_password_is_typed_is_reported(microblog, application):
    class Typing(io.BytesIO):
        """Somebody deletes the person before the operator has typed the password."""

        def read1(self, size=-1):
            delete_susan(application)
            return super().read1(size)

    add(microblog, "susan")
    typed = Typing(b"another password\n")
    error = microblog("user", "password", "susan", "--password-stdin", stdin=typed, status=1).stderr
    assert "susan was deleted meanwhile: nothing was changed." in error


@pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)
def test_a_person_deleted_while_a_right_is_granted_is_reported(microblog, application):
    add(microblog, "susan")
    with before_the_statement(sa.Engine, "UPDATE users SET is_admin", lambda: delete_susan(application)):
        error = microblog("user", "grant", "susan", "admin", status=1).stderr
    assert "susan was deleted meanwhile: nothing was changed." in error


def test_a_display_name_is_given_changed_and_removed(microblog, browser):
    add(microblog, "susan", "--display-name", " Susan Kramer ")
    assert "Susan Kramer (@susan)" in browser.get("/users/susan").html.title.get_text()
    said = microblog("user", "display-name", "SUSAN", "Łukasz").stdout
    assert said == "susan is shown as Łukasz.\n"
    assert microblog("user", "display-name", "susan", "").stdout == "susan has no display name.\n"
    assert not browser.get("/users/susan").html.select(".display-name")


@pytest.mark.parametrize(
    ("name", "sentence"), [("@admin", "A display name has no @"), ("a\udcffb", "is not UTF-8")]
)
def test_a_display_name_that_the_profile_would_refuse_is_refused(microblog, browser, name, sentence):
    enter(browser, "susan")
    for arguments in (["display-name", "susan", name], ["add", "john", "--display-name", name]):
        assert sentence in microblog("user", *arguments, status=1).stderr
    assert not browser.get("/users/susan").html.select(".display-name")


def test_nobody_has_no_display_name(microblog):
    assert "Nobody here is called susan" in microblog("user", "display-name", "susan", "S", status=1).stderr
