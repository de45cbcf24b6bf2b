"""What people do with posts, in the transaction of the caller. Doing it twice is the same as once."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.db import StaleData
from microblog.events import notify
from microblog.reactions import events, queries
from microblog.reactions.models import Bookmark, Boost, Like


class PostGone(Exception):
    """The post was deleted meanwhile."""


def like(session: orm.Session, user_id: int, post_id: int, *, imported: bool = False) -> bool:
    """Like a post; True if it was not liked before.

    :raises PostGone: when there is no such post.
    :raises StaleData: when its author or this person has blocked the other.
    """
    return _add(session, Like, events.Liked, user_id, post_id, imported)


def unlike(session: orm.Session, user_id: int, post_id: int) -> bool:
    """Stop liking a post; True if it was liked before.

    :raises PostGone: when there is no such post.
    """
    return _remove(session, Like, events.Unliked, user_id, post_id)


def boost(session: orm.Session, user_id: int, post_id: int, *, imported: bool = False) -> bool:
    """Show a post to one's followers; True if it is new.

    :raises PostGone: when there is no such post.
    :raises StaleData: when its author or this person has blocked the other.
    """
    return _add(session, Boost, events.Boosted, user_id, post_id, imported)


def unboost(session: orm.Session, user_id: int, post_id: int) -> bool:
    """Take a boost back; True if there was one.

    :raises PostGone: when there is no such post.
    """
    return _remove(session, Boost, events.Unboosted, user_id, post_id)


def bookmark(session: orm.Session, user_id: int, post_id: int, *, imported: bool = False) -> bool:
    """Keep a post for oneself; True if it is new.

    :raises PostGone: when there is no such post.
    :raises StaleData: when its author or this person has blocked the other.
    """
    return _add(session, Bookmark, events.Bookmarked, user_id, post_id, imported)


def unbookmark(session: orm.Session, user_id: int, post_id: int) -> bool:
    """Remove a bookmark; True if there was one.

    :raises PostGone: when there is no such post.
    """
    return _remove(session, Bookmark, events.Unbookmarked, user_id, post_id)


def _add(
    session: orm.Session,
    table: queries.Table,
    event: type[events.Reaction],
    user_id: int,
    post_id: int,
    imported: bool,
) -> bool:
    if queries.add(session, table, user_id, post_id):
        notify(event(session=session, imported=imported, post_id=post_id, user_id=user_id))
        return True
    if _lock(session, post_id, user_id).is_blocked:
        raise StaleData("One of them has blocked the other.")
    return False


def _remove(
    session: orm.Session, table: queries.Table, event: type[events.Reaction], user_id: int, post_id: int
) -> bool:
    _lock(session, post_id, user_id)
    was_there = queries.remove(session, table, user_id, post_id)
    if was_there:
        notify(event(session=session, post_id=post_id, user_id=user_id))
    return was_there


def _lock(session: orm.Session, post_id: int, user_id: int) -> queries.PostToReactTo:
    post = queries.lock_post(session, post_id, user_id)
    if post is None:
        raise PostGone
    return post
