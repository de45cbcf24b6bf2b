"""What a description, an e-mail address and a password may be, without a form."""

from __future__ import annotations

from functools import partial

import pytest

from microblog.accounts import rules
from microblog.accounts.rules import check_about_me, check_email
from microblog.texts import InvalidText

check_password = partial(rules.check_password, known=("susan", "susan@example.com", "microblog"))


@pytest.mark.parametrize(
    ("check", "text", "words"),
    [
        (check_about_me, "x" * 141, "1 character too long: at most 140"),
        (check_about_me, "a\x00b", "control character"),
        (check_email, f"{'x' * 250}@example.com", "at most 254 characters"),
        (check_email, "a\x00b@example.com", "control character"),
        (check_email, "nobody", "not an e-mail address"),
        (check_password, "x" * 7, "8 to 1,000 characters"),
        (check_password, "x" * 1001, "8 to 1,000 characters"),
        (check_password, "12345678\x00", "control character"),
    ],
)
def test_an_invalid_text_is_refused_with_a_sentence(check, text, words):
    with pytest.raises(InvalidText, match=words):
        check(text)


def test_a_valid_text_is_not_refused():
    check_about_me("🌱" * 140)
    check_email("susan@bücher.example")
    check_password("ein Pferd, eine Klammer")
