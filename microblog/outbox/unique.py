"""Unique entries: at most one about each key waits, and others are merged into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.outbox.models import Entry
from microblog.outbox.payloads import NOT_JSON, decode, encode

if TYPE_CHECKING:
    from microblog.outbox.queries import Leased

ERROR_CHARACTERS = 500
ENTRIES: Any = Entry.__table__  # Core, for many rows at once

Fold = Callable[[Any, Any], Any]
"""Called with the waiting payload and the new one; returns the payload for both."""


def renew(session: orm.Session, kind: str, key: str, payload: Any, fold: Fold | None) -> bool:
    """Give the waiting unique entry about this key the payload; False when none waits."""
    waiting = get_waiting(session, kind, key)
    if waiting is None:
        return False
    payload = encode(fold_payloads(fold, waiting.payload, payload))
    if is_newest(session, kind, key, waiting.id):
        change(session, waiting.id, payload=payload)
    else:
        replace(session, waiting.id, payload=payload)
    return True


def is_newest(session: orm.Session, kind: str, key: str, entry_id: int) -> bool:
    """Is no newer entry about this key being delivered?"""
    newer = sa.select(Entry.id).where(
        Entry.kind == kind,
        Entry.key == key,
        Entry.is_unique,
        Entry.is_dead_letter.is_(False),
        Entry.id > entry_id,
    )
    return session.scalar(newer.limit(1)) is None


def replace(session: orm.Session, entry_id: int, **values: Any) -> None:
    """Write the entry anew with these values and a new id, which makes it the newest."""
    row = session.execute(sa.select(ENTRIES).where(ENTRIES.c.id == entry_id)).one()
    delete(session, entry_id)
    copied = {name: value for name, value in row._mapping.items() if name != "id"}
    session.execute(sa.insert(ENTRIES).values({**copied, **values}))


def put_back(
    session: orm.Session, kind: str, entry: Leased, row: dict[str, int], error: str, fold: Fold | None
) -> None:
    """Put back a unique entry, to be retried later, or merge it into the one that waits."""
    while not merge_into_waiting(session, kind, entry, row, error, fold):
        try:
            with session.begin_nested():
                session.connection().execute(build_put_back(error), row)
        except sa.exc.IntegrityError:  # another transaction has just written a newer one
            continue
        return


def build_put_back(error: str) -> sa.Update:
    change = sa.update(ENTRIES).where(ENTRIES.c.id == sa.bindparam("late"))
    times: dict[str, Any] = {name: sa.bindparam(name) for name in ("next_at", "not_before")}
    return change.values(lease_until=0, error=error[:ERROR_CHARACTERS], **times)


def merge_into_waiting(
    session: orm.Session, kind: str, entry: Leased, row: dict[str, int], error: str, fold: Fold | None
) -> bool:
    """Merge the entry, with its age and failures, into the waiting one about its key; False when none waits.

    The waiting one may be older, when both were leased and that one was put back first.
    """
    waiting = get_waiting(session, kind, entry.key)
    if waiting is None:
        return False
    is_newer = waiting.id > entry.id
    payload = (
        fold_payloads(fold, entry.payload, waiting.payload)
        if is_newer
        else fold_payloads(fold, waiting.payload, entry.payload)
    )
    created = session.scalars(sa.select(Entry.created).where(Entry.id == entry.id)).one()
    # The newer id is kept: it says which one is newer when a third one is put back.
    delete(session, min(entry.id, waiting.id))
    change(
        session,
        max(entry.id, waiting.id),
        lease_until=0,
        payload=encode(payload),
        created=min(waiting.created, created),
        attempts=max(waiting.attempts, entry.attempts),
        next_at=max(waiting.next_at, row["next_at"]) if waiting.attempts else row["next_at"],
        not_before=max(waiting.not_before, row["not_before"]),
        error=error[:ERROR_CHARACTERS],
    )
    return True


def fold_payloads(fold: Fold | None, older: Any, newer: Any) -> Any:
    return newer if fold is None else fold(older, newer)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A unique entry that waits, and its decoded payload."""

    id: int
    payload: Any
    created: int
    attempts: int
    next_at: int
    not_before: int


def get_waiting(session: orm.Session, kind: str, key: str) -> Waiting | None:
    """The unique entry about this key that waits, locked.

    One with an unreadable payload becomes a dead letter instead.
    """
    columns = (Entry.payload, Entry.created, Entry.attempts, Entry.next_at, Entry.not_before)
    query = sa.select(Entry.id, *columns).where(
        Entry.kind == kind,
        Entry.key == key,
        Entry.is_unique,
        Entry.lease_until == 0,
        Entry.is_dead_letter.is_(False),
    )
    row = session.execute(query.with_for_update()).one_or_none()
    if row is None:
        return None
    try:
        payload = decode(row.payload)
    except ValueError:
        change(session, row.id, is_dead_letter=True, error=NOT_JSON)
        return None
    return Waiting(row.id, payload, row.created, row.attempts, row.next_at, row.not_before)


def delete(session: orm.Session, entry_id: int) -> None:
    session.connection().execute(sa.delete(ENTRIES).where(ENTRIES.c.id == entry_id))


def change(session: orm.Session, entry_id: int, **values: Any) -> None:
    update = sa.update(Entry).where(Entry.id == entry_id).values(**values)
    session.execute(update)
