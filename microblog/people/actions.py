"""What people can do with each other, in the transaction of the caller."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.events import notify
from microblog.people import queries
from microblog.people.events import Followed, Unfollowed
from microblog.people.rules import check_follow


def follow(session: orm.Session, follower_id: int, followee_id: int, *, imported: bool = False) -> bool:
    """Is that new? Following twice is harmless.

    :raises FollowsOneself: when they are one person.
    :raises StaleData: when one of them is gone.
    """
    check_follow(follower_id, followee_id)
    is_new = queries.follow(session, follower_id, followee_id)
    if is_new:
        notify(Followed(session=session, imported=imported, follower_id=follower_id, followee_id=followee_id))
    return is_new


def unfollow(session: orm.Session, follower_id: int, followee_id: int) -> bool:
    """Has anything changed? Not following is harmless."""
    has_followed = queries.unfollow(session, follower_id, followee_id)
    if has_followed:
        notify(Unfollowed(session=session, follower_id=follower_id, followee_id=followee_id))
    return has_followed
