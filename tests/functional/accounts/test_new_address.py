"""Another e-mail address: nothing changes before it is confirmed, and the former one has a way back."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from microblog.accounts.by_mail.actions import LinkInvalid
from microblog.accounts.by_mail.queries import is_confirmed, mark_unconfirmed
from microblog.accounts.by_mail.tasks import delete_expired_links
from microblog.accounts.new_address import actions
from microblog.mail import queries as mail_queries
from tests.competing import before_the_next_write
from tests.conftest import Application
from tests.functional.accounts.mail_site import URL, Site
from tests.walk import PASSWORD, enter, flashes, log_in

HOST = URL.removeprefix("https://")
NEW_PASSWORD = "another of four words"
NEW = "new@example.com"
ASKED = "A mail is on its way to the new address. Open the link in it."


class Susan:
    """Logged in on a site with mail, with the id of hers."""

    def __init__(self, site: Site) -> None:
        self.site, self.browser = site, site.browser(HTTP_HOST=HOST)
        self.id = enter(self.browser, "susan")

    def ask(self, email: str, *, password: str = PASSWORD) -> Any:
        form = self.browser.get("/account/email").forms["email-form"]
        form["email"].force_value(email)
        form["password"] = password
        return form.submit(status="*")

    def ask_and_read_link(self, email: str = NEW) -> str:
        assert self.ask(email).status_int == 303
        return self.read_link(email, "/new-address/")

    def read_link(self, email: str, beginning: str) -> str:
        (mail,) = [mail for mail in self.site.work() if mail.to == [email]]
        return self.site.read_link(mail, beginning)

    def change(self, email: str = NEW) -> str:
        """Have another address; returns the link that was mailed to the former one."""
        before = self.get_email()
        press(self.site.browser(), self.ask_and_read_link(email), "new-address-form")
        return self.read_link(before, "/former-address/")

    def get_email(self) -> str:
        with self.site.database.read() as session:
            return str(session.scalar(sa.text("SELECT email FROM users WHERE id = :id"), {"id": self.id}))


@pytest.fixture
def susan(site: Site) -> Susan:
    return Susan(site)


def press(browser: Any, path: str, form: str, *, status: int = 303) -> Any:
    return browser.get(path).forms[form].submit(status=status)


def errors(page: Any) -> list[str]:
    return [error.get_text() for error in page.html.select(".field-errors p")]


def test_a_new_address_counts_when_its_link_is_opened_and_not_before(susan):
    page = susan.ask(NEW).follow()
    assert flashes(page) == [ASKED]
    assert f"It becomes {NEW} when you open the link" in page.html.main.get_text()
    path = susan.read_link(NEW, "/new-address/")
    page = susan.site.browser().get(path)  # a GET changes nothing
    assert susan.get_email() == "susan@example.com"
    assert log_in(susan.site.browser(), NEW).status_int == 422
    page = page.forms["new-address-form"].submit(status=303).follow()
    assert flashes(page) == ["susan has a new e-mail address."]
    assert susan.get_email() == NEW
    assert log_in(susan.site.browser(), NEW).status_int == 303
    assert log_in(susan.site.browser(), "susan@example.com").status_int == 422
    page = susan.browser.get(path, status=404)
    assert page.html.h1.text == "This link is not valid any more"
    page = susan.browser.get("/account/email")
    assert f"{NEW} is confirmed." in page.html.main.parent.get_text()
    assert "keep-email-form" not in page.forms


def test_who_is_logged_in_comes_back_to_the_page(susan):
    answer = press(susan.browser, susan.ask_and_read_link(), "new-address-form")
    assert answer.location == f"{URL}/account/email"


def test_the_former_address_is_told_and_has_a_way_back(susan):
    path = susan.change()
    thief = susan.site.browser(HTTP_HOST=HOST)
    assert log_in(thief, "susan").status_int == 303
    thief.get("/account/", status=200)
    page = susan.site.browser().get(path)
    assert susan.get_email() == NEW  # a GET changes nothing
    browser = susan.site.browser()
    page = press(browser, path, "former-address-form").follow()
    assert page.request.path.startswith("/reset-password/")
    assert flashes(page) == ["Your address is back, and everybody is logged out. Choose a new password now."]
    assert susan.get_email() == "susan@example.com"
    for each in (thief, susan.browser):
        assert each.get("/account/").location.startswith(f"{URL}/login")
    # Who knows the present password cannot log in before there is another one.
    assert log_in(susan.site.browser(), "susan").status_int == 422
    form = page.forms["new-password-form"]
    form["password"] = NEW_PASSWORD
    form.submit(status=303)
    assert log_in(susan.site.browser(), "susan", NEW_PASSWORD).status_int == 303
    browser.get(path, status=404)


def test_the_way_back_goes_past_all_later_addresses(susan):
    first = susan.change()
    second = susan.change("third@example.com")
    susan.ask("fourth@example.com")
    fourth = susan.read_link("fourth@example.com", "/new-address/")
    press(susan.site.browser(), first, "former-address-form")
    assert susan.get_email() == "susan@example.com"
    for path in (second, fourth):
        susan.site.browser().get(path, status=404)


def test_who_had_a_later_address_cannot_close_the_way_back_of_an_earlier_one(susan):
    first = susan.change()
    second = susan.change("third@example.com")
    press(susan.site.browser(), second, "former-address-form")
    assert susan.get_email() == NEW
    press(susan.site.browser(), first, "former-address-form")
    assert susan.get_email() == "susan@example.com"


def test_the_way_back_is_open_for_a_week(susan):
    path = susan.change()
    susan.site.execute("UPDATE former_addresses SET expires = '2026-01-01 00:00:00+00:00'")
    susan.site.browser().get(path, status=404)


def test_an_address_that_was_never_confirmed_gets_no_way_back(susan):
    """It may be a stranger's, whom a typing error has named."""
    with susan.site.database.write() as session:
        mark_unconfirmed(session, susan.id)
    assert "susan@example.com is not confirmed yet." in susan.browser.get("/account/email").text.replace(
        "<bdi>", ""
    ).replace("</bdi>", "")
    press(susan.browser, susan.ask_and_read_link(), "new-address-form")
    assert susan.site.work() == []
    with susan.site.database.read() as session:
        assert is_confirmed(session, susan.id)


