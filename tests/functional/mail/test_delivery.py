"""What becomes of a mail: sent, tried again, refused, dropped, or perhaps sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from microblog.events import AlertRaised
from microblog.mail import queries
from microblog.mail.choices import set_refused
from microblog.mail.outbox import NOT_CONFIRMED, OTHER_ADDRESS, SWITCHED_OFF, UNUSABLE
from microblog.mail.tasks import delete_old_mails
from microblog.outbox.lag import LagWatch
from microblog.outbox.models import Entry
from microblog.outbox.queries import measure_depth, write
from tests.functional.mail.conftest import URL
from tests.sink import breaking_server, dripping_server, free_port, greeting_server, silent_server


def depth(site):
    with site.database.read() as session:
        found = measure_depth(session, queries.KIND)
    return found.waiting, found.dead_letters


def change(site, sql, **values):
    with site.database.write() as session:
        session.execute(sa.text(sql), values)


def test_an_address_that_the_server_refuses_for_good_is_set_aside_with_its_answer(make_site, caplog):
    site = make_site({"susan@example.com": "550 Nobody here"})
    mail_id = site.write()
    site.deliver()
    mail = site.get(mail_id)
    assert mail.state == "refused"
    assert "does not accept mail to susan@example.com: 550 Nobody here." in mail.answer
    assert mail.text is not None  # an operator may try it again
    assert depth(site) == (0, 1)
    assert "refused outbox entry" in caplog.text
    caplog.clear()


def test_an_address_that_is_refused_for_now_is_tried_again_and_holds_up_no_other(make_site):
    site = make_site({"susan@example.com": "451 Later"})
    first = site.write()
    site.deliver()
    mail = site.get(first)
    assert (mail.state, mail.begun, mail.attempts) == ("waiting", None, 1)
    assert "451 Later" in mail.answer
    other = site.write(email="john@example.com", user_id=None)
    assert site.deliver() == 1  # the server is not paused
    assert site.get(other).state == "sent"
    site.sink.answers.clear()
    site.make_due()
    assert site.deliver() == 1
    sent = site.get(first)
    assert (sent.state, sent.is_perhaps_twice) == ("sent", False)
    assert site.sink.mails[-1].message["Message-ID"] == mail.message_id


def test_an_address_that_is_refused_for_now_is_given_up_after_five_days(make_site):
    site = make_site({"susan@example.com": "451 Later"})
    mail_id = site.write()
    site.deliver()
    change(site, "UPDATE mails SET created = created - 6 * 86400000")
    site.make_due()
    site.deliver()
    assert site.get(mail_id).state == "refused"


@pytest.mark.parametrize(("answer", "state"), [("554 Spam", "refused"), ("452 Full", "waiting")])
def test_a_mail_may_be_refused_after_it_was_read(make_site, answer, state):
    site = make_site({"DATA": answer})
    mail_id = site.write()
    site.deliver()
    assert site.get(mail_id).state == state
    assert answer in site.get(mail_id).answer


@contextmanager
def nobody():
    yield free_port()


def servers():
    yield "nobody listens", nobody
    yield "says nothing", silent_server
    yield "drips", dripping_server
    yield "breaks off", lambda: greeting_server(b"220 Hello\r\n")
    yield "wants nobody", lambda: greeting_server(b"554 Go away\r\n")


@pytest.mark.parametrize("server", [pytest.param(server, id=name) for name, server in servers()])
def test_while_the_server_is_away_mail_waits_and_one_mail_asks_for_all(make_site, server):
    site = make_site(mail__smtp__timeout="0.1")
    first, second = site.write("letter 1"), site.write("letter 2")
    with server() as port:
        away = site.with_port(port)
        assert away.deliver() == 0
        assert away.deliver() == 0
    attempts = [site.get(mail_id).attempts for mail_id in (first, second)]
    assert attempts == [1, 0]
    assert [site.get(mail_id).state for mail_id in (first, second)] == ["waiting", "waiting"]
    site.make_due()
    assert site.deliver() == 2
    assert [site.get(mail_id).state for mail_id in (first, second)] == ["sent", "sent"]
    assert not any(site.get(mail_id).is_perhaps_twice for mail_id in (first, second))


def test_a_connection_that_breaks_while_the_mail_is_sent_is_tried_again(make_site):
    site = make_site(mail__smtp__timeout="5")
    mail_id = site.write()
    with breaking_server() as port:
        site.with_port(port).deliver()
    assert (site.get(mail_id).state, site.get(mail_id).begun) == ("waiting", None)
    assert "the mail server 127.0.0.1" in site.get(mail_id).answer.lower()
    site.make_due()
    assert site.deliver() == 1
    assert len(site.sink.mails) == 1


def test_two_workers_send_each_mail_once(site):
    ids = [site.write(f"letter {number}") for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: site.deliver(), range(4)))
    site.deliver()
    sent = [arrived.message["Message-ID"] for arrived in site.sink.mails]
    assert len(sent) == len(set(sent)) == 20
    assert {site.get(mail_id).state for mail_id in ids} == {"sent"}
    assert not any(site.get(mail_id).is_perhaps_twice for mail_id in ids)


def test_a_mail_whose_worker_was_killed_after_sending_is_sent_again_and_says_so(site):
    mail_id = site.write()
    script = f"""
        import os, signal
        from microblog import configure
        from microblog.mail import queries
        def die(*arguments, **options):
            os.kill(os.getpid(), signal.SIGKILL)
        queries.finish = die
        configure({site.all_settings!r}).registry.outbox.deliver("mail")
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], check=False, env={**os.environ, "PYTHONWARNINGS": ""}
    )
    assert child.returncode == -signal.SIGKILL
    assert len(site.sink.mails) == 1
    assert site.get(mail_id).state == "waiting"
    assert site.deliver() == 0  # until its lease ends
    site.make_due()
    assert site.deliver() == 1
    mail = site.get(mail_id)
    assert (mail.state, mail.is_perhaps_twice) == ("sent", True)
    assert [arrived.message["Message-ID"] for arrived in site.sink.mails] == [mail.message_id] * 2


