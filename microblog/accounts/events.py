"""What happens to accounts (see `microblog.events`)."""

from __future__ import annotations

from dataclasses import dataclass

from microblog.events import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCreated(Change):
    """There is a new person."""

    user_id: int
    nickname: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChanged(Change):
    """A person has another nickname, display name or description."""

    user_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed(Change):
    """A person has a new nickname; the former one still leads to them."""

    user_id: int
    former: str
    nickname: str
