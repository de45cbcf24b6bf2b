"""Whose session ended while they filled in a form logs in, and finds it: filled in, and not sent."""

from __future__ import annotations

import re
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from microblog.accounts import queries
from microblog.background.worker import Worker
from microblog.submissions import kept
from microblog.submissions.models import FormResult, KeptForm
from tests.competing import before_the_next_write
from tests.functional.submissions.forms import (
    ENDS,
    TEXT,
    log_in_on,
    number_of,
    password_after,
    state,
    user_id,
)
from tests.walk import PASSWORD, enter, flashes, log_in

FIND_IT = "You have been logged out. Log in, and you will find what you wrote, not yet sent."
BE_ASKED = "You have been logged out. Nothing was done. Log in, and you will be asked again."
LOOK_AGAIN = "You are logged in. This form was not sent yet: look through it and send it."
STILL_KEPT = "What you sent is still kept: log in, and you will find it."
PASTE_IT = "You are logged in. Nothing was sent: if your text is not here, paste what you have copied."
GONE = "What you had written waits here no longer: it was sent, or you logged in more than an hour ago."


def end_session(database):
    with database.write() as session:
        queries.end_all_sessions(session, user_id(database, "susan"))


def write_logged_out(susan, database, body=TEXT, **fields):
    """The answer to a post that susan sends when her session has ended."""
    form = susan.get("/").forms["compose-form"]
    form["body"] = body
    fields = {**dict(form.submit_fields()), **fields}
    end_session(database)
    return susan.post("/posts/", fields, status=400)


def hidden(form, name):
    return form[name].value if name in form.fields else None


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_form_is_found_again_after_the_log_in_and_was_not_sent(
    application, susan, clock, form_of_susan, end
):
    form = form_of_susan.open(susan)
    end(application, susan, clock)
    before = state(application.database)
    page = form.submit(status=400)
    assert flashes(page) == [FIND_IT if form_of_susan.fields else BE_ASKED]
    assert state(application.database) == before
    page = log_in_on(page, password="wrong password", status=422)
    assert STILL_KEPT in page
    answer = log_in_on(page, password=password_after(end), status=303)
    page = answer.follow()
    assert flashes(page) == [LOOK_AGAIN]
    assert form_of_susan.is_filled(page)
    assert state(application.database) == before
    assert number_of(application.database, KeptForm) == 1
    assert page.forms[form_of_susan.id].submit(status=303).follow().status_int == 200
    assert form_of_susan.done(state(application.database))
    assert number_of(application.database, KeptForm) == 0


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_logging_out_when_already_logged_out_has_nothing_left_to_do(application, susan, clock, end):
    form = susan.get("/").forms["header-logout-form"]
    end(application, susan, clock)
    assert form.submit(status=303).location == "http://localhost/"
    assert "Log in" in susan.get("/")


def test_a_session_that_ends_in_the_middle_of_a_request_has_ended(susan, database):
    form = susan.get("/").forms["compose-form"]
    form["body"] = TEXT
    with before_the_next_write(database, lambda: end_session(database)):
        page = form.submit(status=400)
    assert flashes(page) == [FIND_IT]
    page = log_in_on(page, status=303).follow()
    assert page.forms["compose-form"]["body"].value == TEXT
    assert state(database)["posts"] == ["Mine"]


def test_a_visitor_does_not_read_that_they_were_logged_out(browser, post_id):
    page = browser.post("/posts/", {"body": TEXT}, status=400)
    assert flashes(page) == ["You are not logged in. Log in, and you will find what you wrote, not yet sent."]
    page = log_in_on(page, status=303).follow()
    assert page.forms["compose-form"]["body"].value == TEXT


def test_a_form_without_any_field_gets_the_log_in_page_too(browser, post_id):
    page = browser.post("/users/john/follow", {}, status=400)
    assert "Follow john?" in log_in_on(page, status=303).follow().text


def test_the_form_is_sent_to_where_its_page_would_have_gone(susan, database):
    page = log_in_on(write_logged_out(susan, database, next="/explore"), status=303).follow()
    assert page.forms["compose-form"].submit(status=303).location == "http://localhost/explore"


def test_remember_me_holds_for_the_log_in_of_a_form_too(susan, database):
    form = write_logged_out(susan, database).forms["login-form"]
    form["nickname"], form["password"], form["remember_me"] = "susan", PASSWORD, True
    answer = form.submit(status=303)
    cookies = answer.headers.getall("Set-Cookie")
    assert any(cookie.startswith("session=") and "Max-Age=31536000" in cookie for cookie in cookies)


