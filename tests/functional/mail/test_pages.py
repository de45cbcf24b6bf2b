"""`/unsubscribe/…` for people; `/admin/mail/` for admins, and the commands that show the same."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from microblog.accounts.actions import set_admin
from microblog.mail import queries
from microblog.mail.actions import retry
from microblog.mail.choices import list_refused
from microblog.mail.describing import describe_state
from microblog.mail.links import make_unsubscribe_token
from microblog.outbox.queries import delete_all, lease
from tests.conftest import counted_statements
from tests.functional.commands.conftest import run, write_ini
from tests.sink import free_port
from tests.walk import enter, flashes


@pytest.fixture
def site(make_site):
    """Without a configured address, so that the cookies of the tests' browsers stay with it."""
    return make_site(url="")


def refused(site):
    with site.database.read() as session:
        return list_refused(session, site.susan)


def get_link(site):
    site.write()
    site.deliver()
    header = str(site.sink.mails[-1].message["List-Unsubscribe"])
    return header.removeprefix("<http://localhost:6543").removesuffix(">")


# Unsubscribing


def test_a_mail_is_switched_off_by_one_click_of_a_mail_program(site):
    """RFC 8058: a POST without a cookie, a token or a page."""
    path = get_link(site)
    message = site.sink.mails[-1].message
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    texts = [part.get_content() for part in message.iter_parts()]
    assert all(f"http://localhost:6543{path}" in text.replace("=\n", "") for text in texts)
    page = site.browser().post(path, {"List-Unsubscribe": "One-Click"}, status=200)
    assert "You get no mails of this kind any more." in page.text
    assert refused(site) == {"letter"}
    assert site.write("letter 2") is None
    site.browser().post(path, {"List-Unsubscribe": "One-Click"}, status=200)  # once more is as good


def test_a_person_is_asked_before_a_mail_is_switched_off(site):
    page = site.browser().get(get_link(site))
    assert page.html.h1.text == "Letters"
    assert refused(site) == set()
    page.forms["unsubscribe-form"].submit(status=200)
    assert refused(site) == {"letter"}


def test_a_mail_that_nobody_can_switch_off_has_no_link(site):
    site.write(kind="secret")
    site.write("letter 1", user_id=None, email="new@example.org")
    site.deliver()
    for arrived in site.sink.mails:
        assert arrived.message["List-Unsubscribe"] is None
        assert "unsubscribe" not in arrived.message.as_string()
    token = make_unsubscribe_token(site.registry.microblog, site.susan, "secret")
    site.browser().get(f"/unsubscribe/{token}", status=404)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: f"{token}x",
        lambda token: token.replace("letter", "secret"),
        lambda token: f"1{token}",
        lambda token: f"x{token}",
        lambda token: token.replace(".", "-"),
        lambda token: f"{'9' * 30}.letter.x",
        lambda token: "²" + token[1:],
        lambda token: token + "x" * 300,
        lambda token: "",
    ],
)
def test_a_wrong_token_switches_nothing_off(site, change):
    token = make_unsubscribe_token(site.registry.microblog, site.susan, "letter")
    path = f"/unsubscribe/{quote(change(token))}"
    site.browser().get(path, status=404)
    site.browser().post(path, {"List-Unsubscribe": "One-Click"}, status=400)
    assert refused(site) == set()


def test_the_link_of_somebody_who_is_gone_does_no_harm(site):
    token = make_unsubscribe_token(site.registry.microblog, site.susan + 1, "letter")
    site.browser().post(f"/unsubscribe/{token}", status=200)
    token = make_unsubscribe_token(site.registry.microblog, site.susan, "gone")
    site.browser().post(f"/unsubscribe/{token}", status=400)


# For admins


@pytest.fixture
def admin(site):
    browser = site.browser()
    user_id = enter(browser, "grace")
    with site.database.write() as session:
        set_admin(session, user_id, is_admin=True)
    return browser


def rows(page):
    return [
        [cell.get_text(" ", strip=True) for cell in row.select("td, th")][1:]
        for row in page.html.select("tbody tr")
    ]


def test_admins_see_what_became_of_each_mail(site, admin):
    site.sink.answers["gone@example.com"] = "550 Gone"
    site.write("1", user_id=None, email="gone@example.com")
    site.write("2")
    site.deliver()
    site.registry.outbox.deliver(queries.KIND)
    site.write("3")
    with counted_statements(site.database) as statements:
        page = admin.get("/admin/mail/")
    # Who asks, and the list; in the header, unread messages and notifications.
    assert len(statements) == 4
    server = f"The mail server 127.0.0.1:{site.sink.port}"
    accepted = f"{server} has accepted the mail to susan@example.com (250 OK)."
    assert rows(page) == [
        ["letter", "susan@example.com", "waits", ""],
        [
            "letter",
            "susan@example.com",
            "sent",
            accepted,
        ],
        [
            "letter",
            "gone@example.com",
            "refused",
            f"{server} does not accept mail to gone@example.com: 550 Gone. Check the address.",
        ],
    ]
    assert [row[2] for row in rows(page.click("Refused"))] == ["refused"]
    assert rows(page.click("Dropped")) == []
    admin.get("/admin/mail/?state=lost", status=400)


def test_a_long_list_of_mails_has_pages(site, admin):
    for number in range(51):
        site.write(str(number))
    page = admin.get("/admin/mail/?state=waiting")
    assert len(rows(page)) == 50
    older = page.click("Older mails")
    assert len(rows(older)) == 1
    assert len(rows(older.click("Newer mails"))) == 50


