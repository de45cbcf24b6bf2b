"""The posts of somebody who is gone (`microblog/accounts/departures.py`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import orm

from microblog.accounts.departure_queries import find_crowded, list_references, remove_references
from microblog.db import get_models
from microblog.posts import actions, queries

# Each takes as long as many rows of other steps, and may come after many of those.
MOST_POSTS = 25


def remove_posts(session: orm.Session, user_id: int, limit: int) -> int:
    """Delete so many posts of somebody, or fewer. Where many rows refer to them, some of these come first: a
    post may have a hundred thousand likes, which its own deletion would take with it at once.
    """
    ids = queries.lock_posts_to_delete(session, user_id, min(limit, MOST_POSTS))
    if not ids:
        return 0
    columns = list_references(get_models(session.info["registry"]).values(), "posts")
    for column in find_crowded(session, columns, ids, limit):
        return remove_references(session, column, ids, limit)
    for post_id in ids:
        actions.delete(session, post_id, user_id)
    return len(ids)


def includeme(config: Any) -> None:
    config.add_departure_step("posts", remove_posts, order=10)
