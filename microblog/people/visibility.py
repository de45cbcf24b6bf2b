"""Whom somebody does not see: the one place that says so, and that every list goes through.

Blocking is for both: neither sees the other. Muting is for who mutes: what the other writes is in none of
their lists. Lists of people are by `microblog.people.queries.select_people`, those of posts by
`microblog.posts.queries.select_posts`, home has the same in the text of its statement.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

# Ids, for the parameter `reader`. They are read once in a statement, not for each row.
BLOCKED = """SELECT blocked_id AS id FROM blocks WHERE blocker_id = :reader
    UNION ALL SELECT blocker_id FROM blocks WHERE blocked_id = :reader"""
MUTED = "SELECT muted_id FROM mutes WHERE muter_id = :reader"
UNSEEN = f"{BLOCKED} UNION ALL {MUTED}"


def is_blocked(reader_id: int | None, person_id: Any) -> sa.ColumnElement[bool]:
    """A column: has one of the two blocked the other? None is a visitor, who is never blocked."""
    return is_among(BLOCKED, reader_id, person_id)


def is_unseen(reader_id: int | None, person_id: Any) -> sa.ColumnElement[bool]:
    """A column: has one of the two blocked the other, or the reader muted this person?"""
    return is_among(UNSEEN, reader_id, person_id)


def is_among(ids: str, reader_id: int | None, person_id: Any) -> sa.ColumnElement[bool]:
    if reader_id is None:
        return sa.false()
    reader = sa.bindparam("reader", reader_id, sa.BigInteger)
    return sa.type_coerce(person_id, sa.BigInteger).in_(select_ids(ids).bindparams(reader))


def select_ids(ids: str) -> Any:
    """`BLOCKED` or `UNSEEN` as a query with the parameter `reader`."""
    return sa.text(ids).columns(sa.column("id", sa.BigInteger))
