"""Rules of nicknames, display names, e-mail addresses, passwords and descriptions.

Each check raises `InvalidText` with a sentence.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable

import regex
from email_validator import EmailNotValidError

from microblog.accounts import guessing, passwords
from microblog.accounts.models import ABOUT_ME_CODE_POINTS, DISPLAY_NAME_CODE_POINTS, EMAIL_LENGTH
from microblog.accounts.nicknames import find_nickname_problem
from microblog.addresses import parse_address
from microblog.i18n import _
from microblog.texts import (
    InvalidText,
    check_characters,
    check_graphemes,
    check_length,
    empty_if_blank,
    strip,
)

ABOUT_ME_GRAPHEMES = 140
DISPLAY_NAME_GRAPHEMES = 60
# Normalizing takes quadratic time. A longer name is refused anyway, whatever becomes of it.
LONGEST_NORMALIZED_NAME = 4 * DISPLAY_NAME_CODE_POINTS
NOT_ON_ONE_LINE = regex.compile(r"[\t\n\p{Zl}\p{Zp}]")
# Embeddings, overrides and isolates, which would reach beyond the name where nothing isolates it. The marks
# (LRM, RLM, ALM) do not, and people who write from right to left need them.
CHANGES_DIRECTION = regex.compile(r"[\u202a-\u202e\u2066-\u2069]")
AT_SIGN = regex.compile(r"[@\ufe6b\uff20]")
MANY_PARTS = _("This is too long: too many of its characters are made of several parts.")
NICKNAME_MISSING = _("Choose a nickname.")
NOT_AN_ADDRESS = _("This is not an e-mail address, such as susan@example.org.")
EMAIL_MISSING = _("Give an e-mail address.")
PASSWORD_MISSING = _("Choose a password.")
GUESSED_PASSWORD = _(
    "This password is one of those that are tried first, or like one of them. "
    "A few words in a row are easy to keep in mind and hard to guess."
)
KNOWN_PASSWORD = _(
    "A nickname, an e-mail address or the name of the site is tried first as a password. Choose another one."
)


def check_nickname(nickname: str, reserved: Collection[str]) -> None:
    """`reserved` is usually `registry.reserved_nicknames`."""
    problem = find_nickname_problem(nickname, reserved)
    if problem is not None:
        raise InvalidText(problem)


def tidy_display_name(text: str | None) -> str:
    """A display name as it is kept: without the spaces around it, in the normal form C, and empty when there
    is nothing to see.
    """
    name = strip(text)
    if len(name) > LONGEST_NORMALIZED_NAME:
        return name
    return empty_if_blank(unicodedata.normalize("NFC", name))


def check_display_name(name: str) -> None:
    """All rules of a display name, after `tidy_display_name`. It may be empty, and need not be unique."""
    check_characters(name)
    if NOT_ON_ONE_LINE.search(name):
        raise InvalidText(_("A display name is one line."))
    if CHANGES_DIRECTION.search(name):
        raise InvalidText(
            _("This has an invisible character that changes the direction of writing. Please remove it.")
        )
    if AT_SIGN.search(name):
        raise InvalidText(_("A display name has no @: your nickname is shown beside it."))
    check_graphemes(name, DISPLAY_NAME_GRAPHEMES)
    check_length(name, 0, DISPLAY_NAME_CODE_POINTS, MANY_PARTS)


def make_display_name(text: str) -> str:
    """The display name of somebody who is called so elsewhere; empty when it cannot be one."""
    name = tidy_display_name(text)
    try:
        check_display_name(name)
    except InvalidText:
        return ""
    return name


def check_email_length(email: str) -> None:
    check_length(email, 0, EMAIL_LENGTH, _("An e-mail address has at most 254 characters."))


def check_email_form(email: str) -> None:
    try:
        parse_address(email)
    except EmailNotValidError:
        raise InvalidText(NOT_AN_ADDRESS) from None


def check_email(email: str) -> None:
    """All rules of an e-mail address."""
    check_email_length(email)
    check_characters(email)
    check_email_form(email)


def check_password_length(password: str) -> None:
    """Counted as it is hashed."""
    least, most = passwords.LEAST_CHARACTERS, passwords.MOST_CHARACTERS
    normal = passwords.normalise(password)
    check_length(
        normal, least, most, _("A password has %(least)s to %(most)s characters.", least=least, most=most)
    )


def check_typed_password(password: str) -> None:
    """What is to be verified: a long one would only cost time."""
    normal = passwords.normalise(password)
    check_length(normal, 0, passwords.MOST_CHARACTERS, _("This is too long for a password."))


def check_password_is_not_guessed(password: str, known: Iterable[str]) -> None:
    """`known` are the words that everybody tries first (`get_known_words`)."""
    known, normal = tuple(known), passwords.normalise(password)
    if guessing.is_known_word(normal, known):
        raise InvalidText(KNOWN_PASSWORD)
    if guessing.is_guessed(normal, known):
        raise InvalidText(GUESSED_PASSWORD)


def get_known_words(nickname: str, email: str | None, site_name: str) -> tuple[str, ...]:
    """What is tried first as the password of this person."""
    address = email or ""
    words = (nickname, address, address.partition("@")[0], site_name)
    return tuple(word for word in words if word)


def check_password(password: str, known: Iterable[str]) -> None:
    """All rules of a password."""
    check_password_length(password)
    check_characters(password)
    check_password_is_not_guessed(password, known)


def check_about_me(about_me: str) -> None:
    """All rules of a description, after `to_unix_lines`."""
    check_characters(about_me)
    check_graphemes(about_me, ABOUT_ME_GRAPHEMES)
    check_length(about_me, 0, ABOUT_ME_CODE_POINTS, MANY_PARTS)
