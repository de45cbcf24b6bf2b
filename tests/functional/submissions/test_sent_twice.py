"""A form that is sent twice is done once, and answered twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from webtest import TestApp

from microblog.accounts.models import LoginSession, User
from microblog.submissions.models import FormResult
from tests.competing import before_the_next_write
from tests.functional.submissions.forms import (
    NEW_PASSWORD,
    TEXT,
    change_password,
    number_of,
    same_browser,
    state,
    user_id,
)
from tests.walk import PASSWORD, bodies, flashes, log_in, sign_up, token

WRONG = "This nickname or e-mail address and this password do not match."


def sign_up_form(browser: TestApp) -> Any:
    form = browser.get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "newcomer", "newcomer@example.com", PASSWORD
    return form


def log_in_form(browser: TestApp) -> Any:
    form = browser.get("/login").forms["login-form"]
    form["nickname"], form["password"] = "susan", PASSWORD
    return form


FORMS_OF_VISITORS = {"register": sign_up_form, "login": log_in_form}


def send(browser: TestApp, form: Any, **more: Any) -> Any:
    """The form, from another window of the same browser."""
    return browser.post(form.action, form.submit_fields(), **more)


def is_logged_in(browser: TestApp) -> bool:
    return "Log out" in browser.get("/").text


@pytest.fixture(params=FORMS_OF_VISITORS)
def open_form(request: Any, post_id: int) -> Callable[[TestApp], Any]:
    return FORMS_OF_VISITORS[request.param]


# Of people who are logged in


def test_the_second_answer_is_the_first(susan, database, form_of_susan):
    form = form_of_susan.open(susan)
    first = form.submit(status=303)
    said = flashes(first.follow())
    after = state(database)
    assert form_of_susan.done(after)
    second = form.submit(status=303)
    assert second.location == first.location
    assert flashes(second.follow()) == said
    assert state(database) == after


def test_two_copies_sent_before_the_first_answer_are_done_once(application, susan, database, form_of_susan):
    form = form_of_susan.open(susan)
    twin = same_browser(application, susan)
    with before_the_next_write(database, lambda: send(twin, form, status=303)):
        answer = form.submit(status=303)
    assert form_of_susan.done(state(database))
    said = flashes(answer.follow())
    assert said == flashes(twin.get("/explore")), "both got the same messages"
    assert len(said) == 1


def test_eight_copies_sent_at_the_same_time_are_done_once(application, susan, database, form_of_susan):
    form = form_of_susan.open(susan)
    twins = [same_browser(application, susan) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda twin: send(twin, form, status="*"), twins))
    assert {(answer.status_int, answer.location) for answer in answers} == {(303, answers[0].location)}
    after = state(database)
    assert form_of_susan.done(after)
    assert len(after["posts"]) <= 2


def test_a_form_that_was_refused_is_looked_at_anew(susan, database):
    form = susan.get("/").forms["compose-form"]
    form["body"] = ""
    form.submit(status=422)
    form.submit(status=422)
    assert number_of(database, FormResult) == 1, "that of the log-in"


def test_the_same_key_and_another_text_is_another_post(susan, database):
    form = susan.get("/").forms["compose-form"]
    for body in ("one", "two", "one"):
        form["body"] = body
        form.submit(status=303)
    assert state(database)["posts"] == ["Mine", "one", "two"]


def test_the_key_of_one_person_means_nothing_from_another(susan, person, database):
    for browser in (susan, person("john")):
        fields = {"csrf_token": token(browser), "key": "the-same", "body": "Hello"}
        browser.post("/posts/", fields, status=303)
    assert state(database)["posts"] == ["Hello", "Hello", "Mine"]


def test_a_form_is_not_done_again_for_the_next_person_at_the_browser(susan, database):
    """John sends susan's form by the back button: it is shown to him, and not answered as if he were her."""
    form = susan.get("/").forms["compose-form"]
    form["body"] = TEXT
    form.submit(status=303)
    susan.get("/logout").forms["logout-form"].submit(status=303)
    assert log_in(susan, "john").status_int == 303
    page = form.submit(status=400)
    assert page.forms["compose-form"]["body"].value == TEXT
    assert len(state(database)["posts"]) == 2


def test_a_second_copy_that_comes_after_the_session_ended_is_answered_too(application, susan, database):
    form = susan.get("/").forms["compose-form"]
    form["body"] = TEXT
    twin = same_browser(application, susan)
    form.submit(status=303)
    change_password(database, "susan")
    answer = send(twin, form, status=303)
    assert answer.location == "http://localhost/"
    assert flashes(answer.follow()) == ["Your post is now live!"]
    assert len(state(database)["posts"]) == 2