def test_a_mail_that_was_sent_and_marked_is_not_sent_again(site):
    """The worker died between marking it and acknowledging its entry."""
    mail_id = site.write()
    site.deliver()
    with site.database.write() as session:
        write(session, queries.KIND, [mail_id], destination=queries.DESTINATION)
    assert site.deliver() == 1
    assert len(site.sink.mails) == 1


@pytest.mark.parametrize(
    "address",
    [
        "susan",
        "susan@example.com\r\nBcc: everybody@example.org",
        f"susan@{'d' * 64}.example.com",
        "@example.com",
        "susan@exa mple.com",
        "",
    ],
)
def test_an_address_that_is_none_gets_nothing_and_breaks_nothing(site, address):
    mail_id = site.write(email=address[:254]) if address else site.write()
    change(site, "UPDATE mails SET address = :address, is_own_address = :no", address=address, no=False)
    site.deliver()
    assert (site.get(mail_id).state, site.get(mail_id).answer) == ("refused", UNUSABLE)
    assert site.sink.mails == []


@pytest.mark.parametrize("address", ["zoë@bücher.example", "Susan@Example.COM", "susan+tag@example.com"])
def test_an_address_of_another_kind_gets_its_mail(site, address):
    site.write(email=address)
    assert site.deliver() == 1
    (arrived,) = site.sink.mails
    local = address.partition("@")[0]
    assert arrived.to[0].startswith(f"{local}@")


def test_after_a_change_of_address_a_mail_to_the_former_one_is_dropped(site):
    mail_id, told = site.write(), site.write(email="susan@example.com", kind="secret")
    change(site, "UPDATE users SET email = 'new@example.com', email_key = 'new@example.com'")
    site.deliver()
    assert (site.get(mail_id).state, site.get(mail_id).answer) == ("dropped", OTHER_ADDRESS)
    assert site.get(mail_id).text is None
    assert site.get(told).state == "sent"  # it was meant for that address


def test_what_was_switched_off_since_is_dropped(site):
    mail_id = site.write()
    with site.database.write() as session:
        set_refused(session, site.susan, ["letter"], by_admin=False)
    site.deliver()
    assert (site.get(mail_id).state, site.get(mail_id).answer) == ("dropped", SWITCHED_OFF)


def test_an_address_that_is_not_confirmed_gets_only_what_may_go_there(site):
    mail_id = site.write()
    change(site, "INSERT INTO address_confirmations (user_id) VALUES (:user)", user=site.susan)
    site.deliver()
    assert (site.get(mail_id).state, site.get(mail_id).answer) == ("dropped", NOT_CONFIRMED)
    assert site.write("letter 2") is None
    assert site.write("letter 2", kind="secret")


