"""Whatever is typed as an address gets a clear answer on each page that takes one, and no mail goes to a
wrong place. The same for `microblog user email` is in tests/functional/commands/test_user_accounts.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from microblog.addresses import make_email_key
from tests.functional.accounts.addresses import INTERNATIONAL, NO_ADDRESSES, OTHER_SPELLINGS
from tests.functional.accounts.mail_site import URL, Site
from tests.walk import PASSWORD, enter, flashes

Way = Callable[[Site, str], Any]

HOST = URL.removeprefix("https://")


def sign_up(site: Site, email: str) -> Any:
    form = site.browser().get("/register").forms["register-form"]
    form["nickname"], form["password"] = "newcomer", PASSWORD
    form["email"].force_value(email)
    return form.submit(status="*")


def ask_for_password(site: Site, email: str) -> Any:
    form = site.browser().get("/reset-password").forms["forgotten-form"]
    form["email"].force_value(email)
    return form.submit(status="*")


def change(site: Site, email: str) -> Any:
    browser = site.browser(HTTP_HOST=HOST)
    enter(browser, "john", email="john@example.net")
    form = browser.get("/account/email").forms["email-form"]
    form["email"].force_value(email)
    form["password"] = PASSWORD
    return form.submit(status="*")


LINKS: dict[Way, tuple[str, str]] = {
    sign_up: ("/confirm/", "confirm-form"),
    change: ("/new-address/", "new-address-form"),
}
WAYS: list[Way] = [sign_up, ask_for_password, change]


def emails(site: Site) -> set[str | None]:
    with site.database.read() as session:
        return set(session.scalars(sa.text("SELECT email FROM users")))


@pytest.mark.parametrize("email", NO_ADDRESSES)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_address_is_refused_with_a_sentence(site: Site, way: Way, email: str) -> None:
    enter(site.browser(), "susan")
    page = way(site, email)
    assert page.status_int == 422
    errors = [error.get_text() for error in page.html.select("#email-error p")]
    assert errors
    assert all(error.endswith(".") for error in errors)
    assert site.work() == []
    assert emails(site) <= {"susan@example.com", "john@example.net"}


@pytest.mark.parametrize(("typed", "stored"), OTHER_SPELLINGS)
@pytest.mark.parametrize("way", WAYS)
def test_another_spelling_is_the_same_account_and_mail_goes_where_it_has_always_gone(
    site: Site, way: Way, typed: str, stored: str
) -> None:
    enter(site.browser(), "susan", email=stored)
    answer = way(site, typed)
    assert answer.status_int == 303
    (mail,) = site.work()
    assert [make_email_key(address) for address in mail.to] == [make_email_key(stored)]
    assert "susan" in next(iter(mail.message.iter_parts())).get_content()
    kinds = {"sign_up": "account at microblog already", "change": "account at microblog already"}
    assert kinds.get(way.__name__, "password") in str(mail.message["Subject"])
    assert emails(site) <= {stored, "john@example.net"}


@pytest.mark.parametrize("email", INTERNATIONAL)
@pytest.mark.parametrize("way", [sign_up, change])
def test_an_address_in_any_letters_gets_its_mail_and_becomes_the_account_s(
    site: Site, way: Way, email: str
) -> None:
    assert way(site, email).status_int == 303
    (mail,) = site.work()
    assert [make_email_key(address) for address in mail.to] == [make_email_key(email)]
    beginning, name = LINKS[way]
    form = site.browser().get(site.read_link(mail, beginning)).forms[name]
    assert flashes(form.submit(status=303).follow())
    assert emails(site) == {email}
    assert ask_for_password(site, email.upper()).status_int == 303
    resets = [mail for mail in site.work() if "password" in str(mail.message["Subject"])]
    assert [make_email_key(mail.to[0]) for mail in resets] == [make_email_key(email)]
