"""Every SQL statement about translations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import StaleData, build_insert
from microblog.posts.models import Post
from microblog.translation.models import Translation


@dataclass(frozen=True, slots=True)
class TranslationRow:
    """A translation as a page shows it."""

    body: str
    language: str
    translator: str


def make_digest(body: str, source: str) -> str:
    """Of what is translated: a text in the language `source`."""
    return hashlib.sha256(f"{source}\n{body}".encode()).hexdigest()


def get_translation(session: orm.Session, post_id: int, language: str, digest: str) -> TranslationRow | None:
    """None when there is none, or when it is one of another text."""
    row = session.execute(
        sa.select(Translation.body, Translation.language, Translation.translator).where(
            Translation.post_id == post_id, Translation.language == language, Translation.digest == digest
        )
    ).one_or_none()
    return None if row is None else TranslationRow(*row)


def keep_translation(session: orm.Session, post_id: int, row: TranslationRow, digest: str) -> None:
    """Keep it in place of an older one of the same language.

    :raises StaleData: when the post has been deleted meanwhile.
    """
    # Locked, so that it is not deleted before the COMMIT.
    if session.scalar(sa.select(Post.id).where(Post.id == post_id).with_for_update(read=True)) is None:
        raise StaleData("The post has been deleted.")
    values = {"digest": digest, "translator": row.translator, "body": row.body}
    insert = build_insert(session, Translation).values(post_id=post_id, language=row.language, **values)
    session.execute(insert.on_conflict_do_update(index_elements=["post_id", "language"], set_=values))