def test_a_password_a_file_and_a_token_are_not_carried(application, susan, database, clock):
    form = susan.get("/").forms["compose-form"]
    fields = [(name, str(value)) for name, value in form.submit_fields() if isinstance(value, str)]
    fields = [(name, value) for name, value in fields if name != "body"]
    fields += [("body", TEXT), ("password", "secret one"), ("New-PassWord", "secret two"), ("kept", "x")]
    end_session(database)
    page = susan.post("/posts/", fields, upload_files=[("picture", "x.txt", b"secret three")], status=400)
    carried = kept.make_serializer(build_request(application)).loads(
        page.forms["login-form"]["carried"].value
    )
    assert carried == ["/posts/", "", [["language", ""], ["body", TEXT]], user_id(database, "susan")]


def build_request(application):
    """As much of a request as signing needs."""
    return type("Signs", (), {"microblog": application.registry.microblog})


# How much is kept


def test_twenty_thousand_bytes_are_kept(susan, database):
    text = "😀" * 5_000
    page = log_in_on(write_logged_out(susan, database, text), status=303).follow()
    assert page.forms["compose-form"]["body"].value == text


@pytest.mark.parametrize("text", ["x" * 20_001, "😀" * 5_000 + "x"])
def test_more_is_shown_to_be_copied_and_the_log_in_leads_to_where_it_goes(susan, database, text):
    page = write_logged_out(susan, database, text)
    assert flashes(page) == [
        "You have been logged out. What you wrote is too long to be kept while you log in: copy it first."
    ]
    assert [area.get_text() for area in page.html.select(".recovered textarea")] == [f"\n{text}"]
    assert "carried" not in page.forms["login-form"].fields
    page = log_in_on(page, status=303).follow().follow()
    assert flashes(page) == [PASTE_IT]
    assert page.forms["compose-form"]["body"].value == ""
    assert number_of(database, KeptForm) == 0


def test_a_text_that_is_too_long_is_shown_for_any_field(susan, database):
    page = write_logged_out(susan, database, "x", **{"a_field_to_come": "y" * 20_000})
    assert page.html.select(".recovered textarea")[1].get_text() == "\n" + "y" * 20_000


def test_a_log_in_page_carries_no_more_than_can_be_sent(make_application):
    """An operator may allow less than twenty thousand bytes."""
    application = make_application({"microblog.max_body": "9000"})
    enter(application.browser(), "susan")
    browser = application.browser()
    # By chance, so that it does not shrink; as multipart, where a letter is three bytes and not nine.
    text = "".join(chr(Random(number).randrange(0x4E00, 0x9F00)) for number in range(1_500))
    page = browser.post("/posts/", {"body": text}, upload_files=[("x", "x.txt", b"")], status=400)
    assert "copy it first" in flashes(page)[0]
    assert log_in_on(page, status=303).location.endswith("/posts/?kept=copied")


def test_a_kept_form_that_is_refused_stays(susan, database):
    """A NUL, which PostgreSQL cannot keep as it is."""
    page = log_in_on(write_logged_out(susan, database, "one\x00two"), status=303).follow()
    assert page.forms["compose-form"]["body"].value == "one\x00two"
    page = page.forms["compose-form"].submit(status=422)
    assert page.forms["compose-form"]["body"].value == "one\x00two"
    assert number_of(database, KeptForm) == 1
    form = page.forms["compose-form"]
    form["body"] = "one two"
    form.submit(status=303)
    assert state(database)["posts"] == ["Mine", "one two"]
    assert number_of(database, KeptForm) == 0


def test_a_kept_form_waits_for_an_hour_and_then_the_page_says_that_it_is_gone(susan, database, clock):
    address = log_in_on(write_logged_out(susan, database), status=303).location
    clock.shift(timedelta(minutes=59))
    assert susan.get(address).forms["compose-form"]["body"].value == TEXT
    clock.shift(timedelta(minutes=1))
    page = susan.get(address, status=303).follow()
    assert flashes(page) == [GONE]
    assert page.forms["compose-form"]["body"].value == ""


def test_a_profile_that_waits_no_longer_is_shown_as_it_is(susan, database, clock):
    form = susan.get("/account/profile").forms["profile-form"]
    form["about_me"] = TEXT
    end_session(database)
    address = log_in_on(form.submit(status=400), status=303).location
    clock.shift(timedelta(hours=1))
    page = susan.get(address, status=200)
    assert flashes(page) == [GONE]
    assert page.forms["profile-form"]["nickname"].value == "susan"
    assert page.forms["profile-form"]["about_me"].value == ""


def test_after_it_was_sent_its_address_says_so(susan, database):
    answer = log_in_on(write_logged_out(susan, database), status=303)
    answer.follow().forms["compose-form"].submit(status=303).follow()
    assert flashes(susan.get(answer.location, status=303).follow()) == [GONE]


