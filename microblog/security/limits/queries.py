"""Every SQL statement about limits. `now` is always milliseconds since 1970."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import INSERTS, select_once
from microblog.security.limits.models import LimitCount
from microblog.security.limits.rules import Count

# Made once, and of the table: to build them anew takes longer than to run them.
kept: Any = LimitCount.__table__


def make_upsert(insert: Any, *, within: bool) -> Any:
    """One row a key: made, or moved onward; `within` the rate only, else its row does not come back.

    A new row is `{counted: now, timestamp: now + n intervals, times: n, expires: now + all intervals}`, and
    says by these what to add to one that is there. What it needs is in the row alone: only so does SQLAlchemy
    make one statement of several rows.
    """
    statement = insert(kept)
    new, now = statement.excluded, statement.excluded.counted
    begins = sa.case((kept.c.timestamp > now, kept.c.timestamp), else_=now)
    timestamp = begins + new.timestamp - now
    return statement.on_conflict_do_update(
        index_elements=[kept.c.key],
        set_={
            "counted": now,
            "timestamp": timestamp,
            "times": sa.case((kept.c.expires > now, kept.c.times), else_=0) + new.times,
            "expires": sa.case((timestamp > new.expires, timestamp), else_=new.expires),
        },
        where=timestamp <= new.expires if within else None,
    ).returning(kept.c.key, kept.c.timestamp, kept.c.times)


TAKE = {name: make_upsert(insert, within=True) for name, insert in INSERTS.items()}
ADD = {name: make_upsert(insert, within=False) for name, insert in INSERTS.items()}
READ = sa.select(kept.c.key, kept.c.timestamp).where(kept.c.key.in_(sa.bindparam("keys", expanding=True)))


def upsert(
    session: orm.Session, statements: Mapping[str, Any], amounts: Iterable[tuple[Count, int]], now: int
) -> list[Any]:
    """The rows that were written, in one statement whatever their number."""
    rows = [
        {
            "key": count.key,
            "timestamp": now + amount * count.rate.interval,
            "times": amount,
            "expires": now + count.rate.room,
            "counted": now,
        }
        for count, amount in sorted(amounts, key=lambda pair: pair[0].key)
    ]
    return list(session.execute(statements[session.get_bind().dialect.name], rows).all())


def take(session: orm.Session, counts: Collection[Count], now: int) -> dict[str, int]:
    """Once more, for each of the counts that has room for it: how often, that included, by their keys.

    A count whose key is missing in the answer is used up, and was not changed. A second transaction that
    takes of the same waits for this one.
    """
    rows = upsert(session, TAKE, [(count, 1) for count in counts], now)
    return {row.key: row.times for row in rows}


def add(session: orm.Session, amounts: Iterable[tuple[Count, int]], now: int) -> dict[str, int]:
    """So often more, whether or not there is room: the timestamp of each, by their keys."""
    return {row.key: row.timestamp for row in upsert(session, ADD, amounts, now)}


def read_timestamps(session: orm.Session, counts: Iterable[Count]) -> dict[str, int]:
    """By their keys; of those that are there."""
    rows = session.execute(READ, {"keys": [count.key for count in counts]})
    return {row.key: row.timestamp for row in rows}


def give_back(session: orm.Session, counts: Collection[Count], forgotten: Collection[str]) -> None:
    """What was taken once of each was no reason to count it; those with a `forgotten` key begin anew."""
    keys = [count.key for count in counts]
    # All locked before one is written, in the order in which they are taken: otherwise two deadlock.
    locked = sa.select(kept.c.key).where(kept.c.key.in_(keys)).order_by(kept.c.key).with_for_update()
    intervals = sa.case(*[(kept.c.key == count.key, count.rate.interval) for count in counts])
    is_new = sa.or_(kept.c.times <= 1, kept.c.key.in_(forgotten))
    session.execute(
        sa.update(kept)
        .where(kept.c.key.in_(select_once(locked)))
        .values(
            timestamp=sa.case((is_new, 0), else_=kept.c.timestamp - intervals),
            times=sa.case((is_new, 0), else_=kept.c.times - 1),
            expires=sa.case((is_new, 0), else_=kept.c.expires),
        )
    )


def delete_expired(session: orm.Session, now: int, limit: int) -> int:
    """At most `limit` of them; how many there were. A row that somebody writes just now is left alone."""
    expired = (
        sa.select(kept.c.key)
        .where(kept.c.expires <= now)
        .order_by(kept.c.expires)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    deleted = sa.delete(kept).where(kept.c.key.in_(select_once(expired))).returning(kept.c.key)
    return len(session.scalars(deleted).all())
