"""Who may follow, block and mute whom."""

from __future__ import annotations

from microblog.i18n import _

CANNOT_FOLLOW_ONESELF = _("You cannot follow yourself.")
CANNOT_BLOCK_ONESELF = _("You cannot block yourself.")
CANNOT_MUTE_ONESELF = _("You cannot mute yourself.")


class FollowsOneself(ValueError):
    """Nobody follows themselves; the message is a sentence."""


class BlocksOneself(ValueError):
    """Nobody blocks themselves; the message is a sentence."""


class MutesOneself(ValueError):
    """Nobody mutes themselves; the message is a sentence."""


def check_follow(follower_id: int, followee_id: int) -> None:
    """:raises FollowsOneself: when both are the same person."""
    if follower_id == followee_id:
        raise FollowsOneself(CANNOT_FOLLOW_ONESELF)


def check_block(blocker_id: int, blocked_id: int) -> None:
    """:raises BlocksOneself: when both are the same person."""
    if blocker_id == blocked_id:
        raise BlocksOneself(CANNOT_BLOCK_ONESELF)


def check_mute(muter_id: int, muted_id: int) -> None:
    """:raises MutesOneself: when both are the same person."""
    if muter_id == muted_id:
        raise MutesOneself(CANNOT_MUTE_ONESELF)
