"""People whom moderators take out of lists, ask for a new password, delete, or write notes about."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from microblog.accounts.by_mail.queries import mark_unconfirmed
from microblog.accounts.departures import carry_out
from microblog.accounts.models import User
from microblog.db import StaleData
from microblog.moderation.actions import Case, delete, force_new_password, remove_pictures, warn
from microblog.moderation.models import AuditEntry, Suspension
from tests.pictures import in_days
from tests.portraits import give_portrait
from tests.walk import PASSWORD, flashes, log_in, write

from .test_suspending import do, mails
from .test_withholding import site  # noqa: F401


@pytest.fixture
def maria(enter_as):
    return enter_as("maria", "moderator")


@pytest.fixture
def susan(enter_as):
    return enter_as("susan")


def names(browser, state, q=""):
    page = browser.get(f"/admin/people/?state={state}&q={q}")
    return [link.get_text() for link in page.html.select(".choices a")]


# Out of lists

PUBLIC = (
    "/explore",
    "/users/",
    "/tags/tea",
    "/search?q=kettle",
    "/users/?q=susan",
    "/users/by-beginning?q=sus",
)


def test_who_is_taken_out_of_lists_is_on_none_that_everybody_sees(site, enter_as):  # noqa: F811
    page = do(site.moderator, "susan", "limit", said="Less tea, please.").follow()
    assert flashes(page) == [
        "They are in no list of everybody, and not found; whoever follows them still sees them."
    ]
    for browser in (enter_as("peter"), site.moderator):
        for path in PUBLIC:
            page = browser.get(path)
            assert "My kettle" not in page, path
            assert 'href="/users/susan"' not in page, path
        assert "My kettle" in browser.get("/users/susan")
        assert 'content="noindex' in browser.get("/users/susan")
    assert "My kettle" in site.people["john"].get("/")  # who follows her
    assert "Less tea, please." in mails(site.database)[-1].text
    assert "noindex" in site.people["john"].get(f"/posts/{site.mine}")


def test_they_see_themselves_as_before(site):  # noqa: F811
    susan = site.people["susan"]
    before = {path: "My kettle" in susan.get(path) for path in PUBLIC[:4]}
    do(site.moderator, "susan", "limit")
    assert {path: "My kettle" in susan.get(path) for path in PUBLIC[:4]} == before


def test_new_posts_of_them_are_not_announced(site, enter_as):  # noqa: F811
    peter = enter_as("peter")
    do(site.moderator, "susan", "limit")
    assert peter.get(f"/updates?after={site.post}").json["count"] == 0
    assert site.people["susan"].get(f"/updates?after={site.post}").json["count"] == 2


def test_in_lists_again_every_page_is_as_before(site):  # noqa: F811
    before = site.look_everywhere()
    do(site.moderator, "susan", "limit")
    assert site.look_everywhere() != before
    page = do(site.moderator, "susan", "unlimit").follow()
    assert flashes(page) == ["They are in lists and search again."]
    assert site.look_everywhere() == before


def test_what_was_done_already_is_not_done_again(maria, susan):
    stale = maria.get("/admin/people/susan/limit").forms["deed-form"]
    do(maria, "susan", "limit")
    stale["reason"] = "Spam"
    assert "Somebody was quicker" in stale.submit(status=409)
    assert "Not in lists and search" in maria.get("/admin/people/susan").html.select_one(".lead").get_text()


# Passwords, pictures, notes


def test_somebody_has_to_choose_a_new_password(maria, susan, database, application):
    do(maria, "susan", "new-password", said="It was in a leak.")
    susan.get("/account/", status=303)
    assert log_in(application.browser(), "susan", PASSWORD).status_int == 422
    told, link = mails(database)[-2:]
    assert "It was in a leak." in told.text
    path = re.findall(r"https?://[^/\s]+(/reset-password/\S+)", link.text)[0]
    browser = application.browser()
    form = browser.get(path).forms["new-password-form"]
    form["password"] = "four other words here"
    form.submit(status=303)
    assert log_in(application.browser(), "susan", "four other words here").status_int == 303


def test_whoever_has_no_address_cannot_be_asked_for_a_new_password(maria, susan, database):
    with database.write() as session:
        session.execute(sa.update(User).where(User.id == susan.id).values(email=None, email_key=None))
    assert "Ask for a new password" not in maria.get("/admin/people/susan")
    maria.get("/admin/people/susan/new-password", status=409)


def test_the_pictures_of_a_profile_are_removed(maria, susan, application, database):
    maria.get("/admin/people/susan/remove-pictures", status=409)
    give_portrait(application, susan.id, "avatar")
    stale = maria.get("/admin/people/susan/remove-pictures").forms["deed-form"]
    do(maria, "susan", "remove-pictures")
    with database.read() as session:
        assert session.scalar(sa.select(User.avatar).where(User.id == susan.id)) is None
    stale["reason"] = "Rude"
    stale.submit(status=409)
    assert "have removed the pictures of your profile" in mails(database)[-1].text


def test_a_note_is_for_moderators_only(maria, susan, database):
    form = maria.get("/admin/people/susan/note").forms["deed-form"]
    assert "said" not in form.fields
    page = do(maria, "susan", "note", reason="She is a tea merchant.").follow()
    assert [item.strong.get_text() for item in page.html.select(".choices li")] == ["A note"]
    assert "She is a tea merchant." in page
    assert mails(database) == []


# Deleting


def test_somebody_is_deleted_for_good(maria, susan, database, application):
    write(susan, "Mine")
    page = do(maria, "susan", "delete", reason="Spam", said="You sold tea.").follow()
    assert flashes(page) == ["The account is deleted; what is left of it goes within minutes."]
    susan.get("/account/", status=303)
    application.browser().get("/users/susan", status=404)
    assert mails(database)[-1].subject == "Your account at microblog was deleted"
    assert "You sold tea." in mails(database)[-1].text
    maria.get("/admin/people/susan", status=404)
    while carry_out(application.registry):
        pass
    with database.read() as session:
        assert session.scalars(sa.select(User.id).where(User.id == susan.id)).all() == []
        last = session.execute(sa.select(AuditEntry.action, AuditEntry.person, AuditEntry.reason))
        assert last.all()[-1] == ("delete", "susan", "Spam")
    assert "susan" in maria.get("/admin/audit/?person=susan").html.select_one(".choices").get_text()


def test_somebody_who_is_suspended_is_deleted_too(site):  # noqa: F811
    site.suspend("susan")
    do(site.moderator, "susan", "delete")
    while carry_out(site.registry):
        pass
    site.work()
    assert site.follows() == {("mary", "john")}
    with site.database.read() as session:
        assert session.scalars(sa.select(Suspension.user_id)).all() == []
        assert session.scalars(sa.select(User.id).where(User.id == site.ids["susan"])).all() == []


@pytest.mark.parametrize("action", [warn, force_new_password, remove_pictures, delete])
def test_what_cannot_be_done_any_more_is_not_done(susan, database, action):
    """Between a page and its form the person has lost their address and pictures, or is gone."""
    with database.write() as session:
        session.execute(sa.update(User).where(User.id == susan.id).values(email=None, email_key=None))
    person_id = susan.id if action in (force_new_password, remove_pictures) else 1000
    with pytest.raises(StaleData), database.write() as session:
        action(session, Case(None, person_id, "Spam"))
    with database.read() as session:
        assert session.scalars(sa.select(AuditEntry.id)).all() == []


# Finding people


def test_people_are_found_by_what_they_did_and_what_was_done_to_them(maria, susan, enter_as, database):
    with in_days(-30):
        old = enter_as("oldie")
    write(susan, "Mine")
    do(maria, "oldie", "limit")
    with database.write() as session:
        mark_unconfirmed(session, susan.id)
    assert names(maria, "new") == ["susan", "maria"]
    assert names(maria, "silent") == ["oldie", "maria"]
    assert names(maria, "limited") == ["oldie"]
    assert names(maria, "unconfirmed") == ["susan"]
    assert names(maria, "suspended") == names(maria, "reported") == []
    assert names(maria, "silent", q="ol") == ["oldie"]
    assert names(maria, "nonsense") == ["oldie", "susan", "maria"]
    assert "not confirmed" in maria.get("/admin/people/susan")
    assert old.id > susan.id


def test_a_page_of_few_who_are_found_leads_on(maria, database, enter_as):
    silent = [enter_as("silent")]
    with database.write() as session:
        rows = [
            {"id": 1000 + number, "nickname": f"person{number}", "posts_count": 1} for number in range(1100)
        ]
        query = sa.text(
            "INSERT INTO users (id, nickname, posts_count, member_since) "
            "VALUES (:id, :nickname, :posts_count, '2026-01-01 00:00:00.000000')"
        )
        session.execute(query, rows)
    page = maria.get("/admin/people/?state=silent")
    assert page.html.select(".choices a") == []
    page = page.click("Older")
    assert [link.get_text() for link in page.html.select(".choices a")] == ["silent", "maria"]
    assert silent


# The command line


def test_somebody_is_hidden_and_shown_by_commands(susan, microblog, enter_as):
    write(susan, "Mine")
    said = microblog("user", "hide", "susan", "--reason", "Spam").stdout
    assert said.startswith("susan is in no list of everybody; `microblog -c ")
    assert "Mine" not in enter_as("john").get("/explore")
    failed = microblog("user", "hide", "susan", "--reason", "Spam", status=1)
    assert "susan is suspended, or in no lists already: nothing was changed." in failed.stderr
    assert microblog("user", "unhide", "susan", "--reason", "Fine").stdout == "susan is in lists again.\n"
    assert "Mine" in enter_as("mary").get("/explore")
