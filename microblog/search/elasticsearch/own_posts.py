"""What authors find before the index knows it: their own posts that still wait in the outbox."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.posts.queries import posts_by_id
from microblog.search.language import Query
from microblog.search.marks import matches
from microblog.search.models import KIND
from microblog.search.queries import waiting_posts


def find_waiting_posts(session: orm.Session, query: Query, author_id: int) -> list[int]:
    """Ids of the author's newest posts that match, and about which an entry waits."""
    return [
        post.id
        for post in posts_by_id(session, waiting_posts(session, KIND, author_id))
        if matches(query, post.author, post.language, post.body)
        and (query.since is None or post.created >= query.since)
        and (query.until is None or post.created < query.until)
    ]
