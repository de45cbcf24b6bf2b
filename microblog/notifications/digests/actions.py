"""Choosing when mails come, and writing a digest. Each in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import orm

from microblog.ids import get_first_id_at, new_id
from microblog.mail.actions import write_mail
from microblog.mail.choices import list_refused
from microblog.mail.interfaces import Recipient, get_recipients
from microblog.mail.links import make_url
from microblog.notifications.digests import queries
from microblog.notifications.digests.queries import DigestRow
from microblog.notifications.digests.rules import AT_ONCE, DIGEST, MOST_LINES, NEVER, find_next
from microblog.notifications.queries import NotificationRow
from microblog.notifications.rules import MOST_COUNTED

# What happened has its id before it is committed: what is younger waits for the next digest.
SETTLED_AFTER = timedelta(minutes=5)


def get_when(session: orm.Session, user_id: int, refused: Collection[str]) -> str:
    """When this person gets mails, who has switched off these kinds."""
    every = queries.get_every(session, user_id)
    if every is None:
        return AT_ONCE
    return NEVER if DIGEST in refused else every


def choose(session: orm.Session, user_id: int, when: str, *, before: str, now: datetime) -> None:
    """A person gets mails then, and no longer as `before`. Whether the link of a digest has switched them off
    is kept by the room of mail."""
    if when in (before, NEVER):
        return
    if when == AT_ONCE:
        queries.end(session, user_id)
        return
    due = find_next(when, queries.get_preferences(session, user_id), now)
    if before in (AT_ONCE, NEVER):
        queries.start(session, user_id, every=when, due=due, since=new_id())
    else:
        queries.change(session, user_id, every=when, due=due)


@dataclass(frozen=True, slots=True)
class MailReader:
    """Who reads a digest, and the addresses in it (`notifications/kinds.py`)."""

    me: Recipient
    link: Callable[..., str]


@dataclass(frozen=True, slots=True)
class Line:
    """A notification, the template of its sentence, where it leads, and for how many things it stands, if
    for several."""

    notification: NotificationRow
    template: str
    url: str
    stands_for: int


def get_until(now: datetime) -> int:
    return get_first_id_at(now - SETTLED_AFTER)


def compose(session: orm.Session, digest: DigestRow, now: datetime) -> dict[str, Any] | None:
    """The values of its mail; None when there is nothing to tell, or nobody to whom it can be mailed."""
    registry = session.info["registry"]
    refused = list_refused(session, digest.user_id)
    person = get_recipients(registry).find_recipient(session, digest.user_id)
    if DIGEST in refused or person is None or not person.email or not person.is_confirmed:
        return None
    found = queries.find_unread(
        session, digest.user_id, since=digest.since, until=get_until(now), refused=refused
    )
    rows = queries.list_lines(session, digest.user_id, found[:MOST_LINES])
    if not rows:
        return None
    return {
        "lines": make_lines(session, person, rows),
        "number": min(len(found), MOST_COUNTED),
        "more": max(min(len(found), MOST_COUNTED) - MOST_LINES, 0),
        "is_all_counted": len(found) <= MOST_COUNTED,
    }


def make_lines(session: orm.Session, person: Recipient, rows: Sequence[NotificationRow]) -> list[Line]:
    registry = session.info["registry"]
    kinds = registry.notification_kinds
    reader = MailReader(person, partial(make_url, registry.microblog))
    unread: dict[tuple[str, int], int] = {}
    for name in sorted({row.kind for row in rows if kinds[row.kind].count_unread}):
        actors = {row.actor.id for row in rows if row.kind == name}
        counts = kinds[name].count_unread(session, person.user_id, actors)
        unread |= {(name, actor_id): count for actor_id, count in counts.items()}
    return [
        Line(
            row,
            kinds[row.kind].template,
            kinds[row.kind].link(reader, row),
            unread.get((row.kind, row.actor.id), 1),
        )
        for row in rows
    ]


def send(session: orm.Session, digest: DigestRow, values: dict[str, Any] | None, now: datetime) -> None:
    """Write the mail with these values, if any, and go on to the next one: once, however many workers try."""
    due = find_next(digest.every, digest.preferences, now)
    since = digest.since if values is None else get_until(now)
    if queries.take(session, digest, due=due, since=since) and values is not None:
        cause = f"{DIGEST} {digest.since}"
        write_mail(session, kind=DIGEST, user_id=digest.user_id, values=values, cause=cause)
