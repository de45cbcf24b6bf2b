"""The SQL statements about mails to people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import build_insert, select_once
from microblog.ids import get_now
from microblog.mail.models import Mail, MailRefusal
from microblog.outbox.models import Entry
from microblog.outbox.queries import write
from microblog.paging import KeyCursor, select_page

KIND = "mail"  # of entries of the outbox
# All mail leaves by one server: when it is away, one mail tries it, and not each of a thousand.
DESTINATION = "mail server"
WAITING, SENT, REFUSED, DROPPED = STATES = ("waiting", "sent", "refused", "dropped")
ANSWER_CHARACTERS = 1000
LIST_ALL: Any = None
USERS = sa.table("users", sa.column("id"))  # of accounts, which stand above


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mail as operators see it, and its entry of the outbox, if it has one (`Mail` explains the rest)."""

    id: int
    kind: str
    cause: str
    user_id: int | None
    address: str
    is_own_address: bool
    message_id: str
    subject: str
    text: str | None
    html: str | None
    created: int
    state: str
    begun: int | None
    finished: int | None
    answer: str | None
    is_perhaps_twice: bool
    entry_id: int | None = None
    attempts: int | None = None
    next_at: int | None = None
    lease_until: int | None = None
    error: str | None = None

    @property
    def date(self) -> datetime:
        return to_timestamp(self.created)

    @property
    def finished_at(self) -> datetime | None:
        return None if self.finished is None else to_timestamp(self.finished)


