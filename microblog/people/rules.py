"""Who may follow whom."""

from __future__ import annotations

from microblog.i18n import _

CANNOT_FOLLOW_ONESELF = _("You cannot follow yourself.")


class FollowsOneself(ValueError):
    """Nobody follows themselves; the message is a sentence."""


def check_follow(follower_id: int, followee_id: int) -> None:
    """:raises FollowsOneself: when both are the same person."""
    if follower_id == followee_id:
        raise FollowsOneself(CANNOT_FOLLOW_ONESELF)
