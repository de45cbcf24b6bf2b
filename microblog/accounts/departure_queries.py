"""Every SQL statement about people who delete their account (`microblog/accounts/departures.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import Departure, GoneNickname, LoginSession, Nickname, User
from microblog.db import Base, StaleData, build_insert, require_changed

NOTHING_OF_THEM = {
    User.is_gone: True,
    User.nickname: "",
    User.email: None,
    User.email_key: None,
    User.password_hash: None,
    User.is_admin: False,
    User.is_moderator: False,
    User.is_limited: False,
    User.display_name: "",
    User.about_me: "",
    User.avatar: None,
    User.header: None,
    User.preferences: "",
    User.muted_words: "",
    User.only_read_languages: False,
    User.is_indexed: True,
    User.is_listed: True,
    User.shows_last_seen: True,
    User.last_seen: None,
}
# The order in which everybody locks rows (docs/architecture.md).
ORDER_OF_LOCKS = ("posts", "users")
# For PostgreSQL, which finds a batch by an index then, and does not read a whole table for each.
BY_INDEX = sa.text("SET LOCAL enable_seqscan = off"), sa.text("SET LOCAL enable_bitmapscan = off")


@dataclass(frozen=True, slots=True)
class DepartureRow:
    """`nickname` is empty when they are gone. `left` is the number of their posts, followers and followed."""

    user_id: int
    nickname: str
    asked: datetime
    due: datetime
    gone: datetime | None
    ended: datetime | None
    left: int


def select_departures() -> Any:
    left = User.posts_count + User.followers_count + User.following_count
    columns = (Departure.asked, Departure.due, Departure.gone, Departure.ended)
    query = sa.select(
        Departure.user_id, sa.func.coalesce(User.nickname, ""), *columns, sa.func.coalesce(left, 0)
    )
    return query.outerjoin(User, User.id == Departure.user_id).order_by(Departure.asked, Departure.user_id)


def list_departures(session: orm.Session) -> list[DepartureRow]:
    """All that are known, those who asked first."""
    return [DepartureRow(*row) for row in session.execute(select_departures())]


def get_departure(session: orm.Session, user_id: int) -> DepartureRow | None:
    row = session.execute(select_departures().where(Departure.user_id == user_id)).one_or_none()
    return None if row is None else DepartureRow(*row)


def select_gone() -> Any:
    """The ids of the people of whom nothing is seen (`User.is_gone`): for lists that do not join them."""
    return sa.select(User.id).where(User.is_gone)


def select_limited() -> Any:
    """The ids of the people who are in no list of everybody (`User.is_limited`), likewise."""
    return sa.select(User.id).where(User.is_limited)


def list_due(session: orm.Session, now: datetime, limit: int) -> list[int]:
    """The ids of people who leave by now, those who are gone already first."""
    query = sa.select(Departure.user_id).where(Departure.due <= now, Departure.ended.is_(None))
    query = query.order_by(Departure.gone.is_(None), Departure.due, Departure.user_id)
    return list(session.scalars(query.limit(limit)))


def is_admin(session: orm.Session, user_id: int) -> bool:
    return bool(session.scalar(sa.select(User.is_admin).where(User.id == user_id)))


def lock_admins(session: orm.Session) -> None:
    """Let no two of the admins go at once."""
    admins = sa.select(User.id).where(User.is_admin).order_by(User.id)
    session.execute(admins.with_for_update(key_share=True)).all()


def is_last_admin(session: orm.Session, user_id: int) -> bool:
    """Is this person an admin, and nobody else who stays?"""
    leaves = sa.select(Departure.user_id).where(Departure.user_id == User.id).exists()
    others = sa.select(User.id).where(User.is_admin, User.id != user_id, ~leaves).exists()
    mine = sa.select(User.id).where(User.id == user_id, User.is_admin, ~others)
    return session.scalar(mine) is not None


def add_departure(
    session: orm.Session, user_id: int, asked: datetime, due: datetime, *, verified: str | None
) -> None:
    """Note that somebody leaves, and end all their sessions.

    `verified` is the hash of the password that was verified, if any. Log-ins under way are waited for.

    :raises StaleData: when the hash has changed, or the person was deleted.
    """
    person = sa.select(User.id).where(User.id == user_id, sa.not_(User.is_gone))
    if verified is not None:
        person = person.where(User.password_hash == verified)
    if session.scalar(person.with_for_update(key_share=True)) is None:
        raise StaleData("The password has changed, or the person was deleted.")
    values = {"asked": asked, "due": due}
    insert = build_insert(session, Departure).values(user_id=user_id, **values)
    session.execute(insert.on_conflict_do_update(index_elements=[Departure.user_id], set_=values))
    session.execute(sa.delete(LoginSession).where(LoginSession.user_id == user_id))


def cancel_departure(session: orm.Session, user_id: int) -> bool:
    """Somebody stays; False when they did not leave, or are gone already."""
    waiting = sa.delete(Departure).where(Departure.user_id == user_id, Departure.gone.is_(None))
    return session.scalar(waiting.returning(Departure.user_id)) is not None


def make_unreachable(session: orm.Session, user_id: int, now: datetime) -> bool:
    """Take away all that somebody is known and reached by; False when they do not leave by now.

    Log-ins under way are waited for: one that keeps them is known then.
    """
    session.execute(sa.select(User.id).where(User.id == user_id).with_for_update()).all()
    waiting = sa.update(Departure).where(
        Departure.user_id == user_id, Departure.due <= now, Departure.gone.is_(None)
    )
    found = session.scalar(waiting.values(gone=now).returning(Departure.user_id))
    if found is None:
        return False
    mine = Nickname.user_id == user_id
    keys = sa.insert(GoneNickname).from_select([GoneNickname.key], sa.select(Nickname.key).where(mine))
    session.execute(keys)
    session.execute(sa.delete(Nickname).where(mine))
    session.execute(sa.update(User).where(User.id == user_id).values(NOTHING_OF_THEM))
    session.execute(sa.delete(LoginSession).where(LoginSession.user_id == user_id))
    return True


def lock_departure(session: orm.Session, user_id: int) -> bool:
    """Keep other workers from removing what is left of somebody; False when one does, or it is done."""
    if session.get_bind().dialect.name == "postgresql":
        for statement in BY_INDEX:
            session.execute(statement)
    is_left = sa.and_(Departure.gone.is_not(None), Departure.ended.is_(None))
    left = sa.select(Departure.user_id).where(Departure.user_id == user_id, is_left)
    return session.scalar(left.with_for_update(skip_locked=True)) is not None


def list_references(models: Iterable[type[Base]], table: str) -> list[sa.Column[Any]]:
    """The columns of these models that refer to this table, in the order of their names."""
    keys = [key for model in models for key in model.__table__.foreign_keys]
    columns = [key.parent for key in keys if key.column.table.name == table]
    return sorted(columns, key=lambda column: (column.table.name, column.name))


def find_crowded(
    session: orm.Session, columns: Sequence[sa.Column[Any]], ids: Sequence[int], most: int
) -> list[sa.Column[Any]]:
    """Those of these columns by which more than so many rows refer to these ids, by one statement."""
    one: Any = sa.literal_column("1")
    checks = [
        sa.select(sa.literal_column(str(number), sa.Integer)).where(
            sa.select(one).where(column.in_(ids)).offset(most).limit(1).correlate(None).exists()
        )
        for number, column in enumerate(columns)
    ]
    return [columns[number] for number in session.scalars(sa.union_all(*checks))]


def remove_references(session: orm.Session, column: sa.Column[Any], ids: Sequence[int], limit: int) -> int:
    """Do to at most so many rows, which refer to others by this column, what the deletion of these would do.

    Returns how many there were; 0 when none is left. All that changes by it is locked first.
    """
    table = column.table
    key = list(table.primary_key)
    others = {each.parent: each.column.table.name for each in table.foreign_keys}
    found = session.execute(sa.select(*key, *others).where(column.in_(ids)).limit(limit)).all()
    if not found:
        return 0
    referred = zip(*(row[len(key) :] for row in found), strict=True)
    lock_in_order(session, list(zip(others.values(), referred, strict=True)))
    chosen = sa.tuple_(*key).in_([tuple(row[: len(key)]) for row in found])
    # Not by the index of the column, which has all of the rows.
    still = sa.func.coalesce(column, 0).in_(ids)
    if {each.ondelete for each in column.foreign_keys} == {"SET NULL"}:
        session.execute(sa.update(table).where(chosen, still).values({column: None}))
    else:
        session.execute(sa.delete(table).where(chosen, still))
    return len(found)


def lock_in_order(session: orm.Session, referred: Sequence[tuple[str, Iterable[int | None]]]) -> None:
    """Lock these rows of posts and of people, by their ids: posts first, as everybody does."""
    for name in ORDER_OF_LOCKS:
        ids = {each for table, some in referred if table == name for each in some if each is not None}
        if ids and session.get_bind().dialect.name == "postgresql":
            id_column: Any = sa.column("id", sa.BigInteger)
            rows = sa.select(id_column).select_from(sa.table(name, id_column)).where(id_column.in_(ids))
            session.execute(rows.order_by(id_column).with_for_update(key_share=True)).all()


def end_departure(session: orm.Session, user_id: int, now: datetime) -> None:
    """Delete the last row of somebody, with what was missed."""
    session.execute(sa.delete(User).where(User.id == user_id, User.is_gone))
    require_changed(
        session.execute(sa.update(Departure).where(Departure.user_id == user_id).values(ended=now))
    )


def delete_old_departures(session: orm.Session, until: datetime) -> None:
    session.execute(sa.delete(Departure).where(Departure.ended <= until))


@dataclass(frozen=True, slots=True)
class Overview:
    """`waiting` people leave later. Of `leaving` something is left: of the first of them `since` then. `late`
    is when the oldest one was due that should be over.
    """

    waiting: int
    leaving: int
    since: datetime | None
    late: datetime | None


def get_overview(session: orm.Session, now: datetime, late: timedelta) -> Overview:
    is_waiting = Departure.gone.is_(None)
    is_late = Departure.due <= now - late
    count = sa.func.count()
    query = sa.select(
        count.filter(is_waiting),
        count.filter(~is_waiting),
        sa.func.min(Departure.gone),
        sa.func.min(sa.case((is_late, Departure.due))),
    )
    return Overview(*session.execute(query.where(Departure.ended.is_(None))).one())
