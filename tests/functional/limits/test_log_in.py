"""Wrong passwords are counted; who has the right one is not locked out by others."""

from __future__ import annotations

import logging
import threading

import argon2
import pytest
import sqlalchemy as sa

from microblog.accounts.actions import set_password
from microblog.accounts.passwords import hash_password
from microblog.security.limits.devices import DEVICE_COOKIE, DEVICE_SECONDS, MOST_ACCOUNTS
from microblog.security.limits.models import LimitCount
from tests.competing import before_the_next_write
from tests.functional.limits.conftest import (
    ATTACKER,
    ELSEWHERE,
    HOME,
    WRONG,
    Client,
    add_person,
    retry_after,
)
from tests.walk import PASSWORD, flashes, log_in

LOGIN = ("login.per_account_and_address", "login.per_account", "login.per_address", "login.site")
TOO_MANY = "There were too many tries to log in with a wrong password. Try again"


@pytest.fixture
def verified(monkeypatch):
    """A list that grows with each password that is verified."""
    calls = []
    original = argon2.PasswordHasher.verify

    def verify(hasher, *arguments):
        calls.append(arguments)
        return original(hasher, *arguments)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    return calls


@pytest.mark.usefixtures("susan")
def test_of_sixty_wrong_passwords_from_one_client_ten_are_verified(site, verified):
    """FOUNDATION 6, line 8: a limit for an account and an address, with the answer 429."""
    assert Client(site, ATTACKER).tries(60) == [422] * 10 + [429] * 50
    assert len(verified) == 10


@pytest.mark.usefixtures("susan")
def test_a_refused_try_gets_the_log_in_page_that_says_when_to_try_again(site):
    Client(site, ATTACKER).tries(10)
    page = Client(site, ATTACKER).log_in()
    assert page.status_int == 429
    assert page.html.title is not None
    assert page.html.title.get_text().startswith("Error: Log in")
    assert retry_after(page) == 90
    assert flashes(page) == [f"{TOO_MANY} in 90 seconds."]
    form = page.forms["login-form"]
    assert (form["nickname"].value, form["password"].value) == ("susan", "")


@pytest.mark.usefixtures("susan")
def test_one_try_comes_back_every_ninety_seconds(site, time):
    client = Client(site, ATTACKER)
    client.tries(10)
    time.shift(89.5)
    page = client.log_in(password=WRONG)
    assert (page.status_int, retry_after(page)) == (429, 1)  # half a second, rounded up
    assert flashes(page) == [f"{TOO_MANY} in 1 second."]
    time.shift(0.5)
    assert client.tries(2) == [422, 429]
    time.shift(900)
    assert client.tries(11) == [422] * 10 + [429]


@pytest.mark.usefixtures("susan")
def test_the_right_password_forgets_the_wrong_ones_before_it(site):
    for _ in range(3):
        assert Client(site, HOME).tries(9) == [422] * 9
        assert Client(site, HOME).log_in().status_int == 303


@pytest.mark.usefixtures("susan")
def test_right_passwords_never_add_up(site):
    for _ in range(40):
        assert Client(site, HOME).log_in().status_int == 303
    with site.database.read() as session:
        assert set(session.scalars(sa.select(LimitCount.times))) == {0}


def test_a_try_whose_request_runs_again_counts_once(site, susan):
    Client(site, HOME).tries(9)

    def change_the_hash():
        with site.database.write() as session:
            set_password(session, susan, hash_password(PASSWORD))

    with before_the_next_write(site.database, change_the_hash, times=2):
        assert Client(site, HOME).log_in().status_int == 303
    with site.database.read() as session:
        times = session.scalars(sa.select(LimitCount.times).order_by(LimitCount.times)).all()
    assert times == [0, 9, 9, 9]  # of susan from home nothing is left


# Nobody learns who is there


@pytest.mark.usefixtures("susan")
def test_an_account_that_is_not_there_is_refused_like_one_that_is(site):
    """FOUNDATION 6, line 10: the limit does not tell either."""
    answers = {}
    for nickname, address in (("susan", HOME), ("nobody", ELSEWHERE)):
        client = Client(site, address)
        statuses = client.tries(12, nickname)
        page = client.log_in(nickname, WRONG)
        answers[nickname] = (statuses, retry_after(page), flashes(page))
    assert answers["susan"] == answers["nobody"]


@pytest.mark.usefixtures("susan")
def test_a_nickname_and_an_address_are_counted_apart_so_that_nobody_learns_that_they_are_one(site):
    client = Client(site, ATTACKER)
    assert client.tries(10, "susan") == [422] * 10
    assert client.tries(11, "susan@example.com") == [422] * 10 + [429]


