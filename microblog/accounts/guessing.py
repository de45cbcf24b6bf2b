"""Passwords that are tried first: common ones, and what everybody knows of the person and the site."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from zxcvbn_rs_py import zxcvbn

# So many guesses find every password of the list of 30,000 common ones, also in capitals (docs/adr/0032); the
# limits of a log-in leave time for a few hundred a day.
LEAST_GUESSES = 100_000


def fold(text: str) -> str:
    """The same for all spellings, whatever their case."""
    return unicodedata.normalize("NFC", text).casefold()


def is_known_word(password: str, known: Iterable[str]) -> bool:
    """Is the password one of these: the nickname, the address or the first part of it, the site's name?"""
    return fold(password) in {fold(word) for word in known}


def is_guessed(password: str, known: Iterable[str] = ()) -> bool:
    """Is it found within few tries, by a list or by a pattern such as `aaaaaaaa` or `qwertyuiop`?

    Takes some milliseconds, for the longest password 50.
    """
    guesses: int = zxcvbn(fold(password), [fold(word) for word in known if word]).guesses
    return guesses < LEAST_GUESSES
