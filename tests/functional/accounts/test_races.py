"""What somebody else changes while a request is under way: it is written only what still holds."""

from __future__ import annotations

import threading
from typing import Any

import argon2
import pytest
import sqlalchemy as sa

from microblog.accounts import passwords, queries
from microblog.accounts.models import LoginSession, Nickname, User
from microblog.people.models import Follow
from microblog.posts.models import Post
from microblog.security.cookies import SESSION_COOKIE
from tests.competing import before_the_next_write, before_the_statement, has_to_wait
from tests.conftest import POSTGRESQL_URL
from tests.walk import PASSWORD, log_in, post_ids, sign_up, write

NEW_PASSWORD = "another horse, another staple"
WEAK = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
WRONG = "This nickname or e-mail address and this password do not match."
needs_postgresql = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)


@pytest.fixture(params=["today's", "old"])
def susan(request, database):
    """Her id; her password's hash has today's parameters, or weaker ones."""
    hasher = passwords.HASHER if request.param == "today's" else WEAK
    with database.write() as session:
        return queries.add_user(session, "susan", password_hash=hasher.hash(PASSWORD))


@pytest.fixture
def jane(browser):
    """Logged in, with a post of her own."""
    sign_up(browser, "jane")
    return browser


def change_password(database, user_id):
    """As `microblog user password` does."""
    fresh = passwords.hash_password(NEW_PASSWORD)
    with database.write() as session:
        queries.set_password(session, user_id, fresh)
        queries.end_all_sessions(session, user_id)
    return fresh


def delete_person(database, nickname):
    with database.write() as session:
        session.execute(sa.delete(User).where(User.nickname == nickname))


def number_of(database, model):
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model))


def hash_of(database, user_id):
    with database.read() as session:
        return session.scalar(sa.select(User.password_hash).where(User.id == user_id))


# Logging in


def test_a_log_in_that_was_verified_before_a_password_change_is_refused(database, application, susan):
    fresh = passwords.hash_password(NEW_PASSWORD)

    def change():
        with database.write() as session:
            queries.set_password(session, susan, fresh)

    with before_the_next_write(database, change):
        page = log_in(application.browser(), "susan")
    assert (page.status_int, WRONG in page.text) == (422, True)
    assert number_of(database, LoginSession) == 0
    assert hash_of(database, susan) == fresh, "the old password does not come back"
    assert log_in(application.browser(), "susan", NEW_PASSWORD).status_int == 303


def test_a_log_in_whose_hash_was_renewed_meanwhile_by_another_log_in_succeeds(database, application):
    with database.write() as session:
        queries.add_user(session, "susan", password_hash=WEAK.hash(PASSWORD))
    other, browser = application.browser(), application.browser()
    with before_the_next_write(database, lambda: log_in(other, "susan")):
        assert log_in(browser, "susan").status_int == 303
    assert number_of(database, LoginSession) == 2


def test_a_person_deleted_in_mid_log_in_is_nobody(database, application, susan):
    with before_the_next_write(database, lambda: delete_person(database, "susan")):
        page = log_in(application.browser(), "susan")
    assert (page.status_int, WRONG in page.text) == (422, True)


def test_a_log_in_during_each_attempt_of_which_the_password_changed_is_a_conflict(database, application):
    """No third attempt is a fourth: it ends, with a sentence."""
    with database.write() as session:
        susan = queries.add_user(session, "susan", password_hash=passwords.hash_password(PASSWORD))

    def again():
        with database.write() as session:  # another hash of the same password
            queries.set_password(session, susan, passwords.hash_password(PASSWORD))

    with before_the_next_write(database, again, times=4):  # the first one only counts the try
        page = log_in(application.browser(), "susan")
    assert page.status_int == 409
    assert "Somebody changed this at the same time" in page.text
    assert number_of(database, LoginSession) == 0


def test_of_twenty_log_ins_none_survives_a_password_change_between_them(database, application, susan):
    start = threading.Barrier(21)
    statuses: list[int] = []

    def try_it():
        browser = application.browser()
        form = browser.get("/login").forms["login-form"]
        form["nickname"], form["password"] = "susan", PASSWORD
        start.wait()
        statuses.append(form.submit(status="*").status_int)

    threads = [threading.Thread(target=try_it) for _ in range(20)]
    for thread in threads:
        thread.start()
    start.wait()
    fresh = change_password(database, susan)
    for thread in threads:
        thread.join()
    assert len(statuses) == 20
    assert set(statuses) <= {303, 422, 409, 503}
    assert number_of(database, LoginSession) == 0
    assert hash_of(database, susan) == fresh


@needs_postgresql
def test_a_password_change_waits_for_a_log_in_under_way_and_ends_its_session(database, susan):
    verified = hash_of(database, susan)

    def change(session):
        queries.set_password(session, susan, "new")

    with database.write() as logging_in:
        queries.start_session(logging_in, susan, "token", queries.LONGEST_SESSION, verified=verified)
        assert has_to_wait(database, change)
    assert not has_to_wait(database, change)
    assert number_of(database, LoginSession) == 0


@needs_postgresql
def test_a_log_in_waits_for_a_password_change_under_way(database, susan):
    verified = hash_of(database, susan)
    with database.write() as changing:
        queries.set_password(changing, susan, "new")
        assert has_to_wait(
            database,
            lambda session: queries.start_session(
                session, susan, "token", queries.LONGEST_SESSION, verified=verified
            ),
        )


# People who are deleted, or logged out, while they send a form


