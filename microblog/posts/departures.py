"""The posts of somebody who is gone (`microblog/accounts/departures.py`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import orm

from microblog.accounts.departure_queries import list_references, remove_references
from microblog.db import get_models
from microblog.posts import actions, queries


def remove_posts(session: orm.Session, user_id: int, limit: int) -> int:
    """Delete about so many posts of somebody, and before them what refers to them: a post may have a hundred
    thousand likes, which its own deletion would take with it at once.
    """
    ids = queries.lock_posts_to_delete(session, user_id, limit)
    left = limit
    for column in list_references(get_models(session.info["registry"]).values(), "posts") if ids else ():
        left -= remove_references(session, column, ids, left)
        if left <= 0:
            return limit
    for post_id in ids[:left]:
        actions.delete(session, post_id, user_id)
    return limit - left + len(ids[:left])


def includeme(config: Any) -> None:
    config.add_departure_step("posts", remove_posts, order=10)
