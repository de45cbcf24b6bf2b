"""Every SQL statement of moderation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts import queries as accounts
from microblog.accounts.models import User
from microblog.accounts.nicknames import NOT_ALLOWED, make_nickname_key
from microblog.db import Database
from microblog.ids import get_timestamp, new_id
from microblog.moderation.models import AuditEntry
from microblog.paging import Cursor, select_page

ROWS_AT_ONCE: Final = 1000  # of an export

COLUMNS = tuple(
    getattr(AuditEntry, name)
    for name in (
        *("id", "actor_id", "actor", "action", "person_id", "person"),
        *("subject", "reason", "said", "before", "after"),
    )
)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """See `AuditEntry`."""

    id: int
    actor_id: int | None
    actor: str
    action: str
    person_id: int | None
    person: str
    subject: str
    reason: str
    said: str
    before: str
    after: str

    @property
    def done(self) -> datetime:
        return get_timestamp(self.id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: those by an actor and about a person, by any nickname that these have or had, and of an
    action. None is all."""

    actor: str | None = None
    person: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is recorded: see `AuditEntry`. `actor_id` is None for the command line."""

    action: str
    actor_id: int | None
    person_id: int | None = None
    subject: str = ""
    reason: str = ""
    said: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def record(session: orm.Session, deed: Deed) -> None:
    """Write an entry of the audit trail, in the transaction of what is done."""
    ids = {each for each in (deed.actor_id, deed.person_id) if each is not None}
    found = session.execute(sa.select(User.id, User.nickname).where(User.id.in_(ids)))
    names: dict[int | None, str] = {each: make_nickname_key(nickname) for each, nickname in found}
    entry = {
        "id": new_id(),
        "actor": names.get(deed.actor_id, ""),
        "person": names.get(deed.person_id, ""),
        "before": dump(deed.before),
        "after": dump(deed.after),
    }
    same = ("action", "actor_id", "person_id", "subject", "reason", "said")
    entry |= {name: getattr(deed, name) for name in same}
    session.execute(sa.insert(AuditEntry).values(entry))


def dump(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def list_audit(session: orm.Session, wanted: Wanted, cursor: Cursor, limit: int) -> list[AuditRow]:
    """A page of the entries, the latest first."""
    query = sa.select(*COLUMNS)
    for name, own_id, own_name in (
        (wanted.actor, AuditEntry.actor_id, AuditEntry.actor),
        (wanted.person, AuditEntry.person_id, AuditEntry.person),
    ):
        if name is not None:
            if NOT_ALLOWED.search(name):  # nobody is called like this, and PostgreSQL knows no NUL
                return []
            key = make_nickname_key(name)
            # Of somebody who is here all entries, whatever their nickname was.
            owner = accounts.find_owner_id(session, key) or accounts.GONE
            query = query.where(own_name == key if owner == accounts.GONE else own_id == owner)
    if wanted.action is not None:
        query = query.where(AuditEntry.action == wanted.action)
    return [AuditRow(*row) for row in session.execute(select_page(query, AuditEntry.id, cursor, limit))]


def walk_audit(database: Database) -> Iterator[AuditRow]:
    """All entries, the first ones first, some at a time."""
    last = 0
    while True:
        with database.read() as session:
            query = sa.select(*COLUMNS).where(AuditEntry.id > last).order_by(AuditEntry.id)
            rows = [AuditRow(*row) for row in session.execute(query.limit(ROWS_AT_ONCE))]
        yield from rows
        if len(rows) < ROWS_AT_ONCE:
            return
        last = rows[-1].id
