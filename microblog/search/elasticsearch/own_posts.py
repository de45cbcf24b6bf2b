"""Lets authors find their own posts that still wait in the outbox to be indexed."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.accounts.queries import find_owner_id
from microblog.posts.queries import list_posts_by_id
from microblog.search.highlighting import matches
from microblog.search.language import Query
from microblog.search.models import KIND
from microblog.search.queries import find_waiting_ids


def find_own_waiting_posts(session: orm.Session, query: Query, author_id: int) -> list[int]:
    """Ids of the author's newest posts that match and have a waiting outbox entry."""
    if query.author is not None and find_owner_id(session, query.author) != author_id:
        return []
    if author_id in (find_owner_id(session, author) for author in query.excluded_authors):
        return []
    return [
        post.id
        for post in list_posts_by_id(session, find_waiting_ids(session, KIND, author_id), author_id)
        if matches(query, post.language, post.body)
        and (query.since is None or post.created >= query.since)
        and (query.until is None or post.created < query.until)
    ]
