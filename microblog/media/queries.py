"""Every SQL statement about the pictures that people have. What the worker and commands do is in
`upkeep_queries.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.ids import new_id
from microblog.media.models import Picture

# Of the table of people, which is above this room, no more than this is known here.
PEOPLE = sa.table(
    "users",
    sa.column("id", sa.BigInteger),
    sa.column("pictures_bytes", sa.BigInteger),
    sa.column("avatar", sa.String),
    sa.column("header", sa.String),
)


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


def delete_waiting(session: orm.Session, user_id: int, names: Sequence[str]) -> None:
    """Delete those of these pictures of a person that wait."""
    own = sa.delete(Picture).where(Picture.name.in_(names), Picture.user_id == user_id)
    session.execute(own.where(Picture.waits_since.is_not(None)))


def delete(session: orm.Session, user_id: int, names: Sequence[str]) -> None:
    """Delete these pictures of a person; their files go by and by."""
    session.execute(sa.delete(Picture).where(Picture.name.in_(names), Picture.user_id == user_id))


def set_portrait(session: orm.Session, user_id: int, column: str, name: str | None) -> str | None:
    """Set the `avatar` or `header` of a person, who is locked; returns the name of the one before."""
    own = PEOPLE.c.id == user_id
    before = session.scalar(sa.select(PEOPLE.c[column]).where(own).with_for_update(of=PEOPLE))
    session.execute(sa.update(PEOPLE).where(own).values({column: name}))
    return before
