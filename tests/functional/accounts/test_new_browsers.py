"""Who logs in in a browser in which they have not been is told so by mail."""

from __future__ import annotations

from typing import Any

import pytest

from microblog.accounts.by_mail.queries import mark_confirmed, mark_unconfirmed
from microblog.mail.queries import list_mails
from tests.walk import enter, log_in, sign_up

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"


def read_mails(application) -> list[Any]:
    with application.database.read() as session:
        return [mail for mail in list_mails(session, None, 100) if mail.kind == "new_browser"]


@pytest.fixture
def susan(application) -> int:
    return enter(application.browser(), "susan")


def log_in_anew(application, browser: str, address: str = "192.0.2.7"):
    new = application.browser(HTTP_USER_AGENT=browser, REMOTE_ADDR=address)
    assert log_in(new, "susan").status_int == 303
    return new


def test_a_log_in_in_a_new_browser_is_mailed_with_what_it_is_known_by(application, susan):
    log_in_anew(application, FIREFOX)
    (mail,) = read_mails(application)
    assert mail.user_id == susan
    assert mail.subject == "Somebody logged in as you at microblog"
    assert "Firefox on Linux" in mail.text
    assert "Network: 192.0.2.0/24" in mail.text
    assert "192.0.2.7" not in mail.text
    assert "http://localhost:6543/account/sessions" in mail.text
    assert mail.date.strftime("%Y-%m-%d %H:") in mail.text


def test_nothing_is_mailed_where_the_browser_is_known(application, susan):
    browser = log_in_anew(application, FIREFOX)
    browser.post("/logout", {"csrf_token": browser.get("/logout").forms["logout-form"]["csrf_token"].value})
    assert log_in(browser, "susan").status_int == 303
    assert len(read_mails(application)) == 1


def test_nothing_is_mailed_of_a_sign_up_or_a_wrong_password(application):
    browser = application.browser()
    sign_up(browser, "susan")
    log_in(application.browser(), "susan", "wrong password")
    assert read_mails(application) == []


def test_a_browser_that_keeps_no_cookies_is_one_mail_a_day(application, susan):
    for _ in range(3):
        log_in_anew(application, FIREFOX)
    log_in_anew(application, SAFARI)
    log_in_anew(application, FIREFOX, "198.51.100.1")
    assert len(read_mails(application)) == 3


def test_without_an_address_of_the_visitor_none_is_said(application, susan):
    log_in_anew(application, "", "")
    (mail,) = read_mails(application)
    assert "Unknown browser" in mail.text
    assert "Network" not in f"{mail.text}{mail.html}"


def test_it_can_be_switched_off_and_goes_to_no_unconfirmed_address(application, susan):
    with application.database.write() as session:
        mark_unconfirmed(session, susan)
    browser = log_in_anew(application, FIREFOX)
    assert read_mails(application) == []
    with application.database.write() as session:
        mark_confirmed(session, susan)
    form = browser.get("/account/notices").forms["notices-form"]
    next(box for box in form.fields["mail"] if box._value == "new_browser").checked = False
    form.submit(status=303)
    log_in_anew(application, SAFARI)
    assert read_mails(application) == []