def test_a_form_that_was_done_is_reported_to_the_script_and_not_to_people(susan):
    form = susan.get("/").forms["compose-form"]
    form["body"] = "Hello"
    for _ in range(2):
        page = form.submit(status=303).follow()
        assert page.html.body["data-accepted"] == form["key"].value
        assert flashes(page) == ["Your post is now live!"]
    assert not susan.get("/").html.body.has_attr("data-accepted")


def test_following_and_unfollowing_by_the_same_two_forms_does_both_each_time(susan, database):
    """Who goes back to a page and presses its button again means it."""
    follow = susan.get("/users/john/follow").forms["follow-form"]
    unfollow = susan.get("/users/john/unfollow").forms["follow-form"]
    for _ in range(2):
        follow.submit(status=303)
        assert ("susan", "john") in state(database)["follows"]
        unfollow.submit(status=303)
        assert ("susan", "john") not in state(database)["follows"]


def test_a_second_copy_whose_answer_is_gone_at_once_says_so_and_gives_back_the_text(
    application, susan, database
):
    """The worker deletes a result after a day, perhaps right now."""
    form = susan.get("/").forms["compose-form"]
    form["body"] = TEXT
    twin = same_browser(application, susan)

    def send_and_forget() -> None:
        send(twin, form, status=303)
        event.listen(database.engine, "checkin", delete_results, once=True)

    def delete_results(*connection: object) -> None:
        """When the transaction of the other copy is over."""
        with database.write() as session:
            session.execute(sa.delete(FormResult))

    with before_the_next_write(database, send_and_forget):
        page = form.submit(status=409)
    assert "You have sent this form twice" in page.text
    assert page.html.select(".recovered textarea")[0].get_text() == f"\n{TEXT}"
    assert len(state(database)["posts"]) == 2


# Of visitors


def test_both_copies_of_a_log_in_or_a_sign_up_are_logged_in(application, browser, database, open_form):
    form = open_form(browser)
    twin = same_browser(application, browser)
    first, second = form.submit(status=303), send(twin, form, status=303)
    assert first.location == second.location
    assert is_logged_in(browser)
    assert is_logged_in(twin)
    assert flashes(first.follow()) == []


def test_also_when_one_overtakes_the_other(application, browser, database, open_form):
    form = open_form(browser)
    twin = same_browser(application, browser)
    with before_the_next_write(database, lambda: send(twin, form, status=303)):
        form.submit(status=303)
    assert is_logged_in(browser)
    assert is_logged_in(twin)


def test_also_eight_at_once(application, browser, database, open_form):
    form = open_form(browser)
    twins = [same_browser(application, browser) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda twin: send(twin, form, status="*"), twins))
    assert [answer.status_int for answer in answers] == [303] * 8
    assert all(is_logged_in(twin) for twin in twins)
    with database.read() as session:
        names = session.scalars(sa.select(User.nickname)).all()
    assert len(names) == len(set(names))


def test_a_second_copy_that_brings_the_new_session_along_changes_nothing(browser, database, open_form):
    form = open_form(browser)
    first = form.submit(status=303)
    sessions = number_of(database, LoginSession)
    assert form.submit(status=303).location == first.location
    assert number_of(database, LoginSession) == sessions


def test_signing_up_twice_shows_one_welcome(application, browser, post_id):
    form = sign_up_form(browser)
    twin = same_browser(application, browser)
    form.submit(status=303)
    assert flashes(send(twin, form, status=303).follow()) == ["Welcome! You are signed up, and logged in."]


@pytest.mark.parametrize("how", ["one after the other", "at once"])
def test_a_log_in_from_before_a_password_change_is_not_repeated(application, browser, database, post_id, how):
    form = log_in_form(browser)
    twin = same_browser(application, browser)
    form.submit(status=303)
    if how == "at once":
        with before_the_next_write(database, lambda: change_password(database, "susan")):
            page = send(twin, form, status=422)
    else:
        change_password(database, "susan")
        page = send(twin, form, status=422)
    assert WRONG in page.text
    assert not is_logged_in(twin)


def test_nor_is_a_sign_up(application, browser, database):
    form = sign_up_form(browser)
    twin = same_browser(application, browser)
    form.submit(status=303)
    change_password(database, "newcomer")
    page = send(twin, form, status=422)
    assert "Somebody has, or had, this nickname already." in page.text
    assert not is_logged_in(twin)