def test_the_answer_is_the_same_for_an_address_that_is_somebody_elses(susan):
    enter(susan.site.browser(), "john")
    pages = []
    for email in (NEW, "JOHN@example.com"):
        page = susan.ask(email).follow()
        pages.append((flashes(page), page.html.main.get_text().replace(email, "…")))
    assert pages[0] == pages[1]
    subjects = {mail.to[0]: str(mail.message["Subject"]) for mail in susan.site.work()}
    assert subjects == {
        NEW: "Confirm your new address for microblog",
        "john@example.com": "You have an account at microblog already",
    }
    assert susan.get_email() == "susan@example.com"


def test_an_address_that_somebody_else_has_taken_meanwhile_changes_nothing(susan):
    path = susan.ask_and_read_link()
    enter(susan.site.browser(), "john", email=NEW)
    page = press(susan.browser, path, "new-address-form").follow()
    assert flashes(page) == ["Somebody else has this address by now. Nothing was changed."]
    assert susan.get_email() == "susan@example.com"


def test_a_former_address_that_somebody_else_has_taken_stays_theirs(susan):
    path = susan.change()
    enter(susan.site.browser(), "john", email="susan@example.com")
    page = press(susan.site.browser(), path, "former-address-form").follow()
    assert flashes(page) == ["Somebody else has this address by now. Nothing was changed."]
    assert susan.get_email() == NEW
    assert susan.browser.get("/account/", status=200)


def test_of_two_changes_the_last_one_counts(susan):
    first = susan.ask_and_read_link()
    second = susan.ask_and_read_link("other@example.com")
    susan.site.browser().get(first, status=404)
    press(susan.site.browser(), second, "new-address-form")
    assert susan.get_email() == "other@example.com"


@pytest.mark.parametrize("kind", ["new-address", "former-address"])
def test_a_link_that_was_used_meanwhile_is_a_dead_end(susan, kind):
    path = susan.ask_and_read_link() if kind == "new-address" else susan.change()
    form = susan.site.browser().get(path).forms[f"{kind}-form"]
    table = "address_changes" if kind == "new-address" else "former_addresses"

    def use() -> None:
        susan.site.execute(f"DELETE FROM {table}")

    before = susan.get_email()
    with before_the_next_write(susan.site.database, use):
        form.submit(status=404)
    assert susan.get_email() == before


def test_a_link_that_is_opened_twice_at_once_works_once(susan):
    token = susan.ask_and_read_link().rpartition("/")[2]
    done: list[str] = []
    barrier = threading.Barrier(2)

    def use() -> None:
        barrier.wait()
        try:
            with susan.site.database.write() as session:
                actions.change_address(session, token)
        except LinkInvalid:
            done.append("refused")
        else:
            done.append("changed")

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["changed", "refused"]
    (mail,) = susan.site.work()
    assert mail.to == ["susan@example.com"]


def test_one_may_keep_the_address(susan):
    path = susan.ask_and_read_link()
    page = press(susan.browser, "/account/email", "keep-email-form").follow()
    assert flashes(page) == ["Your address stays as it is."]
    susan.site.browser().get(path, status=404)
    csrf = page.html.select_one("input[name=csrf_token]")["value"]
    susan.browser.post("/account/email", {"csrf_token": csrf, "keep": "1", "more": "1"}, status=400)


