"""A mail is written with its cause, and delivered once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from pyramid.exceptions import ConfigurationError

from microblog.mail.actions import write_mail
from microblog.mail.choices import list_refused, set_refused
from tests.functional.mail.conftest import VALUES


def test_a_mail_is_written_and_sent(site):
    mail_id = site.write()
    waiting = site.get(mail_id)
    assert (waiting.state, waiting.address, waiting.subject) == ("waiting", "susan@example.com", "John wrote")
    assert site.deliver() == 1
    (arrived,) = site.sink.mails
    assert arrived.to == ["susan@example.com"]
    assert arrived.message["Message-ID"] == waiting.message_id
    text, html = arrived.message.iter_parts()
    assert arrived.message.get_content_type() == "multipart/alternative"
    assert "https://blog.example.org/users/john" in text.get_content()
    assert '<a class="button" href="https://blog.example.org/users/john">' in html.get_content()
    sent = site.get(mail_id)
    assert (sent.state, sent.text, sent.html, sent.begun) == ("sent", None, None, None)
    assert sent.answer.endswith("has accepted the mail to susan@example.com (250 OK).")
    assert not sent.is_perhaps_twice
    assert sent.entry_id is None


def test_what_is_rolled_back_is_not_sent(site):
    with site.database.open_session(write=True) as session:
        assert write_mail(session, kind="letter", user_id=site.susan, values=VALUES, cause="letter 1")
        session.rollback()
    assert site.deliver() == 0


def test_there_are_never_two_mails_for_one_event(site):
    assert site.write("letter 1")
    assert site.write("letter 1") is None
    assert site.deliver() == 1
    assert site.write("letter 1") is None
    assert site.write("letter 2")
    assert site.write("letter 1", kind="secret")
    assert site.deliver() == 2
    assert len(site.sink.mails) == 3


def test_a_kind_that_is_switched_off_is_not_written(site):
    with site.database.write() as session:
        set_refused(session, site.susan, ["letter", "secret", "unknown"], by_admin=False)
        assert list_refused(session, site.susan) == {"letter"}
    assert site.write() is None
    assert site.write(kind="secret")
    with site.database.write() as session:
        set_refused(session, site.susan, [], by_admin=False)
        assert list_refused(session, site.susan) == set()
    assert site.write()


def test_somebody_without_an_address_gets_nothing(site):
    with site.database.write() as session:
        session.execute(sa.text("UPDATE users SET email = NULL, email_key = NULL"))
    assert site.write() is None
    assert site.write(user_id=site.susan + 1) is None
    assert site.write(user_id=None) is None


def test_a_mail_may_go_to_somebody_without_an_account(site):
    mail_id = site.write(user_id=None, email="new@example.org", language="de")
    assert site.deliver() == 1
    assert site.sink.mails[0].to == ["new@example.org"]
    assert 'lang="de"' in list(site.sink.mails[0].message.iter_parts())[1].get_content()
    assert site.get(mail_id).user_id is None


def test_a_kind_is_called_by_letters(make_application):
    with pytest.raises(ConfigurationError, match="2 to 30 letters"):
        make_application(extend=lambda config: config.add_mail_kind("Two words", folder="x:y", label="X"))


def test_texts_of_a_mail_are_in_the_language_of_its_reader(site):
    mail = site.get(site.write(language="de", values={"name": "<John> & Co", "nickname": "john"}))
    assert "<John> & Co wrote" in mail.text
    assert "1 letter, Anmelden" in mail.text
    assert "&lt;John&gt; &amp; Co" in mail.html