def test_an_admin_retries_and_drops_a_mail(site, admin):
    site.sink.answers["susan@example.com"] = "550 Gone"
    mail_id = site.write()
    site.deliver()
    site.registry.outbox.deliver(queries.KIND)
    page = admin.get(f"/admin/mail/{mail_id}")
    assert "John wrote: http://localhost:6543/users/john" in page.text
    site.sink.answers.clear()
    page = page.click("Try it again").forms["change-mail-form"].submit(status=303).follow()
    assert flashes(page) == ["It is tried again now."]
    assert site.get(mail_id).state == "waiting"
    assert site.deliver() == 1
    page = admin.get(f"/admin/mail/{mail_id}")
    assert "Its text has been deleted." in page.text
    other = site.write("letter 2")
    page = admin.get(f"/admin/mail/{other}").click("Drop it")
    twice = admin.get(f"/admin/mail/{other}/drop").forms["change-mail-form"]
    page = page.forms["change-mail-form"].submit(status=303).follow()
    assert flashes(page) == ["It will not be sent."]
    assert site.get(other).state == "dropped"
    twice.submit(status=409)
    assert site.deliver() == 0
    admin.get("/admin/mail/999999", status=404)
    admin.get("/admin/mail/x", status=404)


def test_no_admin_sees_the_link_of_a_secret_mail(site, admin, ini):
    mail_id = site.write(kind="secret", values={"name": "John", "nickname": "the-secret"})
    page = admin.get(f"/admin/mail/{mail_id}")
    assert "the-secret" not in page.text
    assert "Its text is not shown" in page.text
    said = run("-c", ini, "mail", "show", str(mail_id)).output
    assert "the-secret" not in said
    assert "text: (has a secret link)" in said


def test_a_mail_without_its_entry_says_so_and_can_be_retried(site):
    mail_id = site.write()
    with site.database.write() as session:
        delete_all(session, queries.KIND)
    assert site.deliver() == 0
    assert "has no entry in the outbox" in str(describe_state(site.get(mail_id)))
    with site.database.write() as session:
        assert retry(session, [mail_id]) == 1
    assert site.deliver() == 1


# Commands


@pytest.fixture
def ini(site, tmp_path):
    more = "\n".join(f"{key} = {value}" for key, value in site.settings.items())
    return write_ini(tmp_path / "site.ini", site.url, more=f"microblog.worker = off\n{more}")


def test_the_commands_show_the_same(site, ini):
    site.sink.answers["susan@example.com"] = "550 Gone"
    first = site.write()
    site.deliver()
    site.registry.outbox.deliver(queries.KIND)
    second = site.write("letter 2", user_id=None, email="new@example.org")
    said = run("-c", ini, "mail", "queue").output
    assert re.match(r"1 mails wait, the oldest for \d+ seconds; 1 were refused\.\n", said)
    assert f"{second}  letter  new@example.org  waits\n" in said
    assert f"{first}  letter  susan@example.com  refused  The mail server" in said
    assert f"{second}  " not in run("-c", ini, "mail", "queue", "--state", "refused").output.replace(
        f"{first}  ", ""
    )
    said = run("-c", ini, "mail", "show", str(first)).output
    assert "state: refused\n" in said
    assert re.search(r"^answer: .*550 Gone", said, re.MULTILINE)
    assert f"cause: {site.susan}/letter 1\n" in said
    assert "There is no mail 99" in run("-c", ini, "mail", "show", "99", status=1).stderr
    assert (
        run("-c", ini, "mail", "retry", str(first)).output
        == "1 mails will be sent in the worker's next round.\n"
    )
    assert run("-c", ini, "mail", "drop", str(first)).output == "1 mails are dropped.\n"
    assert site.get(first).state == "dropped"
    assert run("-c", ini, "mail", "retry", "--all").output.startswith("1 mails")
    run("-c", ini, "mail", "retry", status=2)
    assert site.deliver() == 1


def test_a_pause_of_the_server_is_shown(site, ini):
    site.write()
    site.with_port(free_port()).deliver()
    with site.database.write() as session:  # the first pause is over before the command has started
        session.execute(sa.text("UPDATE outbox_pauses SET until = until + 600000"))
    said = run("-c", ini, "mail", "queue").output
    assert re.search(r"^No mail is sent before .* cannot be reached", said, re.MULTILINE)
    assert "is tried again later" in said or "waits" in said


def test_what_the_outbox_retries_and_drops_is_retried_and_dropped(site, ini):
    site.sink.answers["susan@example.com"] = "550 Gone"
    first, second = site.write("1"), site.write("2")
    for _ in range(2):
        site.registry.outbox.deliver(queries.KIND)
    entry = site.get(first).entry_id
    run("-c", ini, "outbox", "drop", str(entry))
    assert (site.get(first).state, site.get(first).answer) == ("dropped", "An operator has dropped it.")
    site.sink.answers.clear()
    run("-c", ini, "outbox", "retry", "--kind", "mail")
    assert site.deliver() == 1
    assert site.get(second).state == "sent"


def test_what_is_being_sent_says_so(site, ini):
    site.write()
    with site.database.write() as session:
        assert lease(session, queries.KIND, 1)
    assert "is being sent" in run("-c", ini, "mail", "queue").output
