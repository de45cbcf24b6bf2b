"""Nicknames: which are valid, and how to make a valid one."""

from __future__ import annotations

import re
from collections.abc import Collection

from microblog.accounts.models import NICKNAME_LENGTH
from microblog.i18n import _

LEAST_CHARACTERS = 2
LONGEST_SOURCE = 1000  # characters of a text that is made into a nickname
NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.]")
# Names that people would take for the site itself. Rooms reserve those of their pages (`reserve_nicknames`).
NAMES_OF_THE_SITE = tuple(
    """
    about admin administrator api everybody everyone feed feeds help me messages microblog moderator none
    notifications null root security settings static support system undefined webmaster
    """.split()  # noqa: SIM905  # quoted words are harder to read
)


def make_nickname_key(nickname: str) -> str:
    """The key of a nickname: they are unique without regard to case."""
    return nickname.lower()


def find_nickname_problem(nickname: str, reserved: Collection[str]) -> str | None:
    """A sentence that says why the nickname is not valid; None when it is.

    `reserved` is usually `registry.reserved_nicknames`.
    """
    if not LEAST_CHARACTERS <= len(nickname) <= NICKNAME_LENGTH:
        return _(
            "A nickname has %(least)s to %(most)s characters.", least=LEAST_CHARACTERS, most=NICKNAME_LENGTH
        )
    if NOT_ALLOWED.search(nickname):
        return _("A nickname is made of the letters a to z, digits, underscores and dots.")
    if nickname.startswith(".") or nickname.endswith(".") or ".." in nickname:
        return _("A nickname neither begins nor ends with a dot, and has no two dots in a row.")
    if make_nickname_key(nickname) in reserved:
        return _("This nickname is reserved.")
    return None


def make_valid_nickname(nickname: str) -> str:
    """Remove characters that a nickname may not have: `John_[123]\\n` gives `John_123`.

    The result may be too short, or reserved; see `make_unique_nickname`.
    """
    kept = re.sub(r"\.{2,}", ".", NOT_ALLOWED.sub("", nickname[:LONGEST_SOURCE]))
    return kept.strip(".")[:NICKNAME_LENGTH].rstrip(".")


def list_candidates(nickname: str, reserved: Collection[str]) -> list[str]:
    """The valid ones among the nickname and its variants: susan, susan2, susan3, …"""
    start = make_valid_nickname(nickname)
    if len(start) < LEAST_CHARACTERS:
        start = f"{start}user" if not start else f"{start}_1"
    names = [start] + [f"{start[: NICKNAME_LENGTH - len(str(n))]}{n}" for n in range(2, 100)]
    return [name for name in names if find_nickname_problem(name, reserved) is None]
