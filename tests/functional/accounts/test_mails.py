"""The mails of accounts in every language: whole, in its direction, and with nothing from elsewhere."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from tests.mails import HARD_MAILS, MAILS, TOKEN


@pytest.mark.parametrize("tag", ["en", "de", "es", "ar", "no-such-language"])
@pytest.mark.parametrize("kind", MAILS)
def test_a_mail_is_whole_in_every_language(make_application, kind, tag):
    registry = make_application({"microblog.url": "https://blog.example.org"}).registry
    mail = registry.mail_builder.build(registry.mail_kinds[kind], tag, MAILS[kind], user_id=1)
    html = BeautifulSoup(mail.html, "html.parser")
    # Also without <html>, which programs drop that show a mail inside a page of theirs.
    assert [each["dir"] for each in html.select("html, .mail")] == ["rtl" if tag == "ar" else "ltr"] * 2
    assert len({each["lang"] for each in html.select("html, .mail")}) == 1
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


def test_there_are_values_of_every_kind_of_mail(application):
    """For these tests, and for the pictures of mails (tests/browser/mail_pictures.py)."""
    assert set(MAILS) == set(application.registry.mail_kinds)


@pytest.mark.parametrize("tag", ["en", "ar"])
@pytest.mark.parametrize("name", HARD_MAILS)
def test_a_name_that_is_hard_to_draw_is_in_its_mail(application, name, tag):
    kind, values = HARD_MAILS[name]
    registry = application.registry
    mail = registry.mail_builder.build(registry.mail_kinds[kind], tag, values, user_id=1)
    if "nickname" in values:
        assert values["nickname"] in mail.text
        assert f"{values['nickname']}</bdi>" in mail.html
    assert len(mail.subject) <= 200
    assert "<b>" not in mail.html
