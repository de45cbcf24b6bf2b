"""Signing up, confirming an address, and a new password, by links in mails."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from microblog.accounts.by_mail import actions, queries
from microblog.accounts.by_mail.tasks import delete_expired_links
from microblog.accounts.passwords import hash_password
from microblog.accounts.rules import GUESSED_PASSWORD
from microblog.mail import queries as mail_queries
from microblog.security.identity import hash_token
from tests.competing import before_the_next_write
from tests.conftest import counted_statements
from tests.functional.accounts.mail_site import Site
from tests.walk import PASSWORD, enter, flashes, log_in, sign_up

NEW = "an entirely different sentence"


def register(site: Site, nickname: str, email: str, password: str = PASSWORD, browser: Any = None) -> Any:
    form = (browser or site.browser()).get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = nickname, email, password
    return form.submit(status="*")


def count_people(site: Any) -> int:
    with site.database.read() as session:
        return int(session.scalar(sa.text("SELECT count(*) FROM users")))


# Signing up where mail reaches people


def test_who_signs_up_becomes_a_person_by_the_link_in_the_mail(site):
    browser = site.browser()
    answer = register(site, "susan", "susan@example.com", browser=browser)
    assert answer.status_int == 303
    page = answer.follow()
    assert page.html.h1.text == "Look into your mail"
    assert count_people(site) == 0
    assert log_in(browser, "susan").status_int == 422
    (mail,) = site.work()
    assert mail.to == ["susan@example.com"]
    path = site.read_link(mail, "/confirm/")
    for _ in range(2):  # a GET changes nothing
        page = site.browser().get(path)
        assert "One more step, and you are susan here." in page.text.replace("<bdi>", "").replace(
            "</bdi>", ""
        )
    assert count_people(site) == 0
    page = page.forms["confirm-form"].submit(status=303).follow()
    assert flashes(page) == ["Welcome, susan! Log in with the password that you have chosen."]
    assert log_in(site.browser(), "susan").status_int == 303
    assert site.browser().get(path, status=404).html.h1.text == "This link is not valid any more"


def test_14_signing_up_does_not_reveal_a_taken_address(site):
    """FOUNDATION 6, line 14: the same page, whether or not an address has an account."""
    enter(site.browser(), "susan")
    free = register(site, "newcomer", "new@example.com")
    taken = register(site, "another", "SUSAN@example.com")
    assert (free.status, free.location) == (taken.status, taken.location)
    pages = [answer.follow() for answer in (free, taken)]
    assert pages[0].html.main.text == pages[1].html.main.text
    mails = {mail.to[0]: str(mail.message["Subject"]) for mail in site.work()}
    assert mails == {
        "new@example.com": "Finish signing up at microblog",
        "susan@example.com": "You have an account at microblog already",
    }
    # It is said once a day, however often somebody tries.
    register(site, "another", "susan@example.com")
    assert site.work() == []
    assert count_people(site) == 1


def test_14_of_two_who_sign_up_by_one_name_the_second_gets_one_like_it(site):
    """FOUNDATION 6, line 14: one wins, and nobody meets a 500."""
    paths = []
    for email in ("one@example.com", "two@example.com"):
        register(site, "susan", email)
        (mail,) = site.work()
        paths.append(site.read_link(mail, "/confirm/"))
    pages = [site.browser().get(path) for path in paths]
    first, second = (page.forms["confirm-form"].submit(status=303).follow() for page in pages)
    assert flashes(first) == ["Welcome, susan! Log in with the password that you have chosen."]
    assert flashes(second) == [
        "Welcome! Somebody else has become susan meanwhile, so you are susan2, which you can change in your "
        "profile. Log in with the password that you have chosen."
    ]
    assert log_in(site.browser(), "susan2").status_int == 303


def test_who_has_signed_up_twice_has_one_account(site):
    pages = []
    for nickname in ("susan", "other"):
        register(site, nickname, "susan@example.com")
        (mail,) = site.work()
        pages.append(site.browser().get(site.read_link(mail, "/confirm/")))
    pages[0].forms["confirm-form"].submit(status=303)
    page = pages[1].forms["confirm-form"].submit(status=303).follow()
    assert flashes(page) == ["There is an account with your address already. Log in."]
    assert count_people(site) == 1


def test_a_sign_up_that_was_finished_meanwhile_is_a_dead_end(site):
    register(site, "susan", "susan@example.com")
    (mail,) = site.work()
    form = site.browser().get(site.read_link(mail, "/confirm/")).forms["confirm-form"]

    def use() -> None:
        site.execute("DELETE FROM pending_sign_ups")

    with before_the_next_write(site.database, use):
        form.submit(status=404)
    assert count_people(site) == 0


def test_a_taken_nickname_is_said(site):
    enter(site.browser(), "susan")
    assert register(site, "susan", "new@example.com").status_int == 422
    assert site.work() == []


# With mail in a folder


def read_path(text: str | None) -> str:
    found = re.search(r"/confirm/\S+", text or "")
    assert found is not None
    return found.group()


def test_with_mail_in_a_folder_signing_up_logs_in_and_writes_a_confirmation(application, browser):
    page = sign_up(browser, "susan")
    assert flashes(page) == ["Welcome! You are signed up, and logged in."]
    with application.database.read() as session:
        (mail,) = mail_queries.list_mails(session, None, 10)
        assert mail.user_id is not None
        assert not queries.is_confirmed(session, mail.user_id)
    assert (mail.kind, mail.address) == ("confirm", "susan@example.com")
    page = browser.get("/account/confirm-address")
    assert "is not confirmed yet" in page.text
    page = page.forms["confirm-address-form"].submit(status=303).follow()
    assert flashes(page) == ["The mail is on its way to you."]
    path = read_path(mail.text)
    page = browser.get(path)
    assert "Is this the address of" in page.text
    with application.database.read() as session:
        assert not queries.is_confirmed(session, mail.user_id)
    page = page.forms["confirm-form"].submit(status=303).follow()
    assert flashes(page) == ["Your address is confirmed."]
    page = browser.get("/account/confirm-address")
    assert "is confirmed." in page.text
    assert "confirm-address-form" not in page.forms
    # Opened once more, the link says so again, also to who is not logged in.
    other = application.browser().get(path).forms["confirm-form"].submit(status=303)
    assert other.location.endswith("/login")


def test_with_mail_in_a_folder_a_taken_address_is_said(application, browser):
    sign_up(browser, "susan")
    form = application.browser().get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "other", "Susan@example.com", PASSWORD
    assert "Somebody has signed up with this e-mail address already" in form.submit(status=422).text


def test_a_confirmed_address_gets_no_further_confirmation(application, browser):
    enter(browser, "susan")
    page = browser.get("/account/confirm-address")
    csrf = page.html.select_one("input[name=csrf_token]")["value"]
    page = browser.post("/account/confirm-address", {"csrf_token": csrf}, status=303).follow()
    assert flashes(page) == []
    with application.database.read() as session:
        assert mail_queries.list_mails(session, None, 10) == []


def test_a_link_to_a_former_address_confirms_nothing(application, browser):
    sign_up(browser, "susan")
    with application.database.write() as session:
        (mail,) = mail_queries.list_mails(session, None, 10)
        session.execute(sa.text("UPDATE users SET email = 'new@x.org', email_key = 'new@x.org'"))
    path = read_path(mail.text)
    assert browser.get(path, status=404).html.h1.text == "This link is not valid any more"
    with application.database.write() as session, pytest.raises(actions.LinkInvalid):
        actions.confirm_address(session, path.rpartition("/")[2])


def test_confirmations_are_limited(make_application):
    application = make_application({"microblog.limits.confirmations.per_account": "2 per hour"})
    browser = application.browser()
    sign_up(browser, "susan")
    for status in (303, 303, 429):
        browser.get("/account/confirm-address").forms["confirm-address-form"].submit(status=status)


def test_nobody_without_an_address_gets_a_link(database):
    with database.write() as session:
        session.execute(
            sa.text(
                "INSERT INTO users (nickname, member_since) VALUES ('susan', '2026-01-01 00:00:00+00:00')"
            )
        )
        user_id = session.scalar(sa.text("SELECT id FROM users"))
        actions.write_confirmation(session, user_id)
        assert mail_queries.list_mails(session, None, 10) == []


# A new password


def test_11_a_reset_for_an_unknown_address_has_the_same_answer_and_sends_nothing(site):
    """FOUNDATION 6, line 11."""
    enter(site.browser(), "susan")
    seen = []
    for email in ("susan@example.com", "nobody@example.com"):
        with counted_statements(site.database) as statements:
            answer = site.ask_for_password(email)
        page = answer.follow()
        seen.append((answer.status, answer.location, page.html.main.text, len(statements)))
    assert seen[0] == seen[1]  # the same statements, so the same time
    assert [mail.to for mail in site.work()] == [["susan@example.com"]]


def test_11_resets_are_limited_for_an_address_and_for_a_client(make_site):
    """FOUNDATION 6, line 11; whether or not the address has an account."""
    limits = {"limits__password_reset__per_account": "2 per hour"}
    site = make_site(**limits, limits__password_reset__per_address="3 per hour")
    enter(site.browser(), "susan")
    for email in ("susan@example.com", "nobody@example.com"):
        environ = {"REMOTE_ADDR": f"192.0.2.{len(email)}"}
        for status in (303, 303, 429):
            assert site.ask_for_password(email, site.browser(**environ)).status_int == status
        assert site.ask_for_password(email.upper(), site.browser(**environ)).status_int == 429
    statuses = [
        site.ask_for_password(f"{number}@example.com", site.browser(REMOTE_ADDR="192.0.2.99")).status_int
        for number in range(4)
    ]
    assert statuses == [303, 303, 303, 429]


def get_reset(site: Site, email: str = "susan@example.com") -> str:
    assert site.ask_for_password(email).status_int == 303
    (mail,) = site.work()
    return site.read_link(mail, "/reset-password/")


def choose(browser: Any, path: str, password: str = NEW) -> Any:
    form = browser.get(path).forms["new-password-form"]
    form["password"] = password
    return form.submit(status="*")


def test_12_a_reset_works_once_and_a_get_does_not_use_it_up(site):
    """FOUNDATION 6, lines 3 and 12."""
    browser = site.browser()
    enter(browser, "susan")
    path = get_reset(site)
    token = path.rpartition("/")[2]
    assert len(token) == 43  # 256 bits
    for _ in range(3):
        page = site.browser().get(path)
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "same-origin"
    with site.database.read() as session:
        stored = session.scalars(sa.text("SELECT token_hash FROM account_tokens")).all()
    assert stored == [hash_token(token)]
    assert browser.get("/account/profile").status_int == 200
    answer = choose(site.browser(), path)
    assert answer.location.endswith("/login")
    assert flashes(answer.follow()) == ["Your new password is set. Log in with it."]
    assert browser.get("/account/profile", status="*").status_int == 303  # its session has ended
    assert site.browser().get(path, status=404)
    assert log_in(site.browser(), "susan", PASSWORD).status_int == 422
    assert log_in(site.browser(), "susan", NEW).status_int == 303


def test_12_a_reset_is_worth_nothing_after_an_hour(site):
    """FOUNDATION 6, line 12: an hour at most, by a clock that is moved."""
    enter(site.browser(), "susan")
    path = get_reset(site)
    form = site.browser().get(path).forms["new-password-form"]
    form["password"] = NEW
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=59), tick=False) as clock:
        assert site.browser().get(path, status=200)
        clock.shift(timedelta(minutes=1))
        assert site.browser().get(path, status=404)
        form.submit(status=404)
    assert log_in(site.browser(), "susan").status_int == 303


def test_12_a_reset_is_worth_nothing_after_a_new_password_or_a_log_in(site):
    """FOUNDATION 6, line 12: it dies with a new password and with a later log-in."""
    enter(site.browser(), "susan")
    first, second = get_reset(site), get_reset(site)
    page = site.browser().get(second)
    assert choose(site.browser(), first).status_int == 303
    assert site.browser().get(second, status=404)
    page.forms["new-password-form"]["password"] = NEW
    page.forms["new-password-form"].submit(status=404)
    third = get_reset(site)
    assert log_in(site.browser(), "susan", NEW).status_int == 303
    assert site.browser().get(third, status=404)


def test_13_of_two_who_use_a_reset_at_once_one_wins(site):
    """FOUNDATION 6, line 13: both have read that the link is valid, then both use it."""
    user_id = enter(site.browser(), "susan")
    path = get_reset(site)
    token = path.rpartition("/")[2]
    hashes = {name: hash_password(f"the sentence of {name}") for name in ("one", "two")}
    barrier, won = threading.Barrier(2), []

    def use(name: str) -> None:
        with site.database.read() as session:
            assert queries.find_link(session, queries.RESET, token)
        barrier.wait(10)
        try:
            with site.database.write() as session:
                assert actions.reset_password(session, token, hashes[name]) == user_id
        except actions.LinkInvalid:
            return
        won.append(name)

    threads = [threading.Thread(target=use, args=(name,)) for name in hashes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = won
    with site.database.read() as session:
        assert session.scalar(sa.text("SELECT password_hash FROM users")) == hashes[winner]


def test_13_of_two_forms_with_one_reset_the_second_is_refused(site):
    """FOUNDATION 6, line 13, by the page."""
    enter(site.browser(), "susan")
    path = get_reset(site)
    form = site.browser().get(path).forms["new-password-form"]
    form["password"] = NEW

    def use() -> None:
        with site.database.write() as session:
            actions.reset_password(session, path.rpartition("/")[2], "other")

    with before_the_next_write(site.database, use):
        answer = form.submit(status=404)
    assert answer.html.h1.text == "This link is not valid any more"
    with site.database.read() as session:
        assert session.scalar(sa.text("SELECT password_hash FROM users")) == "other"


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("short", "A password has 8 to 1,000 characters."),
        ("password1", str(GUESSED_PASSWORD)),
        ("susan@example.com", "A nickname, an e-mail address or the name of the site is tried first"),
        ("", "Choose a password."),
    ],
)
def test_15_a_reset_refuses_what_signing_up_refuses(site, password, sentence):
    """FOUNDATION 6, line 15; the link is not used up."""
    enter(site.browser(), "susan")
    path = get_reset(site)
    answer = choose(site.browser(), path, password)
    assert answer.status_int == 422
    assert sentence in answer.text
    assert choose(site.browser(), path).status_int == 303


def test_a_reset_goes_to_an_address_that_is_not_confirmed_and_confirms_it(site):
    user_id = enter(site.browser(), "susan")
    with site.database.write() as session:
        queries.mark_unconfirmed(session, user_id)
    assert choose(site.browser(), get_reset(site)).status_int == 303
    with site.database.read() as session:
        assert queries.is_confirmed(session, user_id)


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ("Susan@Example.COM", 303),
        ("susan@example.com\r\nBcc: x@example.org", 422),
        (f"{'s' * 300}@example.com", 422),
        ('"susan smith"@example.com', 422),
        ("zoë@bücher.example", 303),
        ("susan", 422),
        ("", 422),
    ],
)
def test_whatever_address_is_typed_there_is_a_clear_answer_and_mail_goes_only_to_the_account(
    site, typed, status
):
    enter(site.browser(), "susan")
    answer = site.ask_for_password(typed)
    assert answer.status_int == status
    assert {mail.to[0] for mail in site.work()} <= {"susan@example.com"}


@pytest.mark.parametrize(
    "typed", ['"john smith"@example.com', "a@b\r\nBcc: c@d.org", f"{'s' * 300}@example.com"]
)
def test_nobody_signs_up_with_an_address_that_is_none(site, typed):
    assert register(site, "john", typed).status_int == 422
    assert site.work() == []


def test_no_token_is_in_the_log(site, caplog):
    caplog.set_level("DEBUG")
    enter(site.browser(), "susan")
    path = get_reset(site)
    choose(site.browser(), path)
    site.browser().get(f"/login?next={path.replace('/', '%2F')}")
    site.browser().get(path, status=404)
    token = path.rpartition("/")[2]
    assert caplog.records
    assert token not in caplog.text
    assert "susan@example.com" not in "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith("microblog.accounts")
    )
    caplog.clear()


def test_a_link_that_is_none_is_a_404(site):
    for path in ("/reset-password/short", "/confirm/short", "/confirm/", f"/confirm/{'x' * 44}"):
        site.browser().get(path, status=404)
    page = site.browser().get(f"/reset-password/{'x' * 43}", status=404)
    assert page.html.h1.text == "This link is not valid any more"


def test_expired_links_are_deleted(site):
    enter(site.browser(), "susan")
    get_reset(site)
    register(site, "new", "new@example.com")
    assert not delete_expired_links(site.registry)
    site.execute("UPDATE account_tokens SET expires = '2026-01-01 00:00:00+00:00'")
    site.execute("UPDATE pending_sign_ups SET expires = '2026-01-01 00:00:00+00:00'")
    assert not delete_expired_links(site.registry)
    with site.database.read() as session:
        for table in ("account_tokens", "pending_sign_ups"):
            assert session.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0


def test_the_mails_of_links_are_secret(site):
    kinds = site.registry.mail_kinds
    secret = {name for name, kind in kinds.items() if kind.is_secret}
    assert secret == {"sign_up", "confirm", "reset", "new_address", "address_changed"}
    assert not any(kinds[name].is_switchable for name in ("sign_up", "confirm", "reset", "taken"))


def test_the_log_in_page_leads_to_a_new_password(browser):
    page = browser.get("/login").click("Forgotten your password?")
    assert page.html.h1.text == "Get a new password"