def test_another_form_of_the_same_page_leaves_it_there(susan, database):
    answer = log_in_on(write_logged_out(susan, database), status=303)
    answer.follow().forms["header-logout-form"].submit(status=303)
    assert log_in(susan, "susan").status_int == 303
    assert susan.get(answer.location).forms["compose-form"]["body"].value == TEXT


def test_a_person_who_is_logged_out_again_comes_back_to_the_kept_form(susan, database):
    answer = log_in_on(write_logged_out(susan, database), status=303)
    end_session(database)
    page = susan.get(answer.location, status=303).follow()
    assert log_in_on(page, status=303).follow().forms["compose-form"]["body"].value == TEXT


# Whose it is


def test_a_form_kept_for_one_person_is_not_shown_to_another(susan, person, database):
    address = log_in_on(write_logged_out(susan, database), status=303).location
    page = person("john").get(address, status=303).follow()
    assert flashes(page) == [GONE]
    assert "First line" not in page.text


def test_another_person_who_logs_in_is_not_shown_the_form_and_it_stays(susan, database):
    page = log_in_on(write_logged_out(susan, database), "john", status=422)
    assert "was written by another account" in page.html.select_one(".error-summary").get_text()
    assert STILL_KEPT not in page
    assert "First line" not in page.text
    assert number_of(database, KeptForm) == 0
    page = log_in_on(page, status=303).follow()
    assert page.forms["compose-form"]["body"].value == TEXT


def test_a_log_in_page_gives_its_form_to_the_person_who_logged_in_in_another_tab(susan, database):
    page = write_logged_out(susan, database)
    assert log_in(susan, "susan").status_int == 303
    page = log_in_on(page, status=400)
    assert flashes(page) == [LOOK_AGAIN]
    assert page.forms["compose-form"]["body"].value == TEXT
    page.forms["compose-form"].submit(status=303)
    assert state(database)["posts"] == sorted([TEXT, "Mine"])


def test_a_log_in_page_does_not_give_its_form_to_another_person_who_logged_in_in_another_tab(susan, database):
    page = write_logged_out(susan, database)
    assert log_in(susan, "john").status_int == 303
    page = log_in_on(page, status=400)
    assert flashes(page) == [
        "In this browser another account is logged in. Log out there, and then log in here: "
        "what you wrote is still kept."
    ]
    assert "First line" not in page.text
    assert flashes(log_in_on(page, status=400)) == flashes(page), "john still is"
    susan.get("/logout").forms["logout-form"].submit(status=303)
    page = log_in_on(page, status=303).follow()
    assert page.forms["compose-form"]["body"].value == TEXT


def test_two_tabs_are_two_forms(susan, database):
    forms = []
    for body in ("one", "two"):
        form = susan.get("/").forms["compose-form"]
        form["body"] = body
        forms.append(form)
    end_session(database)
    pages = [form.submit(status=400) for form in forms]
    first = log_in_on(pages[0], status=303).follow()
    second = log_in_on(pages[1], status=400)
    for page, body in ((first, "one"), (second, "two")):
        assert page.forms["compose-form"]["body"].value == body
        page.forms["compose-form"].submit(status=303)
    assert state(database)["posts"] == ["Mine", "one", "two"]


@pytest.mark.parametrize("value", ["", "x", "x.y", "W10.forged", "é", "a" * 10_000])
def test_a_value_that_we_did_not_sign_is_no_form(browser, post_id, database, value):
    form = browser.get("/login").forms["login-form"]
    fields = {**dict(form.submit_fields()), "nickname": "susan", "password": PASSWORD, "carried": value}
    assert browser.post("/login", fields, status=303).location == "http://localhost/"
    assert number_of(database, KeptForm) == 0


def test_a_carried_form_of_another_site_gets_nowhere(susan, application, database):
    """Not even one that we signed: nobody is logged in by another site's page."""
    page = write_logged_out(susan, database)
    fields = dict(page.forms["login-form"].submit_fields())
    fields |= {"nickname": "susan", "password": PASSWORD}
    page = susan.post("/login", fields, headers={"Origin": "https://evil.example"}, status=400)
    assert "another site" in page.text
    assert number_of(database, KeptForm) == 0


# Where it is


def test_a_nickname_that_changed_meanwhile_leads_to_the_form_all_the_same(susan, person, database):
    form = susan.get("/users/john").forms["follow-form"]
    form["next"] = "/explore"
    end_session(database)
    answer = log_in_on(form.submit(status=400), status=303)
    profile = person("john").get("/account/profile").forms["profile-form"]
    profile["nickname"] = "johannes"
    profile.submit(status=303)
    page = answer.follow(status=200)
    assert flashes(page) == [LOOK_AGAIN]
    assert page.forms["follow-form"].submit(status=303).location == "http://localhost/explore"