def test_a_log_in_of_a_deleted_person_is_not_repeated(application, browser, database, post_id):
    form = log_in_form(browser)
    twin = same_browser(application, browser)
    form.submit(status=303)
    with database.write() as session:
        session.execute(sa.delete(User).where(User.nickname == "susan"))
    assert WRONG in send(twin, form, status=422).text


def test_a_person_who_sets_the_same_password_again_logs_in_by_the_same_form(browser, database, post_id):
    form = log_in_form(browser)
    form.submit(status=303)
    change_password(database, "susan", PASSWORD)
    form.submit(status=303)
    assert is_logged_in(browser)
    assert number_of(database, FormResult) == 1


def test_another_password_is_another_form(application, browser, post_id):
    form = log_in_form(browser)
    twin = same_browser(application, browser)
    form.submit(status=303)
    form["password"] = NEW_PASSWORD
    assert WRONG in send(twin, form, status=422).text
    assert not is_logged_in(twin)


def test_a_copied_form_is_worth_nothing_in_another_browser(application, browser, post_id):
    """Token, key and password: it is a log-in like any other, and starts with a page of its own."""
    form = log_in_form(browser)
    form.submit(status=303)
    other = application.browser()
    page = send(other, form, status=400)
    assert "too old" in flashes(page)[0]
    assert not is_logged_in(other)


def test_a_second_copy_logs_nobody_in_over_somebody_else(browser, database, post_id):
    form = log_in_form(browser)
    form.submit(status=303)
    browser.get("/logout").forms["logout-form"].submit(status=303)
    assert log_in(browser, "john").status_int == 303
    assert form.submit(status=303).location == "http://localhost/"
    assert browser.get("/").html.body["data-person"] == str(user_id(database, "john"))


# Logging out


def test_both_copies_of_a_log_out_get_the_same_answer(application, susan):
    form = susan.get("/").forms["header-logout-form"]
    twin = same_browser(application, susan)
    answers = [form.submit(status=303), send(twin, form, status=303)]
    assert [answer.location for answer in answers] == ["http://localhost/"] * 2
    assert flashes(answers[1].follow()) == ["You are logged out."]
    assert not is_logged_in(twin)
    assert form.submit(status=303).location == "http://localhost/", "also without the cookie"


def test_eight_log_outs_at_once_are_one(application, susan):
    form = susan.get("/").forms["header-logout-form"]
    twins = [same_browser(application, susan) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda twin: send(twin, form, status="*"), twins))
    assert [(answer.status_int, answer.location) for answer in answers] == [(303, "http://localhost/")] * 8


# What is not written


def test_a_form_that_did_nothing_leaves_nothing(application, browser, susan, database):
    """Nobody fills the table who writes nothing: visitors log out, people log in."""
    before = number_of(database, FormResult)
    fields = {"csrf_token": token(browser, "/login"), "key": "k"}
    browser.post("/logout", fields, status=303)
    fields = {"csrf_token": token(susan, "/logout"), "key": "k", "nickname": "susan", "password": PASSWORD}
    susan.post("/login", fields, status=303)
    assert number_of(database, FormResult) == before


@pytest.mark.parametrize("key", ["", "x" * 65, "with space", "x.y", "é", "x.1x", "." * 3])
def test_a_broken_key_is_none(susan, database, key):
    fields = {"csrf_token": token(susan), "key": key, "body": "Hello"}
    status = 303 if key == "" else 422
    for _ in range(2):
        susan.post("/posts/", fields, status=status)
    assert len(state(database)["posts"]) == (3 if key == "" else 1)


@pytest.mark.parametrize("name", ["key", "csrf_token", "kept", "body", "carried"])
def test_a_file_in_any_field_is_refused_and_no_fault(susan, browser, name):
    for path, sender, page in (("/posts/", susan, "/"), ("/login", browser, "/login")):
        fields = {"csrf_token": token(sender, page), "key": "k", "kept": "x", "body": "Hello"}
        fields.pop(name, None)
        answer = sender.post(path, fields, upload_files=[(name, "x.txt", b"content")], status="*")
        assert answer.status_int == (400 if name == "csrf_token" else 422)


def test_a_post_after_the_answer_of_a_sign_up_is_no_copy_of_it(application):
    browser = application.browser()
    page = sign_up(browser, "susan")
    form = page.forms["compose-form"]
    form["body"] = "Hello"
    form.submit(status=303)
    assert bodies(browser.get("/")) == ["Hello"]
