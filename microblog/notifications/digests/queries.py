"""Every SQL statement about digests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.db import build_insert
from microblog.mail.models import Mail
from microblog.notifications.models import Digest, Notification
from microblog.notifications.queries import (
    LINES,
    READER,
    Group,
    NotificationRow,
    choose_seen,
    complete,
    select_seen,
)
from microblog.notifications.rules import MOST_COUNTED

MOST_LOOKED_AT = 300  # unread lines among which those are found that the reader sees
SINCE, UNTIL = (sa.bindparam(name, type_=sa.BigInteger) for name in ("since", "until"))
REFUSED = sa.bindparam("refused", expanding=True, type_=sa.String)


@dataclass(frozen=True, slots=True)
class DigestRow:
    """A digest that is due (`Digest`), and the preferences of its person, which have their time zone."""

    user_id: int
    every: str
    due: datetime
    since: int
    preferences: str


def get_every(session: orm.Session, user_id: int) -> str | None:
    """How often this person gets one; None when they get none."""
    return session.scalar(sa.select(Digest.every).where(Digest.user_id == user_id))


def get_preferences(session: orm.Session, user_id: int) -> str:
    return session.scalar(sa.select(User.preferences).where(User.id == user_id)) or ""


def start(session: orm.Session, user_id: int, *, every: str, due: datetime, since: int) -> None:
    values = {"every": every, "due": due, "since": since}
    insert = build_insert(session, Digest).values(user_id=user_id, **values)
    session.execute(insert.on_conflict_do_update(index_elements=[Digest.user_id], set_=values))


def change(session: orm.Session, user_id: int, *, every: str, due: datetime) -> None:
    session.execute(sa.update(Digest).where(Digest.user_id == user_id).values(every=every, due=due))


def end(session: orm.Session, user_id: int) -> None:
    session.execute(sa.delete(Digest).where(Digest.user_id == user_id))


def list_due(session: orm.Session, now: datetime, limit: int) -> list[DigestRow]:
    """Those that were due first."""
    columns = (Digest.user_id, Digest.every, Digest.due, Digest.since, User.preferences)
    query = sa.select(*columns).join(User, User.id == Digest.user_id).where(Digest.due <= now)
    return [DigestRow(*row) for row in session.execute(query.order_by(Digest.due).limit(limit))]


def take(session: orm.Session, digest: DigestRow, *, due: datetime, since: int) -> bool:
    """Go on to the next digest of this person; False when another worker, or they, have changed it meanwhile.

    Nobody can delete the person before this transaction ends. They are locked first, as everywhere.
    """
    person = sa.select(User.id).where(User.id == digest.user_id)
    session.execute(person.with_for_update(read=True, key_share=True))
    unchanged = (Digest.user_id == digest.user_id, Digest.due == digest.due, Digest.since == digest.since)
    result: Any = session.execute(sa.update(Digest).where(*unchanged).values(due=due, since=since))
    return bool(result.rowcount)


# What is told


def was_mailed(unread: Any, actor_id: Any) -> sa.ColumnElement[bool]:
    """A column: was there a mail of its own, written while the person has chosen their digest?"""
    cause, actor = sa.cast(unread.cause, sa.String), sa.cast(actor_id, sa.String)
    whole = sa.cast(READER, sa.String) + "/" + cause + " of " + actor  # as `name_cause` and `make_cause` do
    mail = sa.select(sa.literal_column("1", sa.Integer)).where(Mail.kind == unread.kind, Mail.cause == whole)
    looked_up = mail.correlate_except(Mail).scalar_subquery()
    return sa.func.coalesce(looked_up, sa.literal_column("0")) == sa.literal_column("1")


def build_unread() -> Any:
    unread = (
        sa.select(Group.id, Group.kind, Group.cause, Group.read_until, Group.latest)
        .where(Group.user_id == READER, Group.latest > Group.read_until, Group.latest > SINCE)
        .where(Group.kind.not_in(REFUSED))
        .order_by(Group.latest.desc())
        .limit(MOST_LOOKED_AT)
        .subquery()
    )
    news = select_seen(unread.c.id).where(
        Notification.id > unread.c.read_until,
        Notification.id > SINCE,
        Notification.id < UNTIL,
        sa.not_(was_mailed(unread.c, Notification.actor_id)),
    )
    has_news = sa.func.coalesce(news.limit(1).scalar_subquery(), sa.literal_column("0"))
    found = sa.select(unread.c.id).where(has_news > sa.literal_column("0")).order_by(unread.c.latest.desc())
    return found.limit(MOST_COUNTED + 1)


UNREAD = build_unread()


def find_unread(
    session: orm.Session, user_id: int, *, since: int, until: int, refused: Collection[str]
) -> list[int]:
    """The lines of this person's list in which something happened between these ids that they have not read,
    the latest first, without these kinds; no more than `MOST_COUNTED` + 1."""
    values = {"reader": user_id, "since": since, "until": until, "refused": sorted(refused)}
    return list(session.scalars(UNREAD, values))


def list_lines(session: orm.Session, user_id: int, group_ids: Sequence[int]) -> list[NotificationRow]:
    """These lines, which are this person's, as the page has them, in its order."""
    # Neither ordered nor by the person: SQLite would look for them among all lines that they have.
    rows = session.execute(LINES.where(Group.id.in_(group_ids)), {"reader": user_id}).all()
    rows = sorted(rows, key=lambda row: row.latest, reverse=True)
    return complete(session, user_id, choose_seen(rows))
