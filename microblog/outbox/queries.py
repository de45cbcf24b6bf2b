"""The SQL statements of the outbox."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql, sqlite

from microblog.db import build_insert, select_once
from microblog.ids import get_now
from microblog.outbox.models import Entry, Pause
from microblog.outbox.payloads import NOT_JSON, decode, encode
from microblog.outbox.unique import ENTRIES, ERROR_CHARACTERS, Fold, build_put_back, put_back, renew

LEASE_SECONDS = 60.0  # more than a delivery may take with all its timeouts
LONGEST_PAUSE_SECONDS = 300.0

Order = Literal["any", "key"]


@dataclass(frozen=True, slots=True)
class Leased:
    """An entry that this worker may deliver until its lease ends; `payload` is decoded."""

    id: int
    key: str
    payload: Any
    attempts: int
    lease_until: int
    destination: str | None = None
    is_unique: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """How long to wait after a failure: longer each time up to the longest, and as the other side asked.

    The other side's wait is binding when it is about one entry: then success with others does not end it.
    """

    longest_seconds: float = LONGEST_PAUSE_SECONDS
    at_least_seconds: float = 0.0
    is_binding: bool = False

    def get_seconds(self, attempts: int) -> float:
        return max(self.at_least_seconds, compute_pause_seconds(attempts, self.longest_seconds))


A_WHILE = Wait()


@dataclass(frozen=True, slots=True)
class Depth:
    """How many entries wait, how many are dead letters, and for how long the oldest has waited."""

    waiting: int
    dead_letters: int
    lag_seconds: float


# Writing


def write(
    session: orm.Session,
    kind: str,
    keys: Iterable[object],
    *,
    payload: Any = None,
    destination: str | None = None,
    due_at: int = 0,
) -> None:
    """Write entries about these keys; they are not delivered before `due_at` (milliseconds since 1970)."""
    rows = [build_row(kind, key, payload, destination, due_at) for key in keys]
    if rows:
        session.execute(sa.insert(Entry), rows)


def write_unique(
    session: orm.Session,
    kind: str,
    key: object,
    *,
    payload: Any = None,
    destination: str | None = None,
    due_at: int = 0,
    fold: Fold | None = None,
) -> None:
    """Write an entry, or a newer payload for the waiting one about this key, which stays due when it was.

    With `fold` its payload becomes `fold(waiting, new)`. The entry is locked until the end of the
    transaction, so that no worker delivers it before the rest of this change is committed.
    """
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    row = {**build_row(kind, key, payload, destination, due_at), "is_unique": True}
    insert = dialect.insert(Entry).values(row).on_conflict_do_nothing().returning(Entry.id)
    # Repeated only when another transaction wrote or leased one in between.
    while not renew(session, kind, str(key), payload, fold) and session.scalar(insert) is None:
        pass


def build_row(kind: str, key: object, payload: Any, destination: str | None, due_at: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "key": str(key),
        "payload": encode(payload),
        "destination": destination,
        "created": get_now(),
        "next_at": due_at,
    }


# Delivering


def is_due(kind: str, order: Order = "any") -> sa.ColumnElement[bool]:
    at = get_now()
    is_paused = sa.exists().where(
        Pause.kind == kind, Pause.destination == Entry.destination, Pause.until > at
    )
    conditions = [
        Entry.kind == kind,
        Entry.is_dead_letter.is_(False),
        Entry.next_at <= at,
        Entry.lease_until <= at,
        sa.or_(Entry.destination.is_(None), ~is_paused),
    ]
    if order == "key":
        earlier = orm.aliased(Entry)
        conditions.append(
            ~sa.exists().where(
                earlier.kind == kind,
                earlier.key == Entry.key,
                earlier.is_dead_letter.is_(False),
                earlier.id < Entry.id,
            )
        )
    return sa.and_(*conditions)


def is_any_due(session: orm.Session, kind: str, *, order: Order = "any") -> bool:
    return session.scalar(sa.select(Entry.id).where(is_due(kind, order)).limit(1)) is not None


def lease(
    session: orm.Session,
    kind: str,
    limit: int,
    *,
    order: Order = "any",
    seconds: float = LEASE_SECONDS,
) -> list[Leased]:
    """Lease the oldest entries that are due and not leased by another worker, for this many seconds.

    An entry with an unreadable payload becomes a dead letter, so that it does not hold up the others.
    """
    query = sa.select(Entry.id).where(is_due(kind, order)).order_by(Entry.id).limit(limit)
    # Two statements: as a subquery, PostgreSQL may run the LIMIT more than once, and lease too many.
    # SQLite, which has one writer at a time, leaves FOR UPDATE out.
    ids = session.scalars(query.with_for_update(skip_locked=True)).all()
    rows = session.execute(
        sa.update(Entry)
        .where(Entry.id.in_(ids))
        .values(lease_until=get_now() + int(1000 * seconds), attempts=Entry.attempts + 1)
        .returning(
            Entry.id,
            Entry.key,
            Entry.payload,
            Entry.attempts,
            Entry.lease_until,
            Entry.destination,
            Entry.is_unique,
        )
    )
    leased = []
    for id, key, text, attempts, until, destination, is_unique in rows.all():
        try:
            payload = decode(text)
        except ValueError:
            make_dead_letters(session, {id: NOT_JSON})
        else:
            leased.append(Leased(id, key, payload, attempts, until, destination, is_unique))
    return sorted(leased, key=lambda entry: entry.id)


def find_still_leased(session: orm.Session, entries: Iterable[Leased]) -> set[int]:
    """The ids of those that no other worker has leased or acknowledged since their lease ended."""
    leases = {entry.id: entry.lease_until for entry in entries}
    query = sa.select(Entry.id, Entry.lease_until).where(Entry.id.in_(leases)).with_for_update()
    return {row.id for row in session.execute(query) if row.lease_until == leases[row.id]}


def acknowledge(session: orm.Session, ids: Iterable[int]) -> None:
    """Delete entries that were delivered."""
    rows = [{"delivered": entry_id} for entry_id in ids]
    if rows:
        delete = sa.delete(ENTRIES).where(ENTRIES.c.id == sa.bindparam("delivered"))
        session.connection().execute(delete, rows)


def retry_later(
    session: orm.Session,
    kind: str,
    entries: Iterable[Leased],
    error: str,
    *,
    wait: Wait = A_WHILE,
    fold: Fold | None = None,
) -> None:
    """Put back entries that could not be delivered, to be retried after a wait.

    A unique entry is merged into the other one about its key that waits, if there is one.
    """
    rows = []
    for entry in entries:
        at = get_now()
        not_before = at + int(1000 * wait.at_least_seconds) if wait.is_binding else 0
        next_at = at + int(1000 * wait.get_seconds(entry.attempts))
        row = {"late": entry.id, "next_at": next_at, "not_before": not_before}
        if entry.is_unique:
            put_back(session, kind, entry, row, error, fold)
        else:
            rows.append(row)
    if rows:
        session.connection().execute(build_put_back(error), rows)


def compute_pause_seconds(attempts: int, longest: float) -> float:
    """Random, so that workers that failed at the same time do not retry at the same time."""
    return min(longest, 2.0 ** min(attempts, 30) / 4) * random.uniform(0.5, 1.0)


def make_dead_letters(session: orm.Session, reasons: Mapping[int, str]) -> None:
    """Entries that were refused for good, each for its reason, become dead letters."""
    for entry_id, reason in reasons.items():
        session.execute(
            sa.update(Entry)
            .where(Entry.id == entry_id)
            .values(is_dead_letter=True, lease_until=0, error=reason[:ERROR_CHARACTERS])
        )


def retry_now(
    session: orm.Session,
    kind: str,
    destination: str | None = None,
    *,
    except_keys: Iterable[str] = (),
    most_attempts: int | None = None,
) -> None:
    """Retry failed entries for this destination now: it works again.

    Except entries about the keys `except_keys`, entries that failed more often than `most_attempts`, and
    entries before the time that the other side asked for. Skip entries that another worker has locked: two
    workers that lock many in any order would deadlock.
    """
    late = (
        sa.select(Entry.id)
        .where(
            Entry.kind == kind,
            Entry.next_at > Entry.not_before,
            Entry.attempts > 0,
            Entry.key.not_in(list(except_keys)),
            Entry.destination.is_not_distinct_from(destination),
            sa.true() if most_attempts is None else Entry.attempts <= most_attempts,
        )
        .with_for_update(skip_locked=True)
    )
    session.execute(sa.update(Entry).where(Entry.id.in_(select_once(late))).values(next_at=Entry.not_before))


# Destinations


def pause(
    session: orm.Session,
    kind: str,
    destination: str,
    error: str,
    *,
    wait: Wait = A_WHILE,
) -> None:
    """Send nothing to this destination for a while, longer after each failure in a row."""
    new = build_insert(session, Pause).values(kind=kind, destination=destination, until=0, failures=1)
    failures = session.scalar(
        new.on_conflict_do_update(
            index_elements=[Pause.kind, Pause.destination], set_={"failures": Pause.failures + 1}
        ).returning(Pause.failures)
    )
    seconds = wait.get_seconds(failures or 1)
    session.execute(
        sa.update(Pause)
        .where(Pause.kind == kind, Pause.destination == destination)
        .values(until=get_now() + int(1000 * seconds), error=error[:ERROR_CHARACTERS])
    )


def end_pause(session: orm.Session, kind: str, destination: str | None = None) -> int:
    """Deliver to this destination again, or to all; return its failures in a row, 0 without a pause."""
    ended = sa.delete(Pause).where(Pause.kind == kind)
    if destination is not None:
        ended = ended.where(Pause.destination == destination)
    failures = ended.returning(Pause.failures)
    return max(session.scalars(failures), default=0)


# Measuring


def measure_depths(session: orm.Session) -> dict[str, Depth]:
    """The depth of each kind that has entries."""
    kinds = session.scalars(sa.select(Entry.kind).distinct()).all()
    return {kind: measure_depth(session, kind) for kind in sorted(kinds)}


def measure_depth(session: orm.Session, kind: str) -> Depth:
    """The depth of one kind; an entry that is due later does not lag before it is due."""
    at = get_now()
    age_from = sa.case(
        (Entry.attempts == 0, select_greater(Entry.created, Entry.next_at)), else_=Entry.created
    )
    rows = session.execute(
        sa.select(Entry.is_dead_letter, sa.func.count(), sa.func.min(age_from))
        .where(Entry.kind == kind)
        .group_by(Entry.is_dead_letter)
    )
    counts = {bool(is_dead): (count, oldest) for is_dead, count, oldest in rows}
    waiting, oldest = counts.get(False, (0, at))
    return Depth(waiting, counts.get(True, (0, 0))[0], max(0, at - oldest) / 1000)


def select_greater(one: Any, other: Any) -> sa.ColumnElement[int]:
    """The greater of two columns; the SQL function for it has another name in each database."""
    return sa.case((one > other, one), else_=other)


def find_waiting_keys(session: orm.Session, kind: str, keys: Iterable[object]) -> set[str]:
    """Those of the keys that have a waiting entry."""
    query = sa.select(Entry.key).where(
        Entry.kind == kind, Entry.is_dead_letter.is_(False), Entry.key.in_([str(key) for key in keys])
    )
    return set(session.scalars(query))


def delete_all(session: orm.Session, kind: str) -> None:
    """Delete all entries of a kind."""
    session.execute(sa.delete(Entry).where(Entry.kind == kind))


def delete_dead_letters(session: orm.Session, kind: str) -> None:
    """Delete the dead letters of a kind, which were handled in another way."""
    session.execute(sa.delete(Entry).where(Entry.kind == kind, Entry.is_dead_letter))
