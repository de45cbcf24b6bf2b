"""The SQL statements of `microblog outbox`: listing, retrying and dropping entries by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.ids import get_now
from microblog.outbox.models import Entry, Pause
from microblog.outbox.queries import end_pause


def list_entries(session: orm.Session, kind: str | None, limit: int) -> list[Entry]:
    """The oldest entries, detached; dead letters first, since they need a decision."""
    query = sa.select(Entry).order_by(Entry.is_dead_letter.desc(), Entry.id).limit(limit)
    if kind is not None:
        query = query.where(Entry.kind == kind)
    found = list(session.scalars(query))
    for entry in found:
        session.expunge(entry)
    return found


def get_entry(session: orm.Session, entry_id: int) -> Entry | None:
    """The entry, detached."""
    entry = session.get(Entry, entry_id)
    if entry is not None:
        session.expunge(entry)
    return entry


def list_pauses(session: orm.Session, kind: str | None) -> list[tuple[str, str, int, str | None]]:
    """`kind, destination, until, error` of the destinations that are paused now."""
    query = sa.select(Pause.kind, Pause.destination, Pause.until, Pause.error).where(Pause.until > get_now())
    if kind is not None:
        query = query.where(Pause.kind == kind)
    return [(*row,) for row in session.execute(query.order_by(Pause.kind, Pause.destination))]


def retry(session: orm.Session, *, ids: Iterable[int] = (), kind: str | None = None) -> int:
    """Make these entries, or all of a kind, due now, dead letters included; return how many.

    Entries that a worker is delivering are left alone. Of unique entries about one key only the waiting one,
    or else the newest, is retried.
    """
    other = orm.aliased(Entry)
    is_replaced = sa.exists().where(
        Entry.is_unique,
        sa.or_(Entry.is_dead_letter, Entry.lease_until != 0),
        other.id != Entry.id,
        other.kind == Entry.kind,
        other.key == Entry.key,
        other.is_unique,
        sa.or_(other.id > Entry.id, sa.and_(other.is_dead_letter.is_(False), other.lease_until == 0)),
    )
    chosen = Entry.id.in_(list(ids)) if kind is None else Entry.kind == kind
    found = sa.select(Entry.id).where(chosen, Entry.lease_until <= get_now(), ~is_replaced)
    changed: Any = session.execute(
        sa.update(Entry)
        .where(Entry.id.in_(session.scalars(found.with_for_update(skip_locked=True)).all()))
        .values(is_dead_letter=False, next_at=0, not_before=0, lease_until=0, attempts=0)
    )
    if kind is not None:
        end_pause(session, kind)
    return int(changed.rowcount)


def drop(session: orm.Session, *, ids: Iterable[int] = (), kind: str | None = None) -> int:
    """Delete these entries, or all dead letters of a kind, and tell their kinds; return how many."""
    chosen = Entry.id.in_(list(ids)) if kind is None else sa.and_(Entry.kind == kind, Entry.is_dead_letter)
    deleted = sa.delete(Entry).where(chosen).returning(Entry.kind, Entry.key)
    dropped: dict[str, list[str]] = {}
    for name, key in session.execute(deleted):
        dropped.setdefault(name, []).append(key)
    for name, keys in dropped.items():
        registered = session.info["registry"].outbox.kinds.get(name)
        if registered is not None and registered.on_dropped is not None:
            registered.on_dropped(session, keys)
    return sum(map(len, dropped.values()))
