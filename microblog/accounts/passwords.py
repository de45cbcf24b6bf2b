"""Passwords: argon2id. Never hash inside a write transaction: others would wait (p99 7.9 s, not 0.4 s)."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_CHARACTERS = 8
MOST_CHARACTERS = 1000  # a longer one only costs time

# All named, since the defaults of argon2-cffi take ten times as long (docs/adr/0004).
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    return HASHER.hash(password)


@cache
def make_dummy_hash() -> str:
    return hash_password("nobody has this password")


def verify_password(password_hash: str | None, password: str) -> bool:
    """Is this the password? Takes the same time when there is no such person (None)."""
    try:
        HASHER.verify(password_hash or make_dummy_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(password_hash)


def needs_rehash(password_hash: str) -> bool:
    """Was it hashed with other parameters than the present ones?"""
    return HASHER.check_needs_rehash(password_hash)
