"""The mails of accounts in every language: whole, in its direction, and with nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

TOKEN = "x" * 43
MAILS = {
    "sign_up": {"token": TOKEN, "nickname": "susan"},
    "taken": {"nickname": "susan"},
    "confirm": {"token": TOKEN},
    "reset": {"token": TOKEN, "nickname": "susan"},
    "new_address": {"token": TOKEN, "nickname": "susan"},
    "address_taken": {"nickname": "susan"},
    "address_changed": {"token": TOKEN},
    "registration": {},
    "approved": {"nickname": "susan"},
    "refused": {"nickname": "susan"},
}


@pytest.mark.parametrize("tag", ["en", "de", "es", "ar", "no-such-language"])
@pytest.mark.parametrize("kind", MAILS)
def test_a_mail_is_whole_in_every_language(make_application, kind, tag):
    registry = make_application({"microblog.url": "https://blog.example.org"}).registry
    mail = registry.mail_builder.build(registry.mail_kinds[kind], tag, MAILS[kind], user_id=1)
    assert f'dir="{"rtl" if tag == "ar" else "ltr"}"' in mail.html
    assert not re.search(r"<(img|script|link|iframe)\b|\burl\(|@import", mail.html)
    links = re.findall(r'https?://[^\s"<]+', f"{mail.text} {mail.html}")
    assert {link for link in links if not link.startswith("https://blog.example.org/")} == set()
    if "token" in MAILS[kind]:
        assert {link.endswith(TOKEN) for link in links} == {True, False}
    assert "microblog" in mail.subject
    assert "&" not in mail.text
    assert mail.message_id.endswith("@blog.example.org>")


def test_a_mail_in_another_language_says_it_so(make_application):
    registry = make_application().registry
    mails = {
        tag: registry.mail_builder.build(registry.mail_kinds["reset"], tag, MAILS["reset"], user_id=1)
        for tag in ("en", "de", "es", "ar")
    }
    assert mails["de"].subject == "Ein neues Passwort für microblog"
    assert len({mail.subject for mail in mails.values()}) == len(mails)
    assert len({mail.text for mail in mails.values()}) == len(mails)
