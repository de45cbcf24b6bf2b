"""Actions on posts, in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import orm

from microblog.db import StaleData
from microblog.events import notify
from microblog.ids import get_present
from microblog.media import actions as media
from microblog.media.shown import NO_PICTURES, ShownPictures, dump
from microblog.outbox import queries as outbox
from microblog.posts import mention_queries, queries, versions
from microblog.posts.events import (
    PostDeleted,
    PostEdited,
    PostHeld,
    PostLanguageChanged,
    PostPublished,
    PostWritten,
)
from microblog.posts.held import HELD, Held
from microblog.posts.mentions import find_mentions

MOST_VERSIONS = 100  # of a post
PUBLISHING = "publishing"  # the kind of outbox entries of posts that are published later


class AnsweredPostDeleted(Exception):
    """The post that somebody answers was deleted meanwhile."""


class PublishedMeanwhile(Exception):
    """The post that somebody takes back is published by now."""


class EditedMeanwhile(Exception):
    """The post that somebody edits has another text than the one with which they began."""


class TooManyVersions(Exception):
    """The post was edited as often as a post may be."""


def write(
    session: orm.Session,
    author_id: int,
    body: str,
    *,
    language: str | None = None,
    reply_to: int | None = None,
    publish_at: int | Held | None = None,
    pictures: ShownPictures = NO_PICTURES,
) -> int:
    """Add a post, or a reply to one, whose text has passed `rules.check_body`; returns its id. Its pictures
    are some that wait for it.

    With `publish_at` (milliseconds since 1970) others see it only from then on; nobody sees one that is held.

    :raises AnsweredPostDeleted: when there is nothing to answer.
    :raises StaleData: when its author and this one do not see each other.
    :raises PictureGone: when one of the pictures does not wait any longer.
    """
    answered = None if reply_to is None else queries.lock_answered_post(session, reply_to, author_id)
    if reply_to is not None and answered is None:
        raise AnsweredPostDeleted
    post_id = queries.add_post(
        session,
        author_id,
        body,
        language=language,
        answered=answered,
        publish_at=None if isinstance(publish_at, Held) else publish_at,
        pictures=dump(pictures),
    )
    if pictures.pictures:
        media.attach(session, author_id, post_id, [each.name for each in pictures.pictures])
    keep_mentions(session, {post_id: body}, author_id)
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
    if isinstance(publish_at, Held):
        hold(session, post_id, author_id, body, publish_at)
    elif publish_at is None:
        notify(PostPublished(session=session, post_id=post_id, author_id=author_id, reply_to=reply_to))
    else:
        outbox.write(session, PUBLISHING, [post_id], due_at=publish_at)
    return post_id


def import_posts(session: orm.Session, rows: Sequence[dict[str, Any]]) -> int:
    """Add posts of the past: dictionaries of `id`, `user_id`, `body`, `language`, `form_key`.

    Skips ids that are taken, and keys that their author has used; returns the number of new posts.
    """
    added = queries.add_missing_posts(session, rows)
    keep_mentions(session, {row["id"]: row["body"] for row in rows if row["id"] in added})
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


def keep_mentions(session: orm.Session, bodies: Mapping[int, str], author_id: int | None = None) -> None:
    """Keep whom these new posts mention, by their texts; see `add_mentions`."""
    names = {post_id: find_mentions(body) for post_id, body in bodies.items()}
    if any(names.values()):
        mention_queries.add_mentions(session, names, author_id)


def delete(session: orm.Session, post_id: int, author_id: int) -> None:
    """Delete a post of this author.

    :raises StaleData: when there is no such post of this author.
    """
    queries.delete_own_post(session, post_id, author_id)
    notify(PostDeleted(session=session, post_id=post_id, author_id=author_id))


def take_back(session: orm.Session, post_id: int, author_id: int) -> queries.TakenBack:
    """Delete a post of this author that nobody else has seen yet: nothing is left but what this returns.

    :raises PublishedMeanwhile: when others see it by now.
    :raises StaleData: when there is no such post of this author.
    """
    if post_id < get_present():
        raise PublishedMeanwhile
    media.release(session, post_id)
    taken = queries.take_own_post(session, post_id, author_id)
    notify(PostDeleted(session=session, post_id=post_id, author_id=author_id))
    return taken


def edit(
    session: orm.Session,
    post_id: int,
    author_id: int,
    body: str,
    *,
    language: str | None,
    version: int,
    held: Held | None = None,
) -> None:
    """Give a post of this author, in its version of this number, another text, which has passed
    `rules.check_body`. The text that it had is kept; the same text again makes no version. With
    `held` nobody sees the post before a moderator has looked at it.

    :raises EditedMeanwhile: when it has another version, with another text.
    :raises TooManyVersions: when it has `MOST_VERSIONS` already.
    :raises StaleData: when there is no such post of this author.
    """
    before = versions.lock_own_text(session, post_id, author_id)
    if before is None:
        raise StaleData("There is no such post of this author.")
    if body == before.body:
        if language != before.language:
            set_language(session, post_id, author_id, language)
        return
    if version != before.version:
        raise EditedMeanwhile
    if version >= MOST_VERSIONS:
        raise TooManyVersions
    versions.replace_text(session, post_id, before, body, language)
    if find_mentions(body) != find_mentions(before.body):
        mention_queries.set_mentions(session, post_id, author_id, find_mentions(body))
    notify(
        PostEdited(
            session=session,
            post_id=post_id,
            author_id=author_id,
            body=body,
            language=language,
            version=version + 1,
            is_held=held is not None,
        )
    )
    if held is not None:
        hold(session, post_id, author_id, body, held)


def hold(session: orm.Session, post_id: int, author_id: int, body: str, held: Held) -> None:
    """Let nobody see a post until a moderator has looked at it."""
    queries.hide_post(session, post_id, HELD)
    notify(PostHeld(session=session, post_id=post_id, author_id=author_id, body=body, reason=held.reason))


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