def test_what_is_late_is_dropped(site):
    mail_id = site.write(kind="secret")
    change(site, "UPDATE mails SET created = created - 3700000")
    site.deliver()
    mail = site.get(mail_id)
    assert (mail.state, mail.answer) == ("dropped", "It was not sent in time: the worker did not run.")
    assert site.sink.mails == []


def test_a_kind_that_is_gone_is_dropped(site):
    mail_id = site.write()
    change(site, "UPDATE mails SET kind = 'gone'")
    site.deliver()
    assert site.get(mail_id).answer == "No package of these settings has the kind “gone”."


def test_with_the_person_their_mails_are_gone(site):
    site.write()
    change(site, "DELETE FROM users")
    assert site.deliver() == 1
    assert site.sink.mails == []
    with site.database.read() as session:
        assert queries.list_mails(session, None, 10) == []
        assert session.scalars(sa.select(Entry.id)).all() == []


def test_old_mails_are_deleted_with_their_dead_letters(make_site):
    site = make_site({"nobody@example.com": "550 No"})
    sent = site.write()
    site.write("letter 2", user_id=None, email="nobody@example.com")
    waiting = site.write("letter 3", kind="secret")
    assert waiting
    for _ in range(3):
        site.registry.outbox.deliver(queries.KIND)
    assert depth(site) == (0, 1)
    assert not delete_old_mails(site.registry)
    assert site.get(sent)
    change(site, "UPDATE mails SET finished = finished - 31 * CAST(86400000 AS BIGINT)")
    kept = site.write("letter 4")
    with site.database.write() as session:
        assert queries.delete_old(session, timedelta(days=30), 1) == 1  # a batch at a time
    assert not delete_old_mails(site.registry)
    with site.database.read() as session:
        assert [mail.id for mail in queries.list_mails(session, None, 10)] == [kept]
    assert depth(site) == (1, 0)


def test_links_begin_with_the_configured_address_and_not_with_the_host_of_a_request(site):
    """FOUNDATION 6, line 35: no mail and no answer has an unknown host in it."""
    browser = site.browser()
    form = browser.get("/reset-password").forms["forgotten-form"]
    form["email"] = "susan@example.com"
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookiejar)
    answer = form.submit(status=303, headers={"Host": "evil.example", "Cookie": cookies})
    assert answer.location == f"{URL}/check-mail"
    site.registry.outbox.work()
    site.deliver()
    (arrived,) = site.sink.mails
    texts = [part.get_content() for part in arrived.message.iter_parts()]
    assert all(URL in text and "evil" not in text for text in texts)


@pytest.mark.parametrize(
    "name",
    [
        "X\r\nBcc: everybody@example.org",
        "<img src=x onerror=alert(1)>\"'",
        "ع" * 300,
        "W" * 1000,
        "\x00\x1b[31m",
    ],
)
def test_no_name_forges_a_header_or_markup(site, name):
    """FOUNDATION 6, line 35: nothing that people type becomes a header."""
    site.write(values={"name": name, "nickname": "john"})
    assert site.deliver() == 1
    (arrived,) = site.sink.mails
    assert arrived.to == ["susan@example.com"]
    message = arrived.message
    assert set(message.keys()) <= {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"),
        *("List-Unsubscribe", "List-Unsubscribe-Post", "X-Peer", "X-MailFrom", "X-RcptTo"),
    }
    assert "\n" not in str(message["Subject"])
    assert len(str(message["Subject"])) <= 200
    html = list(message.iter_parts())[1].get_content()
    assert "<img" not in html


def test_mail_that_is_stuck_is_said_in_the_log_and_not_by_mail(site, caplog):
    raised: list[AlertRaised] = []
    site.registry.registerHandler(raised.append, (AlertRaised,))
    site.write()
    change(site, "UPDATE outbox SET created = created - 700000")
    LagWatch(site.registry, seconds_between_checks=0).check()
    assert "Deliveries “mail” are stuck: 1 wait." in caplog.text
    assert raised == []
    watch = LagWatch(site.registry, seconds_between_checks=0)
    watch.check()
    site.deliver()
    caplog.clear()
    watch.check()
    assert "no longer stuck" in caplog.text
    assert raised == []
    caplog.clear()
