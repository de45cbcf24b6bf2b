"""Actions between people, in the transaction of the caller."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.db import StaleData
from microblog.events import notify
from microblog.people import queries
from microblog.people.events import Blocked, Followed, Unfollowed
from microblog.people.models import Block, Follow, Mute
from microblog.people.rules import check_block, check_follow, check_mute


def follow(session: orm.Session, follower_id: int, followee_id: int, *, imported: bool = False) -> bool:
    """Follow somebody; True if they were not followed before.

    :raises FollowsOneself: when both are the same person.
    :raises StaleData: when one of them was deleted, or has blocked the other.
    """
    check_follow(follower_id, followee_id)
    queries.lock_both(session, follower_id, followee_id)
    if queries.has_blocked(session, follower_id, followee_id):
        raise StaleData("One of them has blocked the other.")
    is_new = queries.add_relation(session, Follow, follower_id, followee_id)
    if is_new:
        notify(Followed(session=session, imported=imported, follower_id=follower_id, followee_id=followee_id))
    return is_new


def unfollow(session: orm.Session, follower_id: int, followee_id: int) -> bool:
    """Stop following somebody; True if they were followed before."""
    has_followed = queries.delete_relation(session, Follow, follower_id, followee_id)
    if has_followed:
        notify(Unfollowed(session=session, follower_id=follower_id, followee_id=followee_id))
    return has_followed


def block(session: orm.Session, blocker_id: int, blocked_id: int) -> bool:
    """Block somebody, so that neither sees the other or follows them; True if it is new.

    :raises BlocksOneself: when both are the same person.
    :raises StaleData: when one of them was deleted.
    """
    check_block(blocker_id, blocked_id)
    queries.lock_both(session, blocker_id, blocked_id)
    is_new = queries.add_relation(session, Block, blocker_id, blocked_id)
    if is_new:
        unfollow(session, blocker_id, blocked_id)
        unfollow(session, blocked_id, blocker_id)
        notify(Blocked(session=session, blocker_id=blocker_id, blocked_id=blocked_id))
    return is_new


def unblock(session: orm.Session, blocker_id: int, blocked_id: int) -> bool:
    """Take a block back; True if there was one."""
    return queries.delete_relation(session, Block, blocker_id, blocked_id)


def mute(session: orm.Session, muter_id: int, muted_id: int) -> bool:
    """Keep the posts of somebody out of the lists of this person; True if it is new.

    :raises MutesOneself: when both are the same person.
    :raises StaleData: when one of them was deleted.
    """
    check_mute(muter_id, muted_id)
    queries.lock_both(session, muter_id, muted_id)
    return queries.add_relation(session, Mute, muter_id, muted_id)


def unmute(session: orm.Session, muter_id: int, muted_id: int) -> bool:
    """Show the posts of somebody again; True if they were muted."""
    return queries.delete_relation(session, Mute, muter_id, muted_id)
