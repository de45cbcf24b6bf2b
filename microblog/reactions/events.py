"""What people do with posts (see `microblog.events`)."""

from __future__ import annotations

from dataclasses import dataclass

from microblog.events import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction(Change):
    """Somebody did something with a post; subscribe to one of the classes below."""

    post_id: int
    user_id: int


class Liked(Reaction):
    """Somebody likes a post that they did not like before."""


class Unliked(Reaction):
    """Somebody no longer likes a post."""


class Boosted(Reaction):
    """Somebody shows a post to their followers, which they did not before."""


class Unboosted(Reaction):
    """Somebody has taken back that they boosted a post."""


class Bookmarked(Reaction):
    """Somebody has a new bookmark, which is nobody else's business."""


class Unbookmarked(Reaction):
    """Somebody has removed a bookmark."""
