"""Every SQL statement of the worker and of commands about pictures and their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import Database
from microblog.media.models import Picture, PictureFilesToDelete
from microblog.media.plans import AVATAR, POST
from microblog.media.queries import PEOPLE
from microblog.media.shown import load

# Of the table of posts, which is above this room, no more than this is known here.
POSTS = sa.table("posts", sa.column("id", sa.BigInteger), sa.column("pictures", sa.Text))
ROWS_AT_ONCE = 500
MOST_COUNTED = 10_000  # for metrics, which are read every few seconds
MOST_NAMED = 20  # of what is wrong in the same way

# What the worker does


def delete_old(session: orm.Session, before: int, limit: int) -> int:
    """Delete pictures that have waited since before this time (milliseconds); returns how many were found.

    Their people are locked first, in the order of their ids, as by whoever uses a picture: the trigger counts
    for all of them at once. Another worker, or a post that takes one meanwhile, does no harm.
    """
    old = sa.select(Picture.id, Picture.user_id).where(Picture.waits_since < before)
    rows = session.execute(old.order_by(Picture.waits_since).limit(limit)).all()
    if rows:
        owners = sa.select(PEOPLE.c.id).where(PEOPLE.c.id.in_({row.user_id for row in rows}))
        session.execute(owners.order_by(PEOPLE.c.id).with_for_update(key_share=True, of=PEOPLE)).all()
        ids = [row.id for row in rows]
        session.execute(sa.delete(Picture).where(Picture.id.in_(ids), Picture.waits_since < before))
    return len(rows)


def count_old(session: orm.Session, before: int) -> int:
    """How many pictures have waited since before this time (milliseconds)."""
    old = sa.select(sa.func.count()).select_from(Picture).where(Picture.waits_since < before)
    return session.scalar(old) or 0


@dataclass(frozen=True, slots=True)
class Leftover:
    """A picture that is gone, and how many files it had."""

    name: str
    files: int


def list_leftovers(session: orm.Session, after: str, limit: int) -> list[Leftover]:
    """Pictures that are gone and whose files are there, after this name, in the order of their names."""
    query = sa.select(PictureFilesToDelete.name, PictureFilesToDelete.files)
    query = query.where(PictureFilesToDelete.name > after).order_by(PictureFilesToDelete.name)
    return [Leftover(*row) for row in session.execute(query.limit(limit))]


def forget_leftovers(session: orm.Session, names: Sequence[str]) -> None:
    """The files of these pictures are deleted. What another worker forgets at the same time is left to it."""
    found = sa.select(PictureFilesToDelete.name).where(PictureFilesToDelete.name.in_(names))
    locked = found.order_by(PictureFilesToDelete.name).with_for_update(skip_locked=True)
    ours = session.scalars(locked).all()
    session.execute(sa.delete(PictureFilesToDelete).where(PictureFilesToDelete.name.in_(ours)))


def count_known_files(session: orm.Session, names: Sequence[str]) -> dict[str, int]:
    """How many files these pictures have, those that are gone included; without those that no row knows."""
    found: dict[str, int] = {}
    rows = sa.select(Picture.name, Picture.checksums).where(Picture.name.in_(names))
    for name, checksums in session.execute(rows):
        found[name] = len(checksums.split())
    gone = sa.select(PictureFilesToDelete.name, PictureFilesToDelete.files)
    for name, files in session.execute(gone.where(PictureFilesToDelete.name.in_(names))):
        found[name] = files
    return found


# What commands and metrics tell


@dataclass(frozen=True, slots=True)
class Total:
    """Pictures of one purpose: those that are shown, those that wait, and the bytes of both."""

    purpose: str
    shown: int
    waiting: int
    bytes: int


def list_totals(session: orm.Session) -> list[Total]:
    """Of each purpose, by its name. Reads all pictures."""
    is_waiting = Picture.waits_since.is_not(None)
    query = sa.select(
        Picture.purpose,
        sa.func.count().filter(~is_waiting),
        sa.func.count().filter(is_waiting),
        sa.func.sum(Picture.bytes),
    )
    rows = session.execute(query.group_by(Picture.purpose).order_by(Picture.purpose))
    return [Total(purpose, shown, waiting, int(size)) for purpose, shown, waiting, size in rows]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """How many pictures wait, and how many are gone and have files, up to `MOST_COUNTED`; since when the
    oldest of each does (milliseconds since 1970)."""

    waiting: int
    waiting_since: int | None
    leftovers: int
    leftovers_since: int | None


def get_unfinished(session: orm.Session) -> Unfinished:
    """Of few rows, by their index, however many pictures there are."""
    waiting = sa.select(Picture.waits_since).where(Picture.waits_since.is_not(None))
    first = waiting.order_by(Picture.waits_since).limit(MOST_COUNTED).subquery()
    since = sa.select(PictureFilesToDelete.since).limit(MOST_COUNTED).subquery()
    query = sa.select(
        sa.select(sa.func.count()).select_from(first).scalar_subquery(),
        sa.select(sa.func.min(first.c.waits_since)).scalar_subquery(),
        sa.select(sa.func.count()).select_from(since).scalar_subquery(),
        sa.select(sa.func.min(since.c.since)).scalar_subquery(),
    )
    return Unfinished(*session.execute(query).one())


# What the checks compare


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """What is known of the files of a picture: the SHA-256 of each, hexadecimal."""

    name: str
    checksums: tuple[str, ...]


def list_pictures(session: orm.Session, after: str, limit: int) -> list[KeptPicture]:
    """Pictures after this name, in the order of their names."""
    query = sa.select(Picture.name, Picture.checksums).where(Picture.name > after)
    rows = session.execute(query.order_by(Picture.name).limit(limit))
    return [KeptPicture(name, tuple(checksums.split())) for name, checksums in rows]


def walk_pictures(database: Database, rows_at_once: int = ROWS_AT_ONCE) -> Iterator[KeptPicture]:
    """All pictures, in the order of their names; no transaction stays open meanwhile."""
    after = ""
    while True:
        with database.read() as session:
            found = list_pictures(session, after, rows_at_once)
        yield from found
        if len(found) < rows_at_once:
            return
        after = found[-1].name


def count_pictures(session: orm.Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(Picture)) or 0


def find_pictures(session: orm.Session, names: Sequence[str]) -> set[str]:
    """Those of these names that a picture has."""
    return set(session.scalars(sa.select(Picture.name).where(Picture.name.in_(names))))


RIGHT_BYTES = "(SELECT coalesce(sum(p.bytes), 0) FROM pictures p WHERE p.user_id = users.id)"
WRONG_BYTES = f"pictures_bytes <> {RIGHT_BYTES}"
REPAIR_OF_BYTES = f"UPDATE users SET pictures_bytes = {RIGHT_BYTES} WHERE {WRONG_BYTES};"  # noqa: S608  # constants


def find_wrong_bytes(session: orm.Session) -> list[int]:
    """People whose `pictures_bytes` is not the sum of their pictures, some of them."""
    wrong = sa.select(PEOPLE.c.id).where(sa.text(WRONG_BYTES))
    return list(session.scalars(wrong.order_by(PEOPLE.c.id).limit(MOST_NAMED)))


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A post that names a picture which is not its own; or a picture that its post, or its person, does not
    name. `owner` is the id of the post; None where there is none."""

    owner: int | None
    name: str


