"""Every SQL statement about the outbox."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.outbox.models import Entry

LEASE_MILLISECONDS = 30_000
LONGEST_PAUSE_SECONDS = 300
ERROR_CHARACTERS = 500
ENTRIES: Any = Entry.__table__  # Core, for many rows at once


@dataclass(frozen=True, slots=True)
class Leased:
    """An entry that this worker may deliver until its lease ends."""

    id: int
    key: str
    payload: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many entries wait, how many were set aside, and the oldest one's id (0: none)."""

    waiting: int
    set_aside: int


def now() -> int:
    return time.time_ns() // 1_000_000


def due(kind: str) -> sa.ColumnElement[bool]:
    moment = now()
    return sa.and_(
        Entry.kind == kind,
        Entry.set_aside.is_(False),
        Entry.next_at <= moment,
        Entry.lease_until <= moment,
    )


def any_due(session: orm.Session, kind: str) -> bool:
    return session.scalar(sa.select(Entry.id).where(due(kind)).limit(1)) is not None


def lease(session: orm.Session, kind: str, limit: int) -> list[Leased]:
    """The oldest entries that are due and that nobody else delivers; they are ours for a while."""
    query = sa.select(Entry.id).where(due(kind)).order_by(Entry.id).limit(limit)
    if session.get_bind().dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    rows = session.execute(
        sa.update(Entry)
        .where(Entry.id.in_(query.scalar_subquery()))
        .values(lease_until=now() + LEASE_MILLISECONDS, attempts=Entry.attempts + 1)
        .returning(Entry.id, Entry.key, Entry.payload, Entry.attempts)
        .execution_options(synchronize_session=False)
    )
    return sorted((Leased(*row) for row in rows), key=lambda entry: entry.id)


def finish(session: orm.Session, ids: Iterable[int]) -> None:
    """They were delivered."""
    gone = [{"gone": entry_id} for entry_id in ids]
    if gone:
        session.connection().execute(sa.delete(ENTRIES).where(ENTRIES.c.id == sa.bindparam("gone")), gone)


def postpone(session: orm.Session, entries: Iterable[Leased], error: str) -> None:
    """They could not be delivered now: again later, and ever later, up to five minutes."""
    rows = [
        {
            "late": entry.id,
            "next_at": now() + int(1000 * min(LONGEST_PAUSE_SECONDS, 2**entry.attempts / 4) * spread()),
        }
        for entry in entries
    ]
    if rows:
        session.connection().execute(
            sa.update(ENTRIES)
            .where(ENTRIES.c.id == sa.bindparam("late"))
            .values(next_at=sa.bindparam("next_at"), lease_until=0, error=error[:ERROR_CHARACTERS]),
            rows,
        )


def spread() -> float:
    """Workers that failed together do not try again together."""
    return random.uniform(0.5, 1.0)


def set_aside(session: orm.Session, reasons: Mapping[int, str]) -> None:
    """They were refused for good, each for its reason; they block nobody, and are reported."""
    for entry_id, reason in reasons.items():
        session.execute(
            sa.update(Entry)
            .where(Entry.id == entry_id)
            .values(set_aside=True, lease_until=0, error=reason[:ERROR_CHARACTERS])
        )


def hurry(session: orm.Session, kind: str) -> None:
    """Try again now what waits for its next attempt: the other side is back."""
    session.execute(sa.update(Entry).where(Entry.kind == kind, Entry.next_at > 0).values(next_at=0))


def depth(session: orm.Session, kind: str) -> Depth:
    rows = session.execute(
        sa.select(Entry.set_aside, sa.func.count()).where(Entry.kind == kind).group_by(Entry.set_aside)
    )
    counts = {bool(row[0]): row[1] for row in rows}
    return Depth(counts.get(False, 0), counts.get(True, 0))


def write(session: orm.Session, kind: str, keys: Iterable[object]) -> None:
    """New entries about these keys."""
    rows = [{"kind": kind, "key": str(key)} for key in keys]
    if rows:
        session.execute(sa.insert(Entry), rows)


def oldest_waiting(session: orm.Session, kind: str) -> int | None:
    """The id of the entry that has waited longest."""
    return session.scalar(
        sa.select(sa.func.min(Entry.id)).where(Entry.kind == kind, Entry.set_aside.is_(False))
    )
