"""Whom somebody does not see: the one place that says so, and that every list goes through.

Blocking is for both: neither sees the other. Muting is for who mutes: what the other writes is in none of
their lists. Lists of people are by `microblog.people.queries.select_people`, those of posts by
`microblog.posts.queries.select_posts`; home has a statement of its own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.people.models import Block, Mute

ONE: Any = sa.literal_column("1", sa.Integer)


def is_blocked(reader_id: Any, person_id: Any) -> sa.ColumnElement[bool]:
    """A column: has one of the two blocked the other? None is a visitor, who is never blocked."""
    if reader_id is None:
        return sa.false()
    block = orm.aliased(Block)
    return sa.or_(
        is_related(block.blocker_id, reader_id, block.blocked_id, person_id),
        is_related(block.blocker_id, person_id, block.blocked_id, reader_id),
    )


def is_unseen(reader_id: Any, person_id: Any) -> sa.ColumnElement[bool]:
    """A column: has one of the two blocked the other, or the reader muted this person?"""
    if reader_id is None:
        return sa.false()
    mute = orm.aliased(Mute)
    is_muted = is_related(mute.muter_id, reader_id, mute.muted_id, person_id)
    return sa.or_(is_blocked(reader_id, person_id), is_muted)


def is_absent(person_id: Any) -> sa.ColumnElement[bool]:
    """A column: is nothing of this person seen by anybody? For rows that name them and do not join them."""
    return is_there(sa.select(ONE).where(User.id == person_id, User.is_gone).correlate_except(User))


def is_related(who: Any, who_id: Any, whom: Any, whom_id: Any) -> sa.ColumnElement[bool]:
    """A column: is there a row from the one to the other?

    It is looked up for each row: for EXISTS PostgreSQL may read everybody whom the reader follows at once.
    And it is compared with a number: of `IS NOT NULL` PostgreSQL believes that it is nearly always true, and
    would rather sort the few rows that it expects to be left than read them in their order.
    """
    return is_there(sa.select(ONE).where(who == who_id, whom == whom_id).correlate_except(who.class_))


def is_there(found: Any) -> sa.ColumnElement[bool]:
    """A column: does this query, of at most one row, find one?"""
    return sa.func.coalesce(found.scalar_subquery(), sa.literal_column("0")) == sa.literal_column("1")
