"""Actions on posts, in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import orm

from microblog.events import notify
from microblog.posts import queries
from microblog.posts.events import PostDeleted, PostWritten


def write(session: orm.Session, author_id: int, body: str, *, language: str | None = None) -> int:
    """Add a post, whose text has passed `rules.check_body`; returns its id."""
    post_id = queries.add_post(session, author_id, body, language=language)
    notify(PostWritten(session=session, post_id=post_id, author_id=author_id, body=body, language=language))
    return post_id


def import_posts(session: orm.Session, rows: Sequence[dict[str, Any]]) -> int:
    """Add posts of the past: dictionaries of `id`, `user_id`, `body`, `language`, `form_key`.

    Skips ids that are taken, and keys that their author has used; returns the number of new posts.
    """
    added = queries.add_missing_posts(session, rows)
    for row in rows:
        if row["id"] in added:
            notify(
                PostWritten(
                    session=session,
                    imported=True,
                    post_id=row["id"],
                    author_id=row["user_id"],
                    body=row["body"],
                    language=row["language"],
                )
            )
    return len(added)


def delete(session: orm.Session, post_id: int, author_id: int) -> None:
    """Delete a post of this author.

    :raises StaleData: when there is no such post of this author.
    """
    queries.delete_own_post(session, post_id, author_id)
    notify(PostDeleted(session=session, post_id=post_id, author_id=author_id))
