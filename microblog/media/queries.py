"""Every SQL statement about pictures and their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.ids import new_id
from microblog.media.models import Picture, PictureFilesToDelete

# Of the table of people, which is above this room, no more than this is known here.
PEOPLE = sa.table(
    "users",
    sa.column("id", sa.BigInteger),
    sa.column("pictures_bytes", sa.BigInteger),
    sa.column("avatar", sa.String),
    sa.column("header", sa.String),
)
ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A picture as its owner has it."""

    id: int
    name: str
    width: int
    height: int
    color: str


COLUMNS = (Picture.id, Picture.name, Picture.width, Picture.height, Picture.color)


def lock_bytes(session: orm.Session, user_id: int) -> int | None:
    """How many bytes the pictures of a person have, who is locked; None when there is no such person."""
    own = sa.select(PEOPLE.c.pictures_bytes).where(PEOPLE.c.id == user_id)
    return session.scalar(own.with_for_update(key_share=True, of=PEOPLE))


def get_bytes(session: orm.Session, user_id: int) -> int:
    """How many bytes the pictures of a person have."""
    return session.scalar(sa.select(PEOPLE.c.pictures_bytes).where(PEOPLE.c.id == user_id)) or 0


def count_waiting(session: orm.Session, user_id: int, most: int) -> int:
    """How many pictures of a person wait for a post, up to so many."""
    own = sa.select(Picture.id).where(Picture.user_id == user_id, Picture.waits_since.is_not(None))
    return session.scalar(sa.select(sa.func.count()).select_from(own.limit(most).subquery())) or 0


def add(session: orm.Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add pictures: dictionaries of all columns but the id."""
    session.execute(sa.insert(Picture), [{"id": new_id(), **row} for row in rows])


def list_waiting(session: orm.Session, user_id: int, names: Sequence[str], purpose: str) -> list[PictureRow]:
    """Those of these pictures of a person that wait, in the order of the names."""
    query = sa.select(*COLUMNS).where(
        Picture.name.in_(names),
        Picture.user_id == user_id,
        Picture.purpose == purpose,
        Picture.waits_since.is_not(None),
    )
    found = {row.name: PictureRow(*row) for row in session.execute(query)}
    return [found[name] for name in dict.fromkeys(names) if name in found]


def take(session: orm.Session, user_id: int, names: Sequence[str], post_id: int | None) -> int:
    """These pictures of a person wait no longer; returns how many of them did."""
    waiting = sa.update(Picture).where(
        Picture.name.in_(names), Picture.user_id == user_id, Picture.waits_since.is_not(None)
    )
    result: Any = session.execute(waiting.values(waits_since=None, post_id=post_id))
    return int(result.rowcount)


def release(session: orm.Session, post_id: int, since: int) -> None:
    """The pictures of a post wait again."""
    own = sa.update(Picture).where(Picture.post_id == post_id)
    session.execute(own.values(waits_since=since, post_id=None))


def delete(session: orm.Session, user_id: int, names: Sequence[str]) -> None:
    """Delete these pictures of a person; their files go by and by."""
    session.execute(sa.delete(Picture).where(Picture.name.in_(names), Picture.user_id == user_id))


def set_portrait(session: orm.Session, user_id: int, column: str, name: str | None) -> str | None:
    """Set the `avatar` or `header` of a person, who is locked; returns the name of the one before."""
    own = PEOPLE.c.id == user_id
    before = session.scalar(sa.select(PEOPLE.c[column]).where(own).with_for_update(of=PEOPLE))
    session.execute(sa.update(PEOPLE).where(own).values({column: name}))
    return before


# What the worker does


def delete_old(session: orm.Session, before: int, limit: int) -> int:
    """Delete pictures that have waited since before this time (milliseconds); returns how many."""
    old = sa.select(Picture.id).where(Picture.waits_since < before).order_by(Picture.waits_since).limit(limit)
    ids = session.scalars(old.with_for_update(skip_locked=True)).all()
    if ids:
        session.execute(sa.delete(Picture).where(Picture.id.in_(ids), Picture.waits_since < before))
    return len(ids)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A picture that is gone, and how many files it had."""

    name: str
    files: int


def list_leftovers(session: orm.Session, limit: int) -> list[Leftover]:
    """Pictures that are gone and whose files are there, some of them."""
    query = sa.select(PictureFilesToDelete.name, PictureFilesToDelete.files).limit(limit)
    return [Leftover(*row) for row in session.execute(query)]


def forget_leftovers(session: orm.Session, names: Sequence[str]) -> None:
    """The files of these pictures are deleted."""
    session.execute(sa.delete(PictureFilesToDelete).where(PictureFilesToDelete.name.in_(names)))


def find_unknown(session: orm.Session, names: Sequence[str]) -> set[str]:
    """Those of these names of pictures that no row has, neither of a picture nor of one that is gone."""
    known = set(session.scalars(sa.select(Picture.name).where(Picture.name.in_(names))))
    known |= set(
        session.scalars(sa.select(PictureFilesToDelete.name).where(PictureFilesToDelete.name.in_(names)))
    )
    return set(names) - known


# What the commands and checks look at


@dataclass(frozen=True, slots=True)
class Totals:
    """Pictures that posts and profiles show, those that wait, those that are gone and whose files wait to be
    deleted, and the bytes of the first two."""

    shown: int
    waiting: int
    leftovers: int
    bytes: int
    oldest_leftover: int | None  # milliseconds since 1970


def get_totals(session: orm.Session) -> Totals:
    is_waiting = Picture.waits_since.is_not(None)
    counts = sa.select(
        sa.func.count().filter(~is_waiting),
        sa.func.count().filter(is_waiting),
        sa.func.coalesce(sa.func.sum(Picture.bytes), 0),
    ).select_from(Picture)
    shown, waiting, size = session.execute(counts).one()
    gone = sa.select(sa.func.count(), sa.func.min(PictureFilesToDelete.since))
    leftovers, oldest = session.execute(gone).one()
    return Totals(shown, waiting, leftovers, int(size), oldest)


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """What is known of the files of a picture: `checksums` of each, and the `bytes` of all."""

    id: int
    name: str
    checksums: str
    bytes: int


def walk(session: orm.Session) -> Iterator[list[KeptPicture]]:
    """All pictures, in the order of their ids, some at a time."""
    after = 0
    while True:
        query = sa.select(Picture.id, Picture.name, Picture.checksums, Picture.bytes)
        query = query.where(Picture.id > after).order_by(Picture.id).limit(ROWS_AT_ONCE)
        rows = [KeptPicture(*row) for row in session.execute(query)]
        if not rows:
            return
        yield rows
        after = rows[-1].id


def find_wrong_bytes(session: orm.Session) -> list[int]:
    """People whose `pictures_bytes` is not the sum of their pictures, at most a hundred of them."""
    right = sa.select(sa.func.coalesce(sa.func.sum(Picture.bytes), 0)).where(Picture.user_id == PEOPLE.c.id)
    wrong = sa.select(PEOPLE.c.id).where(PEOPLE.c.pictures_bytes != right.scalar_subquery())
    return list(session.scalars(wrong.order_by(PEOPLE.c.id).limit(100)))
