"""Actions on tags, in the transaction of the caller."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.tags import queries

MOST_FOLLOWED = 100  # tags; the home timeline looks at each of them


class FollowsTooManyTags(Exception):
    """Somebody follows as many tags as one can."""


def follow_tag(session: orm.Session, user_id: int, tag: str) -> None:
    """Follow a tag; harmless when it is followed already.

    :raises FollowsTooManyTags: when they are `MOST_FOLLOWED` others.
    :raises StaleData: when the person was deleted.
    """
    if not queries.follow(session, user_id, tag, MOST_FOLLOWED):
        raise FollowsTooManyTags


def unfollow_tag(session: orm.Session, user_id: int, tag: str) -> None:
    """Stop following a tag; harmless when it is not followed."""
    queries.unfollow(session, user_id, tag)
