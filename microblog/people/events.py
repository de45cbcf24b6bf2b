"""What happens between people (see `microblog.events`)."""

from __future__ import annotations

from dataclasses import dataclass

from microblog.events import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(Change):
    """Somebody follows somebody whom they did not follow before."""

    follower_id: int
    followee_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfollowed(Change):
    """Somebody no longer follows somebody."""

    follower_id: int
    followee_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked(Change):
    """Somebody has blocked somebody; neither follows the other any longer."""

    blocker_id: int
    blocked_id: int
