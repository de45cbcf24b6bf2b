"""Every SQL statement of the import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql, sqlite

from microblog.accounts.models import Nickname
from microblog.accounts.nicknames import nickname_key
from microblog.archive.models import FILE_NAME_LENGTH, Import, ImportedAuthor
from microblog.posts.models import Post


@dataclass(slots=True)
class Progress:
    """How far an import has come; see `microblog.archive.models.Import`."""

    lines: int = 0
    position: int = 0
    posts: int = 0
    present: int = 0
    refused: int = 0
    finished: datetime | None = None


def progress_of(session: orm.Session, digest: str) -> Progress | None:
    """None when nothing of this file was imported."""
    row = session.execute(
        sa.select(
            Import.lines, Import.position, Import.posts, Import.present, Import.refused, Import.finished
        ).where(Import.digest == digest)
    ).one_or_none()
    return None if row is None else Progress(*row)


def start_import(session: orm.Session, digest: str, file_name: str) -> None:
    """From the first line on; also when it was imported before."""
    session.execute(sa.delete(Import).where(Import.digest == digest))
    session.execute(
        sa.insert(Import).values(
            digest=digest,
            file_name=file_name[-FILE_NAME_LENGTH:],
            started=datetime.now(UTC),
            **asdict(Progress()),
        )
    )


def save_progress(session: orm.Session, digest: str, progress: Progress) -> None:
    session.execute(sa.update(Import).where(Import.digest == digest).values(**asdict(progress)))


def owners_of_nicknames(session: orm.Session, nicknames: Iterable[str]) -> dict[str, int]:
    """Ids of those who have or had these nicknames, by the nickname's key."""
    keys = sorted({nickname_key(nickname) for nickname in nicknames})
    rows = session.execute(sa.select(Nickname.key, Nickname.user_id).where(Nickname.key.in_(keys)))
    return {row.key: row.user_id for row in rows}


def imported_authors(session: orm.Session, names: Iterable[str]) -> dict[str, int]:
    """Ids of the accounts that imports made for authors of these names, none of which is a nickname."""
    rows = session.execute(
        sa.select(ImportedAuthor.name, ImportedAuthor.user_id).where(ImportedAuthor.name.in_(sorted(names)))
    )
    return {row.name: row.user_id for row in rows}


def remember_author(session: orm.Session, name: str, user_id: int) -> None:
    session.execute(sa.insert(ImportedAuthor).values(name=name, user_id=user_id))


def add_missing_posts(session: orm.Session, rows: Sequence[dict[str, Any]]) -> set[int]:
    """The ids of those that are new. Not added: an id that is taken, a key that its author used."""
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return set(session.scalars(insert(Post.__table__).on_conflict_do_nothing().returning(Post.id), rows))


def used_keys(session: orm.Session, rows: Sequence[dict[str, Any]]) -> set[tuple[int, str]]:
    """(author, key) of those that are posts already."""
    keys = [(row["user_id"], row["form_key"]) for row in rows]
    found = session.execute(
        sa.select(Post.user_id, Post.form_key).where(sa.tuple_(Post.user_id, Post.form_key).in_(keys))
    )
    return {(row.user_id, row.form_key) for row in found}
