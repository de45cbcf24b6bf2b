"""The audit trail: what was done is there, is found, and is changed by nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.accounts.queries import Profile, add_user, change_profile
from microblog.moderation.audit import GRANT_ADMIN, GRANT_MODERATOR, LABELS
from microblog.moderation.models import AuditEntry
from microblog.moderation.queries import ROWS_AT_ONCE, Deed, record


def said(page):
    return [" ".join(item.get_text().split()) for item in page.html.select(".choices li")]


def test_a_role_that_was_granted_or_revoked_is_in_it(enter_as, microblog):
    maria = enter_as("maria", "moderator")
    microblog("user", "grant", "maria", "admin")
    microblog("user", "revoke", "maria", "moderator")
    page = maria.get("/admin/audit/")
    assert [line.split(" · ")[0].split(":")[0] for line in said(page)] == [
        "Is no longer a moderator",
        "Made an admin",
        "Made a moderator",
    ]
    assert all("maria" in line and "on the command line" in line for line in said(page))


def test_only_admins_and_moderators_see_it(enter_as, browser):
    enter_as("john").get("/admin/audit/", status=403)
    browser.get("/admin/audit/", status=303)
    for role in ("admin", "moderator"):
        enter_as(f"one_{role}", role).get("/admin/audit/", status=200)


def test_a_moderator_sees_the_pages_for_moderators_only(enter_as):
    maria, grace = enter_as("maria", "moderator"), enter_as("grace", "admin")
    pages = [
        {link["href"] for link in browser.get("/admin/").html.select(".admin-pages a")}
        for browser in (maria, grace)
    ]
    assert pages[0] < pages[1]
    assert {link.removeprefix("http://localhost") for link in pages[0]} == {
        f"/admin/{name}/" for name in ("audit", "people", "posts", "reports")
    }
    for link in pages[1]:
        maria.get(link, status=200 if link in pages[0] else 403)


@pytest.fixture
def filled(database):
    """What grace and maria did to susan and john."""
    with database.write() as session:
        ids = {name: add_user(session, name) for name in ("Grace", "maria", "susan", "john")}
        for actor, action, person, reason in (
            ("Grace", GRANT_ADMIN, "susan", "Trusted"),
            ("maria", GRANT_MODERATOR, "susan", "Wants to help"),
            ("maria", GRANT_MODERATOR, "john", "<b>Too</b>"),
        ):
            deed = Deed(action=action, actor_id=ids[actor], person_id=ids[person], reason=reason)
            record(session, deed)
    return ids


@pytest.mark.parametrize(
    ("query", "reasons"),
    [
        ("", ["<b>Too</b>", "Wants to help", "Trusted"]),
        ("?person=susan", ["Wants to help", "Trusted"]),
        ("?person=%40SUSAN+", ["Wants to help", "Trusted"]),
        ("?actor=grace", ["Trusted"]),
        ("?actor=maria&person=john", ["<b>Too</b>"]),
        ("?action=grant+moderator", ["<b>Too</b>", "Wants to help"]),
        ("?action=nonsense&person=john", ["<b>Too</b>"]),
        ("?person=nobody", []),
        ("?person=%00", []),
    ],
)
def test_entries_are_found_by_who_and_what(filled, enter_as, query, reasons):
    grace = enter_as("admin2", "admin")
    page = grace.get(f"/admin/audit/{query}")
    found = [item.get_text() for item in page.html.select(".choices li p:not(.hint)")]
    assert found == reasons
    assert ("Nothing was done" in page) == (not reasons)


def test_somebody_is_found_by_a_former_nickname_and_after_their_account_was_deleted(
    filled, enter_as, database
):
    grace = enter_as("admin2", "admin")
    with database.write() as session:
        change_profile(session, filled["susan"], Profile("susanna", "", ""))
    assert len(said(grace.get("/admin/audit/?person=susanna"))) == 2
    assert len(said(grace.get("/admin/audit/?person=susan"))) == 2
    with database.write() as session:
        session.execute(sa.delete(User).where(User.id == filled["susan"]))
    assert len(said(grace.get("/admin/audit/?person=susan"))) == 2


def test_pages_lead_through_all_of_it(filled, enter_as, database):
    with database.write() as session:
        for number in range(60):
            record(session, Deed(action=GRANT_ADMIN, actor_id=filled["Grace"], reason=f"Number {number}"))
    grace = enter_as("admin2", "admin")
    page = grace.get("/admin/audit/?actor=grace")
    assert len(said(page)) == 50
    older = page.click("Older")
    assert len(said(older)) == 11
    assert said(older.click("Newer")) == said(page)


@pytest.mark.parametrize("change", [sa.update(AuditEntry).values(reason="Other"), sa.delete(AuditEntry)])
def test_the_database_refuses_to_change_it(filled, database, change):
    with (
        pytest.raises(sa.exc.DBAPIError, match="The audit trail cannot be changed"),
        database.write() as session,
    ):
        session.execute(change)


def test_it_is_exported_as_lines_of_json(filled, microblog, database):
    with database.write() as session:
        deed = Deed(
            action=GRANT_ADMIN,
            actor_id=None,
            subject="post:1",
            said="Ümlaut",
            before={"a": 1},
            after={"a": None},
        )
        record(session, deed)
    lines = [json.loads(line) for line in microblog("audit", "export").stdout.splitlines()]
    assert [line["person"] for line in lines] == ["susan", "susan", "john", None]
    assert datetime.now(UTC) - datetime.fromisoformat(lines[0].pop("time")) < timedelta(minutes=1)
    first = {
        "action": "grant admin",
        "actor": "grace",
        "actor_id": filled["Grace"],
        "after": {},
        "before": {},
    }
    first |= {
        "person": "susan",
        "person_id": filled["susan"],
        "reason": "Trusted",
        "said": "",
        "subject": None,
    }
    assert lines[0] == {**first, "id": lines[0]["id"]}
    assert (lines[3]["actor"], lines[3]["subject"], lines[3]["said"]) == (None, "post:1", "Ümlaut")
    assert (lines[3]["before"], lines[3]["after"]) == ({"a": 1}, {"a": None})


def test_an_export_reads_some_at_a_time(filled, microblog, database, count_statements):
    with database.write() as session:
        for number in range(ROWS_AT_ONCE):
            record(session, Deed(action=GRANT_ADMIN, actor_id=None, reason=str(number)))
    assert len(microblog("audit", "export").stdout.splitlines()) == ROWS_AT_ONCE + 3


def test_every_action_has_a_name_for_people():
    assert {GRANT_ADMIN, GRANT_MODERATOR} < set(LABELS)


def test_the_page_takes_so_many_statements(filled, enter_as, count_statements):
    grace = enter_as("admin2", "admin")
    with count_statements() as statements:
        grace.get("/admin/audit/?person=susan&actor=maria")
    assert len(statements) == 5  # who reads, what is unread of two kinds, whom the nicknames mean, the list
