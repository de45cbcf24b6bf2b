"""What an operator writes about mail, and what of it stops the start."""

from __future__ import annotations

import pytest

from microblog.mail.messages import get_sender, make_message, to_one_line
from microblog.mail.settings import ADMINS, SENDER, addresses
from microblog.settings import SettingsError


def test_admins_are_separated_by_blanks_or_commas(make_settings):
    settings = make_settings(admins="susan@example.org, root@localhost  zoë@bücher.example")
    assert settings[ADMINS] == ("susan@example.org", "root@localhost", "zoë@xn--bcher-kva.example")
    assert str(settings[ADMINS]) == "susan@example.org root@localhost zoë@xn--bcher-kva.example"
    assert make_settings()[ADMINS] == ()


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"admins": "susan"}, "microblog.admins must be e-mail addresses, such as admin@example.org"),
        ({"admins": "a@example.org b@@localhost"}, "microblog.admins must be e-mail addresses"),
        ({"mail_sender": "Microblog"}, "microblog.mail.sender must be an e-mail address"),
        ({"mail": "smtp", "mail_smtp_user": "susan"}, "microblog.mail.smtp.password is missing"),
        ({"mail": "smtp", "mail_smtp_password": "x"}, "microblog.mail.smtp.user is missing"),
        ({"mail_smtp_user": "süsan"}, "microblog.mail.smtp.user must have only ASCII characters"),
        ({"mail": "smtp"}, "microblog.mail.sender is missing"),
        (
            {
                "mail": "smtp",
                "url": "https://blog.example",
                "mail_smtp_host": "mail.example.org",
                "mail_smtp_user": "susan",
                "mail_smtp_password": "open sesame",
            },
            "microblog.mail.smtp.password would be sent to mail.example.org for everybody on the way to read",
        ),
    ],
)
def test_a_wrong_mail_setting_stops_the_start(make_settings, values, fault):
    with pytest.raises(SettingsError) as caught:
        make_settings(**values)
    assert fault in str(caught.value)
    assert "open sesame" not in str(caught.value)


def test_a_password_may_go_unencrypted_to_this_machine(make_settings):
    settings = make_settings(
        mail="smtp", mail_sender="a@example.org", mail_smtp_user="susan", mail_smtp_password="x"
    )
    assert settings[SENDER] == "a@example.org"


@pytest.mark.parametrize(
    ("values", "sender"),
    [
        ({"mail_sender": "The Blog <blog@bücher.example>"}, ("The Blog", "blog@xn--bcher-kva.example")),
        ({"url": "https://blog.example.org:8443"}, ("", "microblog@blog.example.org")),
        ({"url": "http://[::1]:6543"}, ("", "microblog@localhost")),
        ({"mail_sender": ""}, ("", "microblog@localhost")),
    ],
)
def test_mail_comes_from_whom_was_set_or_from_the_site(make_settings, values, sender):
    settings = make_settings(**values)
    assert get_sender(settings) == sender
    assert (
        make_message(settings, "a@example.org", "Hello", "Text")["From"].addresses[0].addr_spec == sender[1]
    )


def test_no_mail_is_sent_to_an_invalid_address(make_settings):
    with pytest.raises(ValueError, match="e-mail address"):
        make_message(make_settings(), "a@example.org\nBcc: b@example.org", "Hello", "Text")


def test_a_subject_is_one_line_that_is_not_too_long(make_settings):
    message = make_message(
        make_settings(), "a@example.org", "One\r\nBcc: b@example.org\x1b" + "x" * 300, "Text"
    )
    assert message["Bcc"] is None
    assert str(message["Subject"]).startswith("One Bcc: b@example.org xxx")
    assert len(message["Subject"]) == 200
    assert to_one_line("x" * 5, 5) == "xxxxx"


def test_no_addresses_are_none():
    assert addresses(" , ") == ()