def test_a_new_password_ends_a_change_that_somebody_else_may_have_asked_for(susan):
    path = susan.ask_and_read_link()
    form = susan.browser.get("/account/password").forms["password-form"]
    form["password"], form["new_password"] = PASSWORD, NEW_PASSWORD
    form.submit(status=303)
    susan.site.browser().get(path, status=404)


def test_who_has_no_address_adds_one(susan):
    susan.site.execute("UPDATE users SET email = NULL, email_key = NULL")
    assert "You have none here." in susan.browser.get("/account/email").text
    links = [link["href"] for link in susan.browser.get("/account/").html.select(".choices a")]
    assert "/account/email" in links
    assert "/account/confirm-address" not in links
    press(susan.browser, susan.ask_and_read_link(), "new-address-form")
    assert susan.get_email() == NEW
    assert susan.site.work() == []
    links = [link["href"] for link in susan.browser.get("/account/").html.select(".choices a")]
    assert "/account/confirm-address" in links


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("", "Give an e-mail address."),
        ("nobody", "This is not an e-mail address, such as susan@example.org."),
        ("a@b.example\r\nBcc: victim@example.com", None),
        ("a@b.example\nBcc: victim@example.com", None),
        (f"{'x' * 300}@example.com", "An e-mail address has at most 254 characters."),
        ('"susan smith"@example.com', "This is not an e-mail address, such as susan@example.org."),
        ("susan@example.com", "This is your address already."),
        ("Susan@EXAMPLE.com", "This is your address already."),
    ],
)
def test_what_is_no_new_address_is_refused_and_nobody_gets_mail(susan, email, expected):
    page = susan.ask(email)
    assert page.status_int == 422
    assert [expected] == errors(page) if expected else errors(page)
    assert susan.site.work() == []


def test_an_address_in_other_letters_gets_its_mail(susan):
    assert susan.ask("susan@bücher.example").status_int == 303
    (mail,) = susan.site.work()
    assert mail.to[0] in ("susan@bücher.example", "susan@xn--bcher-kva.example")
    press(susan.browser, susan.site.read_link(mail, "/new-address/"), "new-address-form")
    assert susan.get_email() == "susan@bücher.example"
    assert errors(susan.ask("susan@xn--bcher-kva.example")) == ["This is your address already."]


def test_the_present_password_is_asked_for(susan):
    """FOUNDATION 6, line 6: a new address needs the present password."""
    page = susan.ask(NEW, password="wrong")
    assert (page.status_int, errors(page)) == (422, ["This is not your present password."])
    assert page.forms["email-form"]["email"].value == NEW
    assert page.forms["email-form"]["password"].value == ""
    assert susan.site.work() == []


def test_wrong_passwords_are_counted_as_those_of_log_ins(make_site):
    susan = Susan(make_site(limits__login__per_account_and_address="3 per hour"))
    for _ in range(3):
        assert susan.ask(NEW, password="wrong").status_int == 422
    assert susan.ask(NEW).status_int == 429


def test_changes_are_limited(make_site):
    susan = Susan(make_site(limits__address_changes__per_account="2 per hour"))
    statuses = [susan.ask(f"{number}@example.com").status_int for number in range(3)]
    assert statuses == [303, 303, 429]


def test_with_mail_in_a_folder_a_new_address_is_confirmed_too(application: Application, browser):
    user_id = enter(browser, "susan")
    form = browser.get("/account/email").forms["email-form"]
    form["email"], form["password"] = NEW, PASSWORD
    form.submit(status=303)
    with application.database.read() as session:
        (mail,) = mail_queries.list_mails(session, None, 10)
        assert (mail.kind, mail.address) == ("new_address", NEW)
        email = session.scalar(sa.text("SELECT email FROM users WHERE id = :id"), {"id": user_id})
    assert email == "susan@example.com"


def test_no_token_is_stored_and_expired_links_are_deleted(susan):
    token = susan.change().rpartition("/")[2]
    susan.ask("other@example.com")
    with susan.site.database.read() as session:
        stored = session.scalars(sa.text("SELECT token_hash FROM former_addresses")).all()
    assert len(stored) == 1
    assert token not in stored
    for table in ("address_changes", "former_addresses"):
        susan.site.execute(f"UPDATE {table} SET expires = '2026-01-01 00:00:00+00:00'")
    assert not delete_expired_links(susan.site.registry)
    with susan.site.database.read() as session:
        for table in ("address_changes", "former_addresses"):
            assert session.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0


def test_an_address_that_is_taken_at_the_last_moment_is_refused(susan):
    path = susan.ask_and_read_link()

    def take() -> None:
        enter(susan.site.browser(), "john", email=NEW)

    with before_the_next_write(susan.site.database, take):
        page = press(susan.browser, path, "new-address-form").follow()
    assert flashes(page) == ["Somebody else has this address by now. Nothing was changed."]
