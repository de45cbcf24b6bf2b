"""What may be a nickname, and what is made of one that may not."""

from __future__ import annotations

import re
from collections.abc import Collection

from microblog.accounts.models import NICKNAME_LENGTH

LEAST_CHARACTERS = 2
LONGEST_LOOKED_AT = 1000  # characters, of what is to become a nickname
NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.]")
# What people would take for the site itself. Pages reserve their own names (`reserve_nicknames`).
NAMES_OF_THE_SITE = tuple(
    """
    about admin administrator api everybody everyone feed feeds help me messages microblog moderator none
    notifications null root security settings static support system undefined webmaster
    """.split()  # noqa: SIM905  # quoted words are harder to read
)


def nickname_key(nickname: str) -> str:
    """Nicknames are unique without regard to case."""
    return nickname.lower()


def nickname_problem(nickname: str, reserved: Collection[str]) -> str | None:
    """A sentence that says why this cannot be a nickname, or None when it can.

    `reserved` are those of `registry.reserved_nicknames`.
    """
    if not LEAST_CHARACTERS <= len(nickname) <= NICKNAME_LENGTH:
        return f"A nickname has {LEAST_CHARACTERS} to {NICKNAME_LENGTH} characters."
    if NOT_ALLOWED.search(nickname):
        return "A nickname is made of the letters a to z, digits, underscores and dots."
    if nickname.startswith(".") or nickname.endswith(".") or ".." in nickname:
        return "A nickname neither begins nor ends with a dot, and has no two dots in a row."
    if nickname_key(nickname) in reserved:
        return "This nickname is reserved."
    return None


def make_valid_nickname(nickname: str) -> str:
    """Drop what a nickname may not have: `John_[123]\\n` gives `John_123`.

    What is left may still be too short, or reserved; see `make_unique_nickname`.
    """
    kept = re.sub(r"\.{2,}", ".", NOT_ALLOWED.sub("", nickname[:LONGEST_LOOKED_AT]))
    return kept.strip(".")[:NICKNAME_LENGTH].rstrip(".")


def candidates(nickname: str, reserved: Collection[str]) -> list[str]:
    """The nickname itself and the first ones made from it: susan, susan2, susan3, …"""
    start = make_valid_nickname(nickname)
    if len(start) < LEAST_CHARACTERS:
        start = f"{start}user" if not start else f"{start}_1"
    names = [start] + [f"{start[: NICKNAME_LENGTH - len(str(n))]}{n}" for n in range(2, 100)]
    return [name for name in names if nickname_problem(name, reserved) is None]