def to_timestamp(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def select_mails() -> Any:
    key = sa.cast(Mail.id, sa.String)
    entry = sa.and_(Entry.kind == KIND, Entry.key == key)
    columns = (Entry.attempts, Entry.next_at, Entry.lease_until, Entry.error)
    return sa.select(*Mail.__table__.c, Entry.id.label("entry_id"), *columns).outerjoin(Entry, entry)


def add_mail(session: orm.Session, **values: Any) -> int | None:
    """Add a mail that waits, and its entry of the outbox; None when there is, or was, one for this cause."""
    return next(iter(add_mails(session, [values])), None)


def add_mails(session: orm.Session, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Add several at once, likewise; returns the ids of those that are new."""
    if not rows:
        return []
    now = get_now()
    new = [{"created": now, "state": WAITING, **row} for row in rows]
    # Of the table, whose rows are parameters: those of `values` are a part of the statement, made each time.
    insert = build_insert(session, Mail.__table__).on_conflict_do_nothing().returning(Mail.id)
    ids = list(session.scalars(insert, new))
    write(session, KIND, ids, destination=DESTINATION)
    return ids


def get_mail(session: orm.Session, mail_id: int) -> MailRow | None:
    row = session.execute(select_mails().where(Mail.id == mail_id)).one_or_none()
    return None if row is None else MailRow(**row._mapping)


def list_mails(
    session: orm.Session, state: str | None, limit: int, cursor: KeyCursor[int] = LIST_ALL
) -> list[MailRow]:
    """The newest mails first."""
    query = select_mails()
    if state is not None:
        query = query.where(Mail.state == state)
    rows = session.execute(select_page(query, Mail.id, cursor or KeyCursor(), limit))
    return [MailRow(**row._mapping) for row in rows]


def lock_mail(session: orm.Session, mail_id: int) -> Any:
    """The row of the mail, locked; None when it is gone."""
    return session.execute(
        sa.select(*Mail.__table__.c).where(Mail.id == mail_id).with_for_update()
    ).one_or_none()


def update_mails(session: orm.Session, ids: Collection[int], **values: Any) -> None:
    update = sa.update(Mail).where(Mail.id.in_(ids)).values(**values)
    session.execute(update)


def begin(session: orm.Session, mail_id: int, *, is_perhaps_twice: bool) -> None:
    """Note that a worker begins to send it."""
    update_mails(session, [mail_id], begun=get_now(), is_perhaps_twice=is_perhaps_twice)


def finish(session: orm.Session, ids: Collection[int], state: str, answer: str) -> None:
    """The mail is sent, refused or dropped. A refused one keeps its text, since it may be tried again."""
    values: dict[str, Any] = {"state": state, "begun": None, "finished": get_now()}
    values["answer"] = answer[:ANSWER_CHARACTERS]
    if state != REFUSED:
        values |= {"text": None, "html": None}
    update_mails(session, ids, **values)


def note_failure(session: orm.Session, mail_id: int, answer: str) -> None:
    """It was not sent, and is tried again."""
    update_mails(session, [mail_id], begun=None, answer=answer[:ANSWER_CHARACTERS])


def find_entries(session: orm.Session, ids: Collection[int]) -> dict[int, int]:
    """The entries of the outbox of these mails, by the id of the mail."""
    query = sa.select(Entry.key, Entry.id).where(Entry.kind == KIND, Entry.key.in_([str(i) for i in ids]))
    return {int(key): entry_id for key, entry_id in session.execute(query)}


def list_ids(session: orm.Session, ids: Collection[int], states: Sequence[str]) -> list[int]:
    """Those of the mails that are in one of these states, and whose text is there; locked."""
    query = (
        sa.select(Mail.id)
        .where(Mail.id.in_(ids), Mail.state.in_(states), Mail.text.is_not(None))
        .order_by(Mail.id)
        .with_for_update()
    )
    return list(session.scalars(query))


def wait_again(session: orm.Session) -> None:
    """All that were refused wait again."""
    update = sa.update(Mail).where(Mail.state == REFUSED).values(state=WAITING, finished=None)
    session.execute(update)


def delete_old(session: orm.Session, age: timedelta, limit: int) -> int:
    """Delete mails that were finished so long ago, with the dead letters of those that were refused."""
    until = get_now() - int(age.total_seconds() * 1000)
    ids: list[int] = []
    for state in (SENT, DROPPED, REFUSED):
        old = (
            sa.select(Mail.id)
            .where(Mail.state == state, Mail.finished <= until)
            .order_by(Mail.finished)
            .limit(limit - len(ids))
            .with_for_update(skip_locked=True)
        )
        delete = sa.delete(Mail).where(Mail.id.in_(select_once(old))).returning(Mail.id)
        ids += session.scalars(delete).all()
        if len(ids) >= limit:
            break
    keys = [str(mail_id) for mail_id in ids]
    if keys:
        session.execute(sa.delete(Entry).where(Entry.kind == KIND, Entry.key.in_(keys)))
    return len(ids)


def is_refused(session: orm.Session, user_id: int, kind: str) -> bool:
    query = sa.select(MailRefusal.kind).where(MailRefusal.user_id == user_id, MailRefusal.kind == kind)
    return session.scalar(query) is not None


def list_refusals(session: orm.Session, user_ids: Collection[int]) -> frozenset[tuple[int, str]]:
    """The people and kinds of mails of which these people have switched off each."""
    query = sa.select(MailRefusal.user_id, MailRefusal.kind).where(MailRefusal.user_id.in_(user_ids))
    return frozenset((row.user_id, row.kind) for row in session.execute(query))


def list_refused(session: orm.Session, user_id: int) -> frozenset[str]:
    return frozenset(session.scalars(sa.select(MailRefusal.kind).where(MailRefusal.user_id == user_id)))


def add_refusals(session: orm.Session, user_id: int, kinds: Collection[str]) -> None:
    """Nothing happens when there is no such person."""
    for kind in sorted(kinds):
        person = sa.select(USERS.c.id, sa.literal(kind)).where(USERS.c.id == user_id)
        insert = build_insert(session, MailRefusal).from_select(["user_id", "kind"], person)
        session.execute(insert.on_conflict_do_nothing())


def remove_refusals(session: orm.Session, user_id: int, kinds: Collection[str]) -> None:
    delete = sa.delete(MailRefusal).where(MailRefusal.user_id == user_id, MailRefusal.kind.in_(kinds))
    session.execute(delete)
