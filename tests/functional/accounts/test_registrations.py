"""Who may sign up: everybody, whom an admin approves, who has an invitation, or nobody."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from microblog.accounts.by_mail.queries import SignUp
from microblog.accounts.registrations import queries
from microblog.accounts.settings import registration
from microblog.mail import queries as mail_queries
from tests.competing import before_the_next_write
from tests.conftest import Application
from tests.walk import PASSWORD, enter, flashes, log_in

WAITS = (
    "Your sign-up waits for an admin, who approves each account here. You get a mail then, and can log in."
)


def register(browser: Any, nickname: str, *, path: str = "/register", email: str = "") -> Any:
    form = browser.get(path).forms["register-form"]
    form["nickname"], form["email"] = nickname, email or f"{nickname}@example.com"
    form["password"] = PASSWORD
    return form.submit(status="*")


def errors(page: Any) -> list[str]:
    return [error.get_text() for error in page.html.select(".field-errors p")]


def enter_as_admin(application: Application) -> Any:
    browser = application.browser()
    user_id = enter(browser, "grace")
    with application.database.write() as session:
        session.execute(sa.text("UPDATE users SET is_admin = true WHERE id = :id"), {"id": user_id})
    return browser


def list_mails(application: Application) -> list[tuple[str, str]]:
    with application.database.read() as session:
        return [(mail.kind, mail.address) for mail in mail_queries.list_mails(session, None, 50)]


def count_people(application: Application) -> int:
    with application.database.read() as session:
        return int(session.scalar(sa.text("SELECT count(*) FROM users")))


def decide(admin: Any, action: str, *, status: int = 303) -> Any:
    page = admin.get("/admin/registrations/")
    (form,) = [
        form
        for form in page.forms.values()
        if form.action.startswith("/admin/") and form.action.endswith(action)
    ]
    return form.submit(status=status)


@pytest.mark.parametrize(
    ("value", "mode"),
    [("true", "open"), ("on", "open"), ("false", "closed"), ("0", "closed"), ("invite", "invite")],
)
def test_the_values_of_before_still_work(value, mode):
    assert registration(value) == mode


def test_another_value_is_refused():
    with pytest.raises(ValueError, match="must be one of open, approval, invite, closed"):
        registration("perhaps")


# Approval


@pytest.fixture
def by_approval(make_application: Callable[..., Application]) -> Application:
    return make_application({"microblog.registration": "approval"})


def test_who_signs_up_waits_until_an_admin_approves(by_approval):
    admin, browser = enter_as_admin(by_approval), by_approval.browser()
    assert "An admin approves each account here." in browser.get("/register").text
    page = register(browser, "susan").follow()
    assert (page.request.path, flashes(page)) == ("/login", [WAITS])
    assert count_people(by_approval) == 1
    assert list_mails(by_approval) == [("registration", "grace@example.com")]
    for login in ("susan", "Susan@example.com"):
        page = log_in(browser, login)
        assert page.status_int == 422
        assert WAITS in page.text
    page = log_in(browser, "susan", "wrong")
    assert WAITS not in page.text
    page = admin.get("/admin/registrations/")
    assert "susan@example.com" in page.text
    page = decide(admin, "approve").follow()
    assert flashes(page) == ["susan is one of us now, and gets a mail."]
    assert "Nobody waits" in page.text
    assert list_mails(by_approval)[:2] == [
        ("approved", "susan@example.com"),
        ("confirm", "susan@example.com"),
    ]
    assert log_in(browser, "susan").status_int == 303


def test_who_is_refused_is_told_and_forgotten(by_approval):
    admin, browser = enter_as_admin(by_approval), by_approval.browser()
    register(browser, "susan")
    page = decide(admin, "refuse").follow()
    assert flashes(page) == ["susan is refused, and gets a mail."]
    assert list_mails(by_approval)[0] == ("refused", "susan@example.com")
    assert WAITS not in log_in(browser, "susan").text
    assert register(browser, "susan").status_int == 303  # again


def test_a_name_and_an_address_that_somebody_waits_with_are_taken(by_approval):
    register(by_approval.browser(), "susan")
    assert errors(register(by_approval.browser(), "Susan", email="new@example.com")) == [
        "Somebody has, or had, this nickname already."
    ]
    assert errors(register(by_approval.browser(), "other", email="SUSAN@example.com")) == [
        "Somebody has signed up with this e-mail address already. If that was you, log in."
    ]


def test_admins_get_one_mail_a_day(by_approval):
    enter_as_admin(by_approval)
    for nickname in ("susan", "john"):
        register(by_approval.browser(), nickname)
    assert list_mails(by_approval) == [("registration", "grace@example.com")]


@pytest.mark.parametrize("action", ["approve", "refuse"])
def test_one_is_asked_first_where_a_link_leads(by_approval, action):
    admin = enter_as_admin(by_approval)
    register(by_approval.browser(), "susan")
    with by_approval.database.read() as session:
        (row,) = queries.list_registrations(session, 10)
    page = admin.get(f"/admin/registrations/{row.id}/{action}")
    assert "susan@example.com" in page.text
    assert page.forms["change-registration-form"].submit(status=303)
    admin.get(f"/admin/registrations/{row.id}/{action}", status=404)
    admin.get("/admin/registrations/x/approve", status=404)


def test_an_address_that_has_an_account_meanwhile_cannot_be_approved(by_approval):
    admin = enter_as_admin(by_approval)
    register(by_approval.browser(), "susan")
    enter(by_approval.browser(), "other", email="susan@example.com")
    enter(by_approval.browser(), "susan", email="new@example.com")
    page = decide(admin, "approve", status=409)
    assert "There is an account with this address already." in page.text
    assert "susan@example.com" in admin.get("/admin/registrations/").text


def test_a_nickname_that_is_taken_meanwhile_becomes_one_like_it(by_approval):
    admin = enter_as_admin(by_approval)
    register(by_approval.browser(), "susan")
    enter(by_approval.browser(), "susan", email="new@example.com")
    page = decide(admin, "approve").follow()
    assert flashes(page) == ["susan2 is one of us now, and gets a mail."]


def test_the_list_of_those_who_wait_has_pages(by_approval):
    admin = enter_as_admin(by_approval)
    with by_approval.database.write() as session:
        for number in range(51):
            wanted = SignUp(f"person{number}", f"person{number}@example.com", "x")
            queries.add_registration(session, wanted, language="en", is_confirmed=True)
    page = admin.get("/admin/registrations/")
    assert "person50" in page.text
    assert "person0@" not in page.text
    assert "person0@" in page.click("^Older").text


def test_signing_up_by_mail_waits_after_the_link_was_opened(make_site):
    site = make_site(registration="approval")
    admin = enter_as_admin(site.application)
    for nickname in ("susan", "susan2"):
        register(site.browser(), nickname, email="susan@example.com").follow()
    assert "Nobody waits" in admin.get("/admin/registrations/").text
    paths = [site.read_link(mail, "/confirm/") for mail in site.work()]
    for path in paths:
        page = site.browser().get(path).forms["confirm-form"].submit(status=303).follow()
        assert flashes(page) == [WAITS]
    page = admin.get("/admin/registrations/")
    assert len(page.html.select(".choices li")) == 1
    assert "not confirmed" not in page.text


def test_a_sign_up_by_mail_whose_name_waits_already_gets_one_like_it(make_site):
    site = make_site(registration="approval")
    paths = []
    for number in (1, 2):
        register(site.browser(), "susan", email=f"{number}@example.com")
        (mail,) = site.work()
        paths.append(site.read_link(mail, "/confirm/"))
    for path in paths:
        site.browser().get(path).forms["confirm-form"].submit(status=303)
    with site.database.read() as session:
        names = [row.nickname for row in queries.list_registrations(session, 10)]
    assert names == ["susan2", "susan"]


# Invitations


@pytest.fixture
def by_invitation(make_application: Callable[..., Application]) -> Application:
    return make_application({"microblog.registration": "invite"})


def invite(admin: Any, uses: int = 1, days: int = 7) -> str:
    form = admin.get("/admin/invitations/").forms["invitation-form"]
    form["uses"], form["days"] = str(uses), str(days)
    (sentence,) = flashes(form.submit(status=303).follow())
    found = re.search(r"/register\?invite=\S+", sentence)
    assert found is not None
    return found.group()


def test_who_has_an_invitation_signs_up_as_often_as_it_says(by_invitation):
    admin = enter_as_admin(by_invitation)
    path = invite(admin, uses=2)
    assert "/register" not in by_invitation.browser().get("/login").text
    for nickname in ("susan", "john"):
        assert "You are invited." in by_invitation.browser().get(path).text
        assert register(by_invitation.browser(), nickname, path=path).status_int == 303
    page = by_invitation.browser().get(path, status=403)
    assert "This invitation was used up, or is too old." in page.text
    assert "Used 2 of 2 times" in admin.get("/admin/invitations/").text
    assert count_people(by_invitation) == 3


def test_without_an_invitation_nobody_signs_up(by_invitation):
    page = by_invitation.browser().get("/register", status=403)
    assert "Signing up takes an invitation here" in page.text
    by_invitation.browser().get("/register?invite=x", status=403)
    assert count_people(by_invitation) == 0


def test_what_is_refused_uses_nothing_up(by_invitation):
    path = invite(enter_as_admin(by_invitation))
    page = register(by_invitation.browser(), "grace", path=path)
    assert page.status_int == 422
    form = page.forms["register-form"]
    form["nickname"], form["password"] = "susan", PASSWORD
    form["email"] = "susan@example.com"
    form.submit(status=303)


def test_an_invitation_ends(by_invitation):
    admin = enter_as_admin(by_invitation)
    path = invite(admin)
    page = admin.get("/admin/invitations/")
    button = page.html.select_one("button[name=invitation]")
    csrf = page.html.select_one("input[name=csrf_token]")["value"]
    fields = {"csrf_token": csrf, "invitation": button["value"]}
    page = admin.post("/admin/invitations/", fields, status=303).follow()
    assert flashes(page) == ["Nobody can sign up by this invitation any more."]
    assert "ended" in page.text
    by_invitation.browser().get(path, status=403)
    admin.post("/admin/invitations/", {**fields, "invitation": "x"}, status=400)


@pytest.mark.parametrize(("uses", "days"), [("0", "7"), ("1001", "7"), ("1", "366"), ("x", "7"), ("", "7")])
def test_an_invitation_has_limits(by_invitation, uses, days):
    form = enter_as_admin(by_invitation).get("/admin/invitations/").forms["invitation-form"]
    form["uses"].force_value(uses)
    form["days"].force_value(days)
    assert errors(form.submit(status=422))


def test_of_two_who_take_the_last_use_at_once_one_wins(by_invitation):
    token = invite(enter_as_admin(by_invitation)).partition("=")[2]
    taken: list[bool] = []
    barrier = threading.Barrier(2)

    def use() -> None:
        barrier.wait()
        with by_invitation.database.write() as session:
            taken.append(queries.use_invitation(session, token))

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False, True]


def test_the_last_use_that_somebody_else_took_since_the_page_was_sent_makes_no_account(by_invitation):
    path = invite(enter_as_admin(by_invitation))

    def take() -> None:
        with by_invitation.database.write() as session:
            assert queries.use_invitation(session, path.partition("=")[2])

    browser = by_invitation.browser()
    form = browser.get(path).forms["register-form"]
    form["nickname"], form["email"], form["password"] = "susan", "susan@example.com", PASSWORD
    with before_the_next_write(by_invitation.database, take):
        page = form.submit(status=403)
    assert "This invitation was used up" in page.text
    assert count_people(by_invitation) == 1


def test_an_invitation_of_a_site_with_mail_leads_to_the_mail(make_site):
    site = make_site(registration="invite")
    with site.database.write() as session:
        token = queries.add_invitation(session, 1, timedelta(days=1))
    register(site.browser(), "susan", path=f"/register?invite={token}")
    (mail,) = site.work()
    site.browser().get(site.read_link(mail, "/confirm/")).forms["confirm-form"].submit(status=303)
    assert count_people(site.application) == 1
