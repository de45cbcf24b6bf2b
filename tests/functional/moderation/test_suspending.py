"""Somebody is warned, suspended, and there again: on pages and on the command line."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from microblog.accounts.by_mail.actions import write_reset
from microblog.mail.models import Mail
from microblog.moderation.models import AuditEntry
from tests.walk import bodies, flashes, log_in, post_ids, write


@pytest.fixture
def maria(enter_as):
    return enter_as("maria", "moderator")


@pytest.fixture
def susan(enter_as):
    browser = enter_as("susan")
    browser.post_id = post_ids(write(browser, "Mine"))[0]
    return browser


def do(browser, nickname, name, reason="Spam", said=None, status=303):
    form = browser.get(f"/admin/people/{nickname}/{name}").forms["deed-form"]
    form["reason"] = reason
    if said is not None:
        form["said"] = said
    return form.submit(status=status)


def mails(database):
    with database.read() as session:
        return session.execute(sa.select(Mail.address, Mail.subject, Mail.text).order_by(Mail.id)).all()


def test_who_is_suspended_is_not_seen_and_cannot_log_in(maria, susan, enter_as, application):
    john = enter_as("john")
    page = do(maria, "susan", "suspend", said="You have sold tea.\nStop it.").follow()
    assert flashes(page) == ["They are suspended: nobody sees anything of them, and they cannot log in."]
    for reader in (john, maria, application.browser()):
        assert "This account is suspended." in reader.get("/users/susan", status=410)
        for path in ("/users/susan/followers", "/users/susan/follow", f"/posts/{susan.post_id}"):
            reader.get(path, status=410)
        assert bodies(reader.get("/explore")) == []
    assert "/login" in susan.get("/account/", status=303).location
    refused = log_in(application.browser(), "susan")
    assert refused.status_int == 422
    assert (
        "Your account is suspended, so you cannot log in. The moderators say: You have sold tea." in refused
    )


def test_without_a_text_for_them_they_read_that_they_are_suspended(maria, susan, application):
    do(maria, "susan", "suspend")
    refused = log_in(application.browser(), "susan")
    assert "Your account is suspended, so you cannot log in." in refused
    assert "The moderators say" not in refused


def test_after_the_suspension_everything_is_as_it_was(maria, susan, enter_as, application):
    john = enter_as("john")
    paths = ("/explore", "/users/susan", "/users/susan/followers", f"/posts/{susan.post_id}", "/users/")
    before = [john.get(path).html.main.decode() for path in paths]
    do(maria, "susan", "suspend")
    page = do(maria, "susan", "unsuspend", reason="A mistake").follow()
    assert flashes(page) == ["They are there again, as they were."]
    assert without_tokens([john.get(path).html.main.decode() for path in paths]) == without_tokens(before)
    assert log_in(application.browser(), "susan").status_int == 303


def without_tokens(pages):
    return [re.sub(r'<input name="(csrf_token|key)"[^>]*>', "", page) for page in pages]


def test_who_is_suspended_reads_why_also_where_they_choose_a_new_password(
    maria, susan, application, database
):
    with database.write() as session:
        write_reset(session, "susan@example.com")
    path = re.findall(r"https?://[^/\s]+(/reset-password/\S+)", mails(database)[-1].text)[0]
    do(maria, "susan", "suspend", said="You have sold tea.")
    form = application.browser().get(path).forms["new-password-form"]
    form["password"] = "four other words here"
    page = form.submit(status=422)
    assert "Your account is suspended, so you cannot log in. The moderators say: You have sold tea." in page
    do(maria, "susan", "unsuspend")
    form.submit(status=303)
    assert log_in(application.browser(), "susan", "four other words here").status_int == 303


def test_nobody_writes_messages_to_somebody_who_is_suspended(maria, susan, enter_as):
    john = enter_as("john")
    form = john.get("/messages/susan").forms["message-form"]
    form["message"] = "Hello"
    page = form.submit(status=303).follow()
    form = page.forms["message-form"]
    do(maria, "susan", "suspend")
    form["message"] = "Are you there?"
    assert "Are you there?" in form.submit(status=404)  # so that it can be copied
    john.get("/messages/susan", status=404)
    page = john.get("/messages/").click("Deleted account")
    assert "Hello" in page
    assert "This account was deleted or suspended, so nobody would read an answer." in page


def test_what_was_done_is_on_the_page_of_the_person(maria, susan):
    do(maria, "susan", "warn", reason="Rude", said="Be kind.")
    do(maria, "susan", "suspend", reason="Again")
    page = maria.get("/admin/people/susan")
    assert "Suspended" in page.html.select_one(".lead").get_text()
    assert [item.strong.get_text() for item in page.html.select(".choices li")] == ["Suspended", "Warned"]
    assert [item.get_text() for item in page.html.select(".choices li blockquote")] == ["Be kind."]
    buttons = [link.get_text() for link in page.html.select("main .buttons a")]
    assert buttons == ["Posts", "End the suspension", "Delete the account", "Write a note"]


def test_they_are_told_by_mail(maria, susan, database):
    do(maria, "susan", "warn", said="Be kind.")
    do(maria, "susan", "suspend")
    do(maria, "susan", "unsuspend")
    found = mails(database)
    assert [(mail.address, mail.subject) for mail in found] == [
        ("susan@example.com", "A warning from microblog"),
        ("susan@example.com", "Your account at microblog is suspended"),
        ("susan@example.com", "Your account at microblog is no longer suspended"),
    ]
    assert "Be kind." in found[0].text


def test_they_are_logged_out_everywhere(maria, susan):
    susan.get("/account/", status=200)
    form = maria.get("/admin/people/susan/end-sessions").forms["deed-form"]
    assert "said" not in form.fields
    do(maria, "susan", "end-sessions")
    susan.get("/account/", status=303)


def test_a_reason_is_needed_and_what_was_typed_is_not_lost(maria, susan):
    page = do(maria, "susan", "suspend", reason=" \n ", said="Stop", status=422)
    assert "Say why: other moderators read it later." in page
    assert page.forms["deed-form"]["said"].value == "Stop"
    page = do(maria, "susan", "suspend", reason="x" * 1001, status=422)
    assert "1,000" in page


@pytest.mark.parametrize("name", ["warn", "suspend", "end-sessions"])
def test_nobody_acts_on_themselves_on_admins_or_as_a_moderator_on_another(maria, enter_as, name):
    enter_as("grace", "admin")
    enter_as("mona", "moderator")
    for nickname, sentence in (
        ("maria", "You cannot do this to yourself."),
        ("grace", "This is an admin. Their role has to be revoked before, on the command line."),
        ("mona", "Only an admin can do this to a moderator."),
    ):
        assert sentence in maria.get(f"/admin/people/{nickname}/{name}", status=403)
        page = maria.get(f"/admin/people/{nickname}")
        assert sentence in page
        assert not page.html.select("main .buttons a")


def test_an_admin_acts_on_a_moderator(maria, enter_as):
    do(enter_as("grace", "admin"), "maria", "suspend")
    maria.get("/admin/people/", status=303)


def test_of_two_moderators_at_once_one_is_too_late(maria, susan, enter_as):
    other = enter_as("mona", "moderator")
    forms = [browser.get("/admin/people/susan/suspend").forms["deed-form"] for browser in (maria, other)]
    for form in forms:
        form["reason"] = "Spam"
    forms[0].submit(status=303)
    assert "Somebody was quicker: this was done already." in forms[1].submit(status=409)


def test_people_are_listed_and_found_by_the_beginning_of_a_nickname(maria, susan, enter_as):
    enter_as("sushi")
    names = [row.get_text() for row in maria.get("/admin/people/").html.select(".choices a")]
    assert names == ["sushi", "susan", "maria"]
    found = maria.get("/admin/people/?q=SUS").html.select(".choices a")
    assert [row.get_text() for row in found] == ["sushi", "susan"]
    assert "Nobody" in maria.get("/admin/people/?q=susanna")
    do(maria, "susan", "suspend")
    found = maria.get("/admin/people/?state=suspended").html.select(".choices a")
    assert [row.get_text() for row in found] == ["susan"]


def test_there_is_no_page_of_somebody_who_is_not_there(maria):
    maria.get("/admin/people/nobody", status=404)
    maria.get("/admin/people/%00", status=404)


# The command line


def test_somebody_is_warned_suspended_and_there_again_by_commands(susan, microblog, database, application):
    assert (
        microblog("user", "warn", "susan", "--reason", "Rude", "--say", "Be kind.").stdout
        == "susan is warned.\n"
    )
    said = microblog("user", "suspend", "SUSAN", "--reason", "Spam").stdout
    assert said.startswith("susan is suspended; `microblog -c ")
    application.browser().get("/users/susan", status=410)
    assert (
        microblog("user", "unsuspend", "susan", "--reason", "A mistake").stdout == "susan is there again.\n"
    )
    application.browser().get("/users/susan", status=200)
    assert [mail.text.count("Be kind.") for mail in mails(database)] == [1, 0, 0]
    with database.read() as session:
        query = sa.select(AuditEntry.action, AuditEntry.actor, AuditEntry.reason).order_by(AuditEntry.id)
        rows = session.execute(query).all()
    assert rows == [("warn", "", "Rude"), ("suspend", "", "Spam"), ("unsuspend", "", "A mistake")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["unsuspend", "susan"], "susan is not suspended: nothing was changed."),
        (["suspend", "nobody"], "Nobody here is called nobody"),
        (["suspend", "grace"], "This is an admin. Their role has to be revoked before, on the command line."),
        (["warn", "susan", "--reason", " "], "Say why: other moderators read it later."),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why(susan, enter_as, microblog, words, sentence):
    enter_as("grace", "admin")
    if "--reason" not in words:
        words = [*words, "--reason", "Spam"]
    assert sentence in microblog("user", *words, status=1).stderr


def test_who_is_suspended_is_not_suspended_again(susan, microblog):
    microblog("user", "suspend", "susan", "--reason", "Spam")
    error = microblog("user", "suspend", "susan", "--reason", "Spam", status=1).stderr
    assert "susan is suspended already: nothing was changed." in error


def test_the_help_of_the_group_lists_them(microblog):
    listed = microblog("user", "--help").stdout
    for line in ("  suspend ", "  unsuspend ", "  warn ", "  add "):
        assert line in listed
    assert "  user suspend" not in microblog("--help").stdout
    assert "No such command 'nonsense'" in microblog("user", "nonsense", status=2).stderr