def form_of(browser: Any, name: str) -> Any:
    """A form of jane's, filled in."""
    if name == "write":
        form = browser.get("/").forms["compose-form"]
        form["body"] = "From nobody"
    elif name == "delete":
        post = post_ids(write(browser, "To be deleted"))[0]
        form = browser.get(f"/posts/{post}/delete").forms["delete-form"]
    elif name in ("follow", "unfollow"):
        form = browser.get(f"/users/john/{name}").forms["follow-form"]
    elif name == "profile":
        form = browser.get("/account/profile").forms["profile-form"]
        form["nickname"] = "renamed"
    else:
        form = browser.get("/logout").forms["logout-form"]
    return form


FORMS = ("write", "delete", "follow", "unfollow", "profile", "logout")


@pytest.mark.parametrize("name", FORMS)
def test_the_form_of_a_person_deleted_meanwhile_is_nobodys(database, application, jane, name):
    with database.write() as session:
        queries.add_user(session, "john")
    form = form_of(jane, name)
    with before_the_next_write(database, lambda: delete_person(database, "jane")):
        answer = form.submit(status="*")
    assert answer.status_int in (303, 400, 403), "no fault of ours"
    for model in (Post, Follow, LoginSession):
        assert number_of(database, model) == 0
    with database.read() as session:
        assert session.scalars(sa.select(Nickname.key)).all() == ["john"]
    assert "header-logout-form" not in jane.get("/explore").forms


@pytest.mark.parametrize("name", [name for name in FORMS if name != "logout"])
def test_the_form_of_a_session_ended_meanwhile_changes_nothing(database, application, jane, name):
    """A change of the password ends a stolen session."""
    with database.write() as session:
        queries.add_user(session, "john")
        user_id = queries.find_owner_id(session, "jane") or 0
    form = form_of(jane, name)
    posts = number_of(database, Post)
    with before_the_next_write(database, lambda: change_password(database, user_id)):
        answer = form.submit(status="*")
    assert answer.status_int in (303, 400, 403)
    assert number_of(database, Post) == posts
    assert number_of(database, Follow) == 0
    with database.read() as session:
        assert queries.get_profile(session, user_id) == queries.Profile("jane", "", "")


def test_the_profile_form_of_a_person_deleted_meanwhile_asks_to_log_in(database, jane):
    with before_the_statement(
        database.engine, "SELECT users.nickname, users.display_name", lambda: delete_person(database, "jane")
    ):
        answer = jane.get("/account/profile", status="*")
    assert (answer.status_int, "/login" in answer.headers.get("Location", "")) == (303, True)


@needs_postgresql
def test_a_person_stays_until_what_they_write_is_written(database, jane):
    waited = []

    def delete(session):
        session.execute(sa.delete(User).where(User.nickname == "jane"))

    with before_the_statement(
        database.engine, "INSERT INTO posts", lambda: waited.append(has_to_wait(database, delete))
    ):
        write(jane, "Still here")
    assert waited == [True]


@needs_postgresql
@pytest.mark.parametrize("statement", ["INSERT INTO follows", "IN (%(id_1_1)s"])
def test_whom_one_follows_stays_or_is_not_found(database, jane, statement):
    """Deleted after the page's address was found, and before or after the follow has them."""
    with database.write() as session:
        queries.add_user(session, "john")
    waited = []

    def delete(session):
        session.execute(sa.delete(User).where(User.nickname == "john"))

    form = jane.get("/users/john/follow").forms["follow-form"]
    with before_the_statement(
        database.engine, statement, lambda: waited.append(has_to_wait(database, delete))
    ):
        answer = form.submit(status="*")
    assert (answer.status_int, number_of(database, Follow)) == ((303, 1) if waited == [True] else (404, 0))


# Nicknames


def test_of_many_renames_at_once_none_passes_the_limit(database, application, jane):
    form = jane.get("/account/profile").forms["profile-form"]
    for number in range(queries.MOST_NICKNAMES - 2):
        form["nickname"] = f"jane{number}"
        form = form.submit(status=303) and jane.get("/account/profile").forms["profile-form"]
    start = threading.Barrier(8)
    statuses: list[int] = []
    fields = dict(form.submit_fields())
    cookie = jane.cookies[SESSION_COOKIE]

    def rename(number):
        browser = application.browser()
        browser.set_cookie(SESSION_COOKIE, cookie)
        start.wait()
        answer = browser.post("/account/profile", {**fields, "nickname": f"other{number}"}, status="*")
        statuses.append(answer.status_int)

    threads = [threading.Thread(target=rename, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303] + [422] * 7
    assert number_of(database, Nickname) == queries.MOST_NICKNAMES


@needs_postgresql
def test_one_change_of_a_profile_waits_for_the_other(database, susan):
    def rename(session, nickname):
        queries.change_profile(session, susan, queries.Profile(nickname, "", ""))

    with database.write() as renaming:
        rename(renaming, "first")
        assert has_to_wait(database, lambda session: rename(session, "second"))
    assert not has_to_wait(database, lambda session: rename(session, "second"))


@needs_postgresql
def test_an_address_that_somebody_else_takes_during_a_sign_up_is_refused(browser, database):
    def sign_up_elsewhere():
        with database.write() as session:
            queries.add_user(session, "quicker", email="susan@example.com")

    form = browser.get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "susan", "susan@example.com", PASSWORD
    with before_the_statement(database.engine, "INSERT INTO users", sign_up_elsewhere):
        page = form.submit(status=422)
    assert page.html.select("#email-error")[0].get_text(strip=True).startswith("Somebody has signed up with")
    with database.read() as session:
        assert session.scalars(sa.select(User.nickname)).all() == ["quicker"]
