"""What happens to accounts (see `microblog.events`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged(Change):
    """Somebody has a role (`admin`, `moderator`) now, or has it no longer."""

    user_id: int
    role: str
    is_granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLeaving(Change):
    """Somebody deletes their account. They are as before until `due`, and stay if they log in until then."""

    user_id: int
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKept(Change):
    """Somebody who was to leave stays."""

    user_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDeleted(Change):
    """Somebody is gone: from now on nobody may see anything of them, or reach them.

    Their row in `users` is there still, without their name, until the worker has removed what refers to it.
    """

    user_id: int
