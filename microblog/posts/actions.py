"""Actions on posts, in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import orm

from microblog.events import notify
from microblog.posts import queries
from microblog.posts.events import PostDeleted, PostLanguageChanged, PostWritten


class AnsweredPostDeleted(Exception):
    """The post that somebody answers was deleted meanwhile."""


def write(
    session: orm.Session,
    author_id: int,
    body: str,
    *,
    language: str | None = None,
    reply_to: int | None = None,
) -> int:
    """Add a post, or a reply to one, whose text has passed `rules.check_body`; returns its id.

    :raises AnsweredPostDeleted: when there is nothing to answer.
    """
    answered = None if reply_to is None else queries.lock_answered_post(session, reply_to)
    if reply_to is not None and answered is None:
        raise AnsweredPostDeleted
    post_id = queries.add_post(session, author_id, body, language=language, answered=answered)
    notify(
        PostWritten(
            session=session,
            post_id=post_id,
            author_id=author_id,
            body=body,
            language=language,
            reply_to=reply_to,
        )
    )
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


def set_language(session: orm.Session, post_id: int, author_id: int, language: str | None) -> None:
    """Say in which language a post of this author is; None when nobody knows.

    :raises StaleData: when there is no such post of this author.
    """
    queries.set_own_language(session, post_id, author_id, language)
    notify(PostLanguageChanged(session=session, post_id=post_id, language=language))


def set_detected_languages(session: orm.Session, detected: Mapping[int, str]) -> int:
    """Set the languages of posts by their ids, but of those that have got one meanwhile.

    Returns the number of posts that were changed.
    """
    by_language: dict[str, list[int]] = {}
    for post_id, language in detected.items():
        by_language.setdefault(language, []).append(post_id)
    count = 0
    for language, ids in sorted(by_language.items()):
        for post_id in queries.set_missing_language(session, ids, language):
            notify(PostLanguageChanged(session=session, imported=True, post_id=post_id, language=language))
            count += 1
    return count
