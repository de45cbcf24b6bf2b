"""The SQL statements of the import."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import Nickname
from microblog.accounts.nicknames import make_nickname_key
from microblog.db import StaleData, build_insert
from microblog.importing.models import FILE_NAME_LENGTH, Import, ImportedAuthor
from microblog.posts.models import Post


@dataclass(slots=True)
class Progress:
    """The progress of an import; see `microblog.importing.models.Import`."""

    lines: int = 0
    position: int = 0
    posts: int = 0
    present: int = 0
    refused: int = 0
    finished: datetime | None = None


def get_progress(session: orm.Session, digest: str) -> Progress | None:
    """The progress of a file; None when none of it was imported."""
    row = session.execute(
        sa.select(
            Import.lines, Import.position, Import.posts, Import.present, Import.refused, Import.finished
        ).where(Import.digest == digest)
    ).one_or_none()
    return None if row is None else Progress(*row)


class ImportedElsewhere(Exception):
    """Another process is importing the same file."""


def start_import(session: orm.Session, digest: str, file_name: str) -> None:
    """Record that the import begins with the first line, also when the file was imported before.

    :raises ImportedElsewhere: when another process starts it at the same time.
    """
    session.execute(sa.delete(Import).where(Import.digest == digest))
    row = {"digest": digest, "file_name": file_name[-FILE_NAME_LENGTH:], "started": datetime.now(UTC)}
    insert = build_insert(session, Import).values(**row, **asdict(Progress())).on_conflict_do_nothing()
    if session.scalar(insert.returning(Import.digest)) is None:
        raise ImportedElsewhere(file_name)


def save_progress(session: orm.Session, digest: str, progress: Progress, *, position: int) -> None:
    """Save progress that was made from `position`, that of the progress before.

    :raises ImportedElsewhere: when another process has continued from there, or started again.
    """
    same = sa.and_(Import.digest == digest, Import.position == position)
    update = sa.update(Import).where(same).values(**asdict(progress))
    if session.scalar(update.returning(Import.digest)) is None:
        raise ImportedElsewhere(digest)


def find_owners(session: orm.Session, nicknames: Iterable[str]) -> dict[str, int]:
    """Ids of the people who have or had these nicknames, by the nickname's key."""
    keys = sorted({make_nickname_key(nickname) for nickname in nicknames})
    rows = session.execute(sa.select(Nickname.key, Nickname.user_id).where(Nickname.key.in_(keys)))
    return {row.key: row.user_id for row in rows}


def find_imported_authors(session: orm.Session, names: Iterable[str]) -> dict[str, int]:
    """Ids of the accounts that imports made for authors with these names, by name."""
    rows = session.execute(
        sa.select(ImportedAuthor.name, ImportedAuthor.user_id).where(ImportedAuthor.name.in_(sorted(names)))
    )
    return {row.name: row.user_id for row in rows}


def record_author(session: orm.Session, name: str, user_id: int) -> None:
    """:raises StaleData: when another import has just recorded an author of this name."""
    insert = build_insert(session, ImportedAuthor).values(name=name, user_id=user_id).on_conflict_do_nothing()
    if session.scalar(insert.returning(ImportedAuthor.name)) is None:
        raise StaleData(f"Another import has just added {name}.")


def find_ids_by_keys(session: orm.Session, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """The ids of the existing posts with these (author, key)."""
    found = session.execute(
        sa.select(Post.user_id, Post.form_key, Post.id).where(
            sa.tuple_(Post.user_id, Post.form_key).in_(keys)
        )
    )
    return {(row.user_id, row.form_key): row.id for row in found}


# One parameter for any number of ranges. CROSS JOIN makes SQLite look up the posts of each range, and not the
# ranges of each post.
IDS_IN_RANGES = {
    dialect: sa.text(
        f"SELECT ranges.first, posts.id FROM {ranges} CROSS JOIN posts "  # noqa: S608  # ours
        "WHERE posts.id >= ranges.first AND posts.id < ranges.first + :length"
    )
    for dialect, ranges in {
        "sqlite": "(SELECT value AS first FROM json_each(:firsts)) ranges",
        "postgresql": "unnest(CAST(:firsts AS bigint[])) AS ranges(first)",
    }.items()
}


def find_ids_in_ranges(session: orm.Session, firsts: Sequence[int], length: int) -> dict[int, list[int]]:
    """The ids of posts, sorted, in ranges of `length` ids, by the first id of each range."""
    dialect = session.get_bind().dialect.name
    parameter = json.dumps(firsts) if dialect == "sqlite" else firsts
    found: dict[int, list[int]] = {first: [] for first in firsts}
    rows = session.execute(IDS_IN_RANGES[dialect], {"firsts": parameter, "length": length})
    for first, post_id in sorted(map(tuple, rows)):
        found[first].append(post_id)
    return found
