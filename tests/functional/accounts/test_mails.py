"""The mails of accounts in every language: whole, in its direction, and with nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from microblog.accounts.browsers import describe_browser

TOKEN = "x" * 43
JOHN = {"nickname": "john", "display_name": "John"}
MAILS: dict[str, dict[str, Any]] = {
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
    "new_browser": {
        "browser": describe_browser("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        "address": "192.0.2.0/24",
        "when": "2026-11-27 00:40 UTC",
    },
    "follow": JOHN,
    "mention": {**JOHN, "body": "Hello", "post_id": 7},
    "answer": {**JOHN, "body": "Hello", "post_id": 7},
    "message": JOHN,
    "digest": {"lines": [], "number": 1, "more": 0, "is_all_counted": True},
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
    assert (
        "John" if "display_name" in MAILS[kind] else "1" if kind == "digest" else "microblog"
    ) in mail.subject
    assert ("/unsubscribe/" in mail.text) == registry.mail_kinds[kind].is_switchable
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