def test_a_form_that_was_sent_to_another_spelling_is_found_at_the_one_address(susan, database):
    end_session(database)
    page = susan.post("/users//JOHN/follow", {}, status=400)
    assert re.fullmatch(
        r"http://localhost/users/john/follow\?kept=[\w-]{43}", log_in_on(page, status=303).location
    )


def test_a_query_stays_and_one_that_is_far_too_long_does_not(susan, database):
    end_session(database)
    page = susan.post("/posts/?a=b&kept=old", {"body": TEXT}, status=400)
    assert "/posts/?a=b&kept=" in log_in_on(page, status=303).location
    end_session(database)
    page = susan.post("/posts/?a=" + "b" * 3_000, {"body": TEXT}, status=400)
    page = log_in_on(page, status=303).follow()
    assert page.forms["compose-form"]["body"].value == TEXT


def test_a_form_of_a_page_that_was_deleted_meanwhile_is_refused_with_a_sentence(susan, database, post_id):
    form = susan.get(f"/posts/{post_id}/delete").forms["delete-form"]
    end_session(database)
    page = form.submit(status=400)
    other = log_in_on(page, status=303)
    with database.write() as session:
        session.execute(sa.text("DELETE FROM posts"))
    assert "This post was deleted." in other.follow(status=410)


def test_below_a_mount_point_everything_is_below_it(application, post_id, database):
    browser = application.browser(SCRIPT_NAME="/blog")
    page = browser.post("/blog/posts/", {"body": TEXT}, status=400)
    assert page.forms["login-form"].action == "/blog/login"
    answer = log_in_on(page, status=303)
    assert answer.location.startswith("http://localhost/blog/posts/?kept=")
    page = answer.follow()
    form = page.forms["compose-form"]
    assert (form.action, form["body"].value) == ("/blog/posts/", TEXT)
    form.submit(status=303)
    assert number_of(database, KeptForm) == 0


def test_behind_a_proxy_it_is_the_public_address(make_application):
    application = make_application({"microblog.url": "https://blog.example"})
    enter(application.browser(), "susan")
    browser = application.browser()
    page = browser.post("/posts/", {"body": TEXT}, headers={"Origin": "https://blog.example"}, status=400)
    assert log_in_on(page, status=303).location.startswith("https://blog.example/posts/?kept=")


def test_nobody_else_learns_the_address_and_nothing_keeps_the_page(susan, database, caplog):
    caplog.set_level("INFO")
    page = write_logged_out(susan, database)
    assert page.headers["Cache-Control"] == "no-store"
    answer = log_in_on(page, status=303)
    page = answer.follow()
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "/posts/?kept=*** 200" in caplog.text
    waiting = answer.location.partition("kept=")[2]
    assert waiting not in caplog.text
    assert "First line" not in caplog.text
    with database.read() as session:
        assert session.scalars(sa.select(KeptForm.token_hash)).one() != waiting
    caplog.clear()


def test_the_page_for_a_form_that_waits_is_for_those_who_have_one(susan, application):
    assert "compose-form" in susan.get("/posts/", status=200).forms
    visitor = application.browser()
    assert visitor.get("/posts/", status=301).location == "http://localhost/explore"
    assert (
        visitor.get("/posts/?kept=x", status=303).location
        == "http://localhost/login?next=%2Fposts%2F%3Fkept%3Dx"
    )
    assert flashes(susan.get("/posts/?kept=x", status=303).follow()) == [GONE]
    assert susan.get("/posts/?kept=%00", status=303).location == "http://localhost/"


def test_old_rows_are_deleted_by_the_worker_so_many_in_a_round(application, susan, database, clock):
    log_in_on(write_logged_out(susan, database), status=303)
    with database.write() as session:
        row = {
            "user_id": user_id(database, "susan"),
            "path": "/",
            "fields": "[]",
            "created": clock_now(session, KeptForm),
        }
        session.execute(sa.insert(KeptForm), [{**row, "token_hash": str(number)} for number in range(2_500)])
    results = number_of(database, FormResult)
    assert results
    clock.shift(timedelta(hours=1))
    worker = Worker(application.registry)
    left = []
    for _ in range(4):
        worker.round()
        left.append(number_of(database, KeptForm))
    assert left == [1501, 501, 0, 0]
    assert number_of(database, FormResult) == results
    clock.shift(timedelta(days=1))
    Worker(application.registry).round()
    assert number_of(database, FormResult) == 0


def clock_now(session, model):
    return session.scalars(sa.select(model.created)).first()
