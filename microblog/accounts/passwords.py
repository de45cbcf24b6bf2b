"""Passwords: argon2id, never inside a write transaction: others would wait for it (p99 7.9 s, not 0.4).

A password is hashed in its normal form (docs/adr/0032), so that the `ä` of one keyboard is that of another.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import regex
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_CHARACTERS = 8
MOST_CHARACTERS = 1000  # a longer one only costs time

# All named, since the defaults of argon2-cffi take ten times as long (docs/adr/0004).
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
SPACE = regex.compile(r"\p{Zs}")
# No longer text has a normal form that is short enough; and to put accents in order takes the square of the
# length.
LONGEST_NORMALISED = 4 * MOST_CHARACTERS


def normalise(password: str) -> str:
    """One form of all spellings of a password: RFC 8265, OpaqueString. Far too long ones stay as they are."""
    if len(password) > LONGEST_NORMALISED:
        return password
    return unicodedata.normalize("NFC", SPACE.sub(" ", password))


def hash_password(password: str) -> str:
    return HASHER.hash(normalise(password))


@cache
def make_dummy_hash() -> str:
    return hash_password("nobody has this password")


def verify_password(password_hash: str | None, password: str) -> bool:
    """Is this the password? Takes as long when there is no such person (None).

    Hashes from before passwords were normalised are of what was typed then.
    """
    forms = dict.fromkeys([normalise(password), password])
    matches = [verify_form(password_hash, form) for form in forms]  # all, so that each takes as long
    return True in matches


def verify_form(password_hash: str | None, form: str) -> bool:
    try:
        HASHER.verify(password_hash or make_dummy_hash(), form)
    except (VerificationError, InvalidHashError):
        return False
    return bool(password_hash)


def needs_rehash(password_hash: str, password: str) -> bool:
    """Was it, which is that of this password, made with other parameters than today's, or of another form?"""
    if HASHER.check_needs_rehash(password_hash):
        return True
    return normalise(password) != password and not verify_form(password_hash, normalise(password))
