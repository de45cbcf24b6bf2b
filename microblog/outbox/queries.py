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

# More than a delivery may take with all its timeouts.
LEASE_MILLISECONDS = 60_000
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
    lease_until: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many entries wait, how many were set aside, and for how long the oldest has waited."""

    waiting: int
    set_aside: int
    lag_seconds: float


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
    # Two statements: as a subquery, PostgreSQL may run the LIMIT more than once, and lease too many.
    # SQLite, which has one writer at a time, leaves FOR UPDATE out.
    ids = session.scalars(query.with_for_update(skip_locked=True)).all()
    rows = session.execute(
        sa.update(Entry)
        .where(Entry.id.in_(ids))
        .values(lease_until=now() + LEASE_MILLISECONDS, attempts=Entry.attempts + 1)
        .returning(Entry.id, Entry.key, Entry.payload, Entry.attempts, Entry.lease_until)
        .execution_options(synchronize_session=False)
    )
    return sorted((Leased(*row) for row in rows), key=lambda entry: entry.id)


def still_leased(session: orm.Session, entries: Iterable[Leased]) -> set[int]:
    """The ids of those that nobody else took, or finished, since their lease ended."""
    leases = {entry.id: entry.lease_until for entry in entries}
    query = sa.select(Entry.id, Entry.lease_until).where(Entry.id.in_(leases)).with_for_update()
    return {row.id for row in session.execute(query) if row.lease_until == leases[row.id]}


def finish(session: orm.Session, ids: Iterable[int]) -> None:
    """They were delivered."""
    gone = [{"gone": entry_id} for entry_id in ids]
    if gone:
        session.connection().execute(sa.delete(ENTRIES).where(ENTRIES.c.id == sa.bindparam("gone")), gone)


def postpone(
    session: orm.Session,
    entries: Iterable[Leased],
    error: str,
    *,
    longest_seconds: int = LONGEST_PAUSE_SECONDS,
) -> None:
    """They could not be delivered now: again later, and ever later."""
    rows = [
        {
            "late": entry.id,
            "next_at": now() + int(1000 * pause_seconds(entry.attempts, longest_seconds)),
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


def pause_seconds(attempts: int, longest: int) -> float:
    """Workers that failed together do not try again together."""
    return min(longest, 2.0 ** min(attempts, 30) / 4) * random.uniform(0.5, 1.0)


def set_aside(session: orm.Session, reasons: Mapping[int, str]) -> None:
    """They were refused for good, each for its reason; they block nobody, and are reported."""
    for entry_id, reason in reasons.items():
        session.execute(
            sa.update(Entry)
            .where(Entry.id == entry_id)
            .values(set_aside=True, lease_until=0, error=reason[:ERROR_CHARACTERS])
        )


def hurry(session: orm.Session, kind: str) -> None:
    """Try again now what waits for its next attempt: the other side is back.

    Not what another worker has in hand: two that lock many entries in any order would meet in a deadlock.
    """
    late = sa.select(Entry.id).where(Entry.kind == kind, Entry.next_at > 0).with_for_update(skip_locked=True)
    session.execute(
        sa.update(Entry)
        .where(Entry.id.in_(late))
        .values(next_at=0)
        .execution_options(synchronize_session=False)
    )


def depths(session: orm.Session) -> dict[str, Depth]:
    """`depth` of every kind of which there are entries."""
    kinds = session.scalars(sa.select(Entry.kind).distinct()).all()
    return {kind: depth(session, kind) for kind in sorted(kinds)}


def depth(session: orm.Session, kind: str) -> Depth:
    rows = session.execute(
        sa.select(Entry.set_aside, sa.func.count(), sa.func.min(Entry.created))
        .where(Entry.kind == kind)
        .group_by(Entry.set_aside)
    )
    counts = {bool(aside): (count, oldest) for aside, count, oldest in rows}
    waiting, oldest = counts.get(False, (0, now()))
    return Depth(waiting, counts.get(True, (0, 0))[0], max(0, now() - oldest) / 1000)


def write(session: orm.Session, kind: str, keys: Iterable[object]) -> None:
    """New entries about these keys."""
    rows = [{"kind": kind, "key": str(key), "created": now()} for key in keys]
    if rows:
        session.execute(sa.insert(Entry), rows)


def waiting_keys(session: orm.Session, kind: str, keys: Iterable[object]) -> set[str]:
    """Those of the keys for which an entry waits."""
    query = sa.select(Entry.key).where(
        Entry.kind == kind, Entry.set_aside.is_(False), Entry.key.in_([str(key) for key in keys])
    )
    return set(session.scalars(query))


def forget_all(session: orm.Session, kind: str) -> None:
    """Nothing of this kind is to be delivered any more."""
    session.execute(sa.delete(Entry).where(Entry.kind == kind))


def forget_set_aside(session: orm.Session, kind: str) -> None:
    """What was refused was dealt with otherwise."""
    session.execute(sa.delete(Entry).where(Entry.kind == kind, Entry.set_aside.is_(True)))
