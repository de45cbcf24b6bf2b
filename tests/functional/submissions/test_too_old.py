"""A form whose token is too old is shown again, filled in, and does nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from tests.competing import before_the_statement
from tests.functional.submissions.forms import TEXT, state
from tests.walk import PASSWORD, flashes, log_in

TOO_OLD = (
    "This page was too old (or your browser keeps no cookies), so nothing was done. "
    "Look through the form and send it again."
)


def test_the_form_of_another_session_is_shown_again_and_works(susan, database, form_of_susan):
    """She logged out and in again in another tab."""
    form = form_of_susan.open(susan)
    susan.get("/logout").forms["logout-form"].submit(status=303).follow()
    assert log_in(susan, "susan").status_int == 303
    before = state(database)
    page = form.submit(status=400)
    assert flashes(page) == [TOO_OLD]
    assert form_of_susan.is_filled(page)
    assert state(database) == before
    assert page.forms[form_of_susan.id].submit(status=303).follow().status_int == 200
    assert form_of_susan.done(state(database))


def test_a_form_that_is_sent_again_still_redirects_to_its_destination(susan):
    fields = {"csrf_token": "old", "body": TEXT, "next": "/explore"}
    form = susan.post("/posts/", fields, status=400).forms["compose-form"]
    assert form.submit(status=303).location == "http://localhost/explore"


def test_a_sign_up_of_a_browser_that_forgot_its_cookies(application, browser, post_id):
    form = browser.get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "newcomer", "newcomer@example.com", PASSWORD
    browser.reset()
    page = form.submit(status=400)
    assert flashes(page) == [TOO_OLD]
    form = page.forms["register-form"]
    assert (form["nickname"].value, form["email"].value) == ("newcomer", "newcomer@example.com")
    assert form["password"].value == ""
    assert PASSWORD not in page.text
    form["password"] = PASSWORD
    form.submit(status=303)


def test_a_log_in_of_a_browser_that_forgot_its_cookies(browser, post_id):
    form = browser.get("/login").forms["login-form"]
    form["nickname"], form["password"], form["remember_me"] = "susan", PASSWORD, True
    browser.reset()
    page = form.submit(status=400)
    assert flashes(page) == [TOO_OLD]
    assert page.forms["login-form"]["nickname"].value == "susan"
    assert page.forms["login-form"]["remember_me"].checked
    assert PASSWORD not in page.text
    assert log_in(browser, "susan").status_int == 303


def test_a_log_out_of_another_session_is_asked_again(susan):
    page = susan.post("/logout", {"csrf_token": "old"}, status=400)
    assert flashes(page) == [TOO_OLD]
    page.forms["logout-form"].submit(status=303)


def test_the_page_is_shown_at_the_address_to_which_the_form_was_sent(susan):
    page = susan.post("/users/JOHN/follow", {}, status=400)
    assert "Follow john?" in page.text


def test_a_person_deleted_while_their_form_is_shown_again_is_asked_to_log_in(susan, database):
    form = susan.get("/account/profile").forms["profile-form"]
    form["about_me"], form["csrf_token"] = TEXT, "old"

    def delete() -> None:
        with database.write() as session:
            session.execute(sa.delete(User).where(User.nickname == "susan"))

    with before_the_statement(database.engine, "SELECT users.nickname, users.display_name", delete):
        page = form.submit(status=400)
    assert flashes(page) == [
        "You have been logged out. Log in, and you will find what you wrote, not yet sent."
    ]


@pytest.mark.parametrize("path", ["/", "/explore", "/nothing", "/posts/1", "/users/nobody/follow", "/search"])
def test_where_there_is_no_form_what_was_typed_is_given_back(susan, path):
    page = susan.post(path, {"csrf_token": "old", "body": TEXT}, status=400)
    assert "Open the page again and send it once more." in page.html.select(".sentence")[0].get_text()
    assert page.html.select(".recovered textarea")[0].get_text() == f"\n{TEXT}"


def test_a_program_gets_no_page(browser):
    answer = browser.post("/api/posts", {"body": TEXT}, status=404)
    assert answer.json["error"]["status"] == 404
