"""Rules of nicknames, e-mail addresses, passwords and descriptions.

Each check raises `InvalidText` with a sentence.
"""

from __future__ import annotations

from collections.abc import Collection

from email_validator import EmailNotValidError

from microblog.accounts import passwords
from microblog.accounts.models import EMAIL_LENGTH
from microblog.accounts.nicknames import find_nickname_problem
from microblog.addresses import parse_address
from microblog.texts import InvalidText, check_characters, check_graphemes, check_length

ABOUT_ME_GRAPHEMES = 140
NICKNAME_MISSING = "Choose a nickname."
EMAIL_MISSING = "Give an e-mail address."
PASSWORD_MISSING = "Choose a password."  # noqa: S105  # a sentence


def check_nickname(nickname: str, reserved: Collection[str]) -> None:
    """`reserved` is usually `registry.reserved_nicknames`."""
    problem = find_nickname_problem(nickname, reserved)
    if problem is not None:
        raise InvalidText(problem)


def check_email_length(email: str) -> None:
    check_length(email, 0, EMAIL_LENGTH, "An e-mail address has at most 254 characters.")


def check_email_form(email: str) -> None:
    try:
        parse_address(email)
    except EmailNotValidError as error:
        raise InvalidText(f"This is not an e-mail address: {str(error)[:150]}") from None


def check_email(email: str) -> None:
    """All rules of an e-mail address."""
    check_email_length(email)
    check_characters(email)
    check_email_form(email)


def check_password_length(password: str) -> None:
    least, most = passwords.LEAST_CHARACTERS, passwords.MOST_CHARACTERS
    check_length(password, least, most, f"A password has {least} to {most:,} characters.")


def check_password(password: str) -> None:
    """All rules of a password."""
    check_password_length(password)
    check_characters(password)


def check_about_me(about_me: str) -> None:
    """All rules of a description, after `to_unix_lines`."""
    check_characters(about_me)
    check_graphemes(about_me, ABOUT_ME_GRAPHEMES)