def walk_posts(database: Database, rows_at_once: int = ROWS_AT_ONCE) -> Iterator[tuple[Mismatch, bool]]:
    """What posts name and is not theirs (True), and what is theirs and is not named (False)."""
    after = 0
    while True:
        query = sa.select(POSTS.c.id, POSTS.c.pictures).where(
            POSTS.c.pictures.is_not(None), POSTS.c.id > after
        )
        with database.snapshot() as session:
            posts = session.execute(query.order_by(POSTS.c.id).limit(rows_at_once)).all()
            ids = [post.id for post in posts]
            rows = session.execute(sa.select(Picture.post_id, Picture.name).where(Picture.post_id.in_(ids)))
            kept = {(post_id, name) for post_id, name in rows}
        named = {(post.id, each.name) for post in posts for each in load(post.pictures).pictures}
        yield from ((Mismatch(*pair), True) for pair in sorted(named - kept))
        yield from ((Mismatch(*pair), False) for pair in sorted(kept - named))
        if len(posts) < rows_at_once:
            return
        after = ids[-1]


def find_unshown(session: orm.Session) -> list[Mismatch]:
    """Pictures that wait for nothing, and that neither a post nor their person shows, some of them. Those of
    posts that show others are found by `walk_posts`."""
    query = (
        sa.select(Picture.post_id, Picture.name)
        .select_from(Picture)
        .outerjoin(POSTS, POSTS.c.id == Picture.post_id)
        .outerjoin(PEOPLE, PEOPLE.c.id == Picture.user_id)
        .where(
            Picture.waits_since.is_(None),
            sa.case(
                (Picture.purpose == POST, POSTS.c.pictures.is_(None)),
                (Picture.purpose == AVATAR, PEOPLE.c.avatar.is_distinct_from(Picture.name)),
                else_=PEOPLE.c.header.is_distinct_from(Picture.name),
            ),
        )
    )
    rows = session.execute(query.order_by(Picture.id).limit(MOST_NAMED))
    return [Mismatch(*row) for row in rows]


def find_strange_portraits(session: orm.Session, purpose: str) -> list[int]:
    """People whose avatar, or header, is not a picture of theirs, some of them."""
    column = PEOPLE.c[purpose]
    is_theirs = sa.exists().where(
        Picture.name == column,
        Picture.user_id == PEOPLE.c.id,
        Picture.purpose == purpose,
        Picture.waits_since.is_(None),
    )
    strange = sa.select(PEOPLE.c.id).where(column.is_not(None), ~is_theirs)
    return list(session.scalars(strange.order_by(PEOPLE.c.id).limit(MOST_NAMED)))


# What an operator may paste into a shell of the database


def write_repair_of_portraits(purpose: str, ids: Sequence[str]) -> str:
    """The statement that takes the avatar, or header, from these people."""
    return f"UPDATE users SET {purpose} = NULL WHERE id IN ({', '.join(ids)});"  # noqa: S608  # is shown


def write_repair_of_unshown(names: Sequence[str]) -> str:
    """The statement after which the worker deletes these pictures."""
    listed = ", ".join(f"'{name}'" for name in names)
    return f"UPDATE pictures SET waits_since = 0, post_id = NULL WHERE name IN ({listed});"  # noqa: S608