@pytest.mark.usefixtures("susan")
@pytest.mark.parametrize(
    ("spellings", "nickname"), [(("susan", "SUSAN"), "Susan"), (("susan@example.com",), "Susan@EXAMPLE.com")]
)
def test_all_spellings_of_a_name_are_one_account(site, spellings, nickname):
    client = Client(site, ATTACKER)
    for spelling in spellings:
        client.tries(10 // len(spellings), spelling)
    assert client.tries(1, nickname) == [429]


@pytest.mark.usefixtures("susan")
def test_neither_an_address_nor_a_nickname_is_in_the_table_in_clear(site):
    Client(site, ATTACKER).tries(1)
    with site.database.read() as session:
        keys = session.scalars(sa.select(LimitCount.key)).all()
    assert len(keys) == 4  # the account from there, the account, the address, the site
    assert not any(ATTACKER in key or "susan" in key for key in keys)


# Several processes, and several at once


@pytest.mark.usefixtures("susan")
def test_another_process_and_a_restarted_one_go_on_counting(site, make_site):
    other = make_site()
    Client(site, ATTACKER).tries(6)
    assert Client(other, ATTACKER).tries(5) == [422] * 4 + [429]


@pytest.mark.usefixtures("susan")
def test_of_tries_at_the_same_moment_no_more_are_verified_than_one_after_another(site, verified):
    browsers = [Client(site, ATTACKER).browser for _ in range(16)]
    forms = []
    for browser in browsers:
        form = browser.get("/login").forms["login-form"]
        form["nickname"], form["password"] = "susan", WRONG
        forms.append(form)
    start = threading.Barrier(len(forms))
    statuses = []

    def send(form):
        start.wait()
        statuses.append(form.submit(status="*").status_int)

    threads = [threading.Thread(target=send, args=(form,)) for form in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [422] * 10 + [429] * 6
    assert len(verified) == 10


# Who is locked out, and who is not (the table of docs/adr/0031)


@pytest.fixture
def known_browser(site, susan):
    """One in which susan has logged in, some time ago."""
    browser = Client(site, HOME).browser
    assert log_in(browser, "susan").status_int == 303
    browser.get("/logout").forms["logout-form"].submit(status=303)
    return browser


def test_from_the_same_address_a_browser_that_has_logged_in_before_is_not_locked_out(site, known_browser):
    assert Client(site, HOME).tries(11)[-1] == 429
    assert log_in(known_browser, "susan").status_int == 303


def test_a_browser_that_has_logged_in_before_has_a_count_of_its_own(site, known_browser):
    statuses = [log_in(known_browser, "susan", WRONG).status_int for _ in range(21)]
    # Then it is one like any other, with the count of its address.
    assert statuses == [422] * 20 + [429]
    assert Client(site, ELSEWHERE).tries(1) == [422]


def test_the_right_password_forgets_the_wrong_ones_of_a_browser_that_is_known(known_browser):
    for _ in range(2):
        assert {log_in(known_browser, "susan", WRONG).status_int for _ in range(9)} == {422}
        assert log_in(known_browser, "susan").status_int == 303
        known_browser.get("/logout").forms["logout-form"].submit(status=303)


def test_a_stolen_cookie_locks_nobody_out_and_opens_one_more_count(site, known_browser):
    stolen = known_browser.cookies[DEVICE_COOKIE]
    thief = Client(site, ATTACKER).browser
    thief.set_cookie(DEVICE_COOKIE, stolen)
    assert [log_in(thief, "susan", WRONG).status_int for _ in range(21)] == [422] * 20 + [429]
    assert log_in(known_browser, "susan").status_int == 303


def test_the_cookie_of_one_account_is_none_for_another(site, known_browser):
    add_person(site, "john")
    statuses = [log_in(known_browser, "john", WRONG).status_int for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_a_browser_is_known_for_several_accounts_the_last_ones(site):
    names = [f"person{number}" for number in range(MOST_ACCOUNTS + 1)]
    browser = Client(site, HOME).browser
    for name in names:
        add_person(site, name)
        assert log_in(browser, name).status_int == 303
        browser.get("/logout").forms["logout-form"].submit(status=303)
    for name in names:
        Client(site, HOME).tries(3, name)  # the thirtieth is not reached, but their addresses' share is
    Client(site, HOME).tries(12, "nobody")
    Client(site, HOME).tries(12, "somebody")
    statuses = [log_in(browser, name).status_int for name in names[:2]]
    assert statuses == [429, 303]


@pytest.mark.parametrize("value", ["", "x", "WyJhIixbXV0.broken.signature", "ü"])
def test_a_forged_cookie_says_nothing(site, susan, value):
    client = Client(site, ATTACKER)
    client.tries(10)
    browser = client.browser
    browser.set_cookie(DEVICE_COOKIE, value)
    assert log_in(browser, "susan").status_int == 429


@pytest.mark.usefixtures("susan")
def test_the_cookie_is_kept_for_long_and_by_no_script(site):
    (cookie,) = [
        value
        for value in Client(site, HOME).log_in().headers.getall("Set-Cookie")
        if value.startswith(f"{DEVICE_COOKIE}=")
    ]
    assert f"Max-Age={DEVICE_SECONDS}" in cookie
    assert all(attribute in cookie for attribute in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert "susan" not in cookie


def test_the_cookie_is_worth_nothing_after_its_time(site, known_browser, time):
    value = known_browser.cookies[DEVICE_COOKIE]
    time.shift(DEVICE_SECONDS + 1)
    Client(site, HOME).tries(10)
    browser = Client(site, HOME).browser
    browser.set_cookie(DEVICE_COOKIE, value)
    assert log_in(browser, "susan").status_int == 429


@pytest.mark.usefixtures("susan")
def test_the_tries_from_one_address_do_not_lock_out_another_one(site):
    """FOUNDATION 6, line 9."""
    assert Client(site, ATTACKER).tries(30) == [422] * 10 + [429] * 20
    assert Client(site, HOME).log_in().status_int == 303


@pytest.fixture
def attacked(make_site, susan):
    """Twelve addresses have tried once, and so used up the count of susan's account."""
    site = make_site({"login.per_account": "12 per hour"})
    for last in range(12):
        assert Client(site, f"203.0.113.{last}").tries(1) == [422]
    return site


def test_many_addresses_at_one_account_lock_out_those_who_tried_and_not_the_owner(attacked):
    """FOUNDATION 6, lines 8 and 9: a limit for an account, whose owner gets in from an address of theirs."""
    site = attacked
    assert Client(site, "203.0.113.1").tries(1) == [429]
    assert Client(site, HOME).tries(2) == [422, 429]  # from a new address one is free
    assert Client(site, ELSEWHERE).log_in().status_int == 303
    assert Client(site, ELSEWHERE).log_in().status_int == 303


def test_an_attack_on_one_account_keeps_nobody_from_another(attacked):
    assert Client(attacked, "203.0.113.1").tries(10, "john") == [422] * 10


@pytest.mark.usefixtures("susan")
def test_one_address_at_many_accounts_is_refused_and_others_are_not(site):
    """FOUNDATION 6, line 8: a limit for an address."""
    client = Client(site, ATTACKER)
    statuses = [client.tries(1, f"person{number}")[0] for number in range(40)]
    assert statuses == [422] * 30 + [429] * 10
    assert Client(site, HOME).log_in().status_int == 303


def test_behind_a_shared_address_only_a_browser_that_is_known_gets_in_while_somebody_abuses_it(
    site, known_browser
):
    neighbour = Client(site, HOME)
    for number in range(30):
        neighbour.tries(1, f"person{number}")
    assert Client(site, HOME).log_in().status_int == 429
    assert log_in(known_browser, "susan").status_int == 303


def test_when_the_site_has_had_too_many_only_those_are_refused_who_have_tried_before(make_site):
    """FOUNDATION 6, line 8: a limit for the whole site."""
    site = make_site({"login.site": "20 per 15 minutes"})
    add_person(site, "susan")
    for last in range(20):
        assert Client(site, f"203.0.113.{last}").tries(1, f"person{last}") == [422]
    assert Client(site, "203.0.113.1").tries(1, "susan") == [429]
    assert Client(site, HOME).log_in().status_int == 303
    assert Client(site, HOME).tries(2) == [422, 429]


@pytest.mark.usefixtures("susan")
def test_a_64_of_ipv6_is_one_address(site):
    """FOUNDATION 6, line 8: IPv6 is counted by /64."""
    statuses = [Client(site, f"2001:db8::{number:x}").tries(1)[0] for number in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    assert Client(site, "2001:db8:0:1::1").tries(1) == [422]


@pytest.mark.usefixtures("susan")
def test_whoever_goes_through_the_64s_of_a_48_is_stopped_and_others_are_not(make_site):
    site = make_site({"login.per_account": "12 per hour", "login.per_address": "20 per 15 minutes"})
    statuses = [Client(site, f"2001:db8:0:{number:x}::1").tries(1)[0] for number in range(25)]
    # Twelve use up the count of the account. From a new /64 one is free, until the /48 has used up its own.
    assert statuses == [422] * 20 + [429] * 5
    assert Client(site, "2001:db8:1::1").log_in().status_int == 303
    assert Client(site, HOME).log_in().status_int == 303


@pytest.mark.usefixtures("susan")
def test_the_mapped_form_of_an_address_is_the_same_address(site):
    assert Client(site, "::ffff:192.0.2.7").tries(5) == [422] * 5
    assert Client(site, "192.0.2.7").tries(6) == [422] * 5 + [429]


@pytest.mark.usefixtures("susan")
@pytest.mark.parametrize("address", [None, "localhost"])
def test_without_an_address_the_account_and_the_site_are_counted(make_site, address):
    site = make_site({"login.site": "15 per 15 minutes"})
    client = Client(site, address)
    assert client.tries(11) == [422] * 10 + [429]
    assert client.tries(6, "john") == [422] * 5 + [429]


# Settings


@pytest.mark.usefixtures("susan")
def test_zero_switches_each_of_them_off(make_site):
    site = make_site(dict.fromkeys(LOGIN, "0"))
    assert Client(site, ATTACKER).tries(35) == [422] * 35
    assert Client(site, ATTACKER).log_in().status_int == 303
    with site.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(LimitCount)) == 0


@pytest.mark.usefixtures("susan")
def test_with_the_count_of_an_account_alone_the_account_is_locked(make_site):
    site = make_site({**dict.fromkeys(LOGIN, "0"), "login.per_account": "3 per hour"})
    assert Client(site, ATTACKER).tries(4) == [422] * 3 + [429]
    assert Client(site, HOME).log_in().status_int == 429


def test_a_browser_that_is_known_is_counted_like_others_where_that_is_off(make_site, susan):
    site = make_site({"login.per_account_and_address": "0"})
    browser = Client(site, HOME).browser
    log_in(browser, "susan")
    browser.get("/logout").forms["logout-form"].submit(status=303)
    statuses = [log_in(browser, "susan", WRONG).status_int for _ in range(31)]
    assert statuses == [422] * 30 + [429]


# What operators see


@pytest.mark.usefixtures("susan")
def test_the_log_has_an_event_with_fields_and_not_the_address(site, caplog):
    client = Client(site, ATTACKER)
    client.tries(10)
    with caplog.at_level(logging.INFO, "microblog"):
        caplog.clear()
        client.tries(1)
    (record,) = [record for record in caplog.records if record.name.endswith(".limits.refusals")]
    assert record.fields == {
        "limit": "login",
        "scope": "per_account_and_address",
        "rate": "10 per 15 minutes",
        "retry_after": 90,
        "user": None,
    }
    assert ATTACKER not in record.getMessage()
    assert not any("429" in record.getMessage() for record in caplog.records if "access" not in record.name)


@pytest.mark.usefixtures("susan")
def test_a_metric_counts_what_was_refused(make_site):
    site = make_site(**{"microblog.metrics": "true", "microblog.metrics.allow": ""})
    Client(site, ATTACKER).tries(13)
    lines = site.browser().get("/metrics").text.splitlines()
    assert 'microblog_limited_requests_total{limit="login"} 3.0' in lines


# What a log-in page carries


@pytest.mark.usefixtures("susan")
def test_a_form_that_waits_for_the_log_in_is_not_lost_by_a_refused_one(site):
    client = Client(site, ATTACKER)
    client.tries(10)
    page = client.post("/posts/", body="What I wrote")
    form = page.forms["login-form"]
    form["nickname"], form["password"] = "susan", PASSWORD
    refused = form.submit(status=429)
    assert refused.forms["login-form"]["carried"].value == form["carried"].value != ""


def test_the_right_password_on_the_page_of_somebody_else_does_not_count(site, susan):
    add_person(site, "john")
    john = Client(site, HOME).browser
    log_in(john, "john")
    form = john.get("/").forms["compose-form"]
    form["body"] = "What john wrote"
    john.get("/logout").forms["logout-form"].submit(status=303)
    page = form.submit(status=400).forms["login-form"]
    for _ in range(15):
        page["nickname"], page["password"] = "susan", PASSWORD
        answer = page.submit(status=422)
        assert "was written by another account" in answer.text
        page = answer.forms["login-form"]
