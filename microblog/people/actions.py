"""Actions between people, in the transaction of the caller."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.events import notify
from microblog.people import queries
from microblog.people.events import Followed, Unfollowed
from microblog.people.rules import check_follow


def follow(session: orm.Session, follower_id: int, followee_id: int, *, imported: bool = False) -> bool:
    """Follow somebody; True if they were not followed before.

    :raises FollowsOneself: when both are the same person.
    :raises StaleData: when one of them was deleted.
    """
    check_follow(follower_id, followee_id)
    is_new = queries.follow(session, follower_id, followee_id)
    if is_new:
        notify(Followed(session=session, imported=imported, follower_id=follower_id, followee_id=followee_id))
    return is_new


def unfollow(session: orm.Session, follower_id: int, followee_id: int) -> bool:
    """Stop following somebody; True if they were followed before."""
    has_followed = queries.unfollow(session, follower_id, followee_id)
    if has_followed:
        notify(Unfollowed(session=session, follower_id=follower_id, followee_id=followee_id))
    return has_followed
