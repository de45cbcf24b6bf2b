"""The SQL statements about forms that were sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql, sqlite

from microblog.db import select_once
from microblog.submissions.models import FormResult, KeptForm

# How long a form is kept, and how late a second copy of a form may come.
KEPT_FOR = timedelta(hours=1)
RESULTS_FOR = timedelta(days=1)

# Every form runs these. Built once, and from the table: building them takes longer than running them.
results: Any = FormResult.__table__
CLAIM = {
    name: insert(results).on_conflict_do_nothing().returning(results.c.fingerprint)
    for name, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
SET_RESULT = sa.update(results).where(results.c.fingerprint == sa.bindparam("form"))

Pairs = Sequence[tuple[str, str]]
GetPasswordHash = Callable[[orm.Session, int], str | None]


def keep(session: orm.Session, token_hash: str, user_id: int, path: str, fields: Pairs) -> None:
    session.execute(
        sa.insert(KeptForm).values(
            token_hash=token_hash,
            user_id=user_id,
            path=path,
            # In ASCII: PostgreSQL stores no NUL; the form refuses it with a sentence when it is sent.
            fields=json.dumps([*fields]),
            created=datetime.now(UTC),
        )
    )


def find_kept_fields(session: orm.Session, token_hash: str, user_id: int, path: str) -> Pairs | None:
    """The fields that this person has sent to this path; None when they are not, or no longer, kept."""
    found = session.scalar(
        sa.select(KeptForm.fields).where(
            KeptForm.token_hash == token_hash,
            KeptForm.user_id == user_id,
            KeptForm.path == path,
            KeptForm.created > datetime.now(UTC) - KEPT_FOR,
        )
    )
    return None if found is None else [(name, value) for name, value in json.loads(found)]


def forget(session: orm.Session, token_hash: str, user_id: int, path: str) -> None:
    """Delete the form that is kept for this path; another form of the same page leaves it alone."""
    session.execute(
        sa.delete(KeptForm).where(
            KeptForm.token_hash == token_hash, KeptForm.user_id == user_id, KeptForm.path == path
        )
    )


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The person whom a form has logged in, and the password hash that was verified."""

    user_id: int
    remembered: bool
    verified: str


@dataclass(frozen=True, slots=True)
class Result:
    """Where a form redirected, its messages, and whom it logged in, if anybody."""

    location: str
    messages: Pairs
    logged_in: LoggedIn | None = None


def get_result(session: orm.Session, fingerprint: str, get_password_hash: GetPasswordHash) -> Result | None:
    """The result of this form. None also when it logged somebody in who has since changed their password."""
    found = sa.select(FormResult.__table__).where(FormResult.fingerprint == fingerprint)
    row = session.execute(found).one_or_none()
    if row is None:
        return None
    logged_in = None
    if row.user_id is not None:
        password_hash = get_password_hash(session, row.user_id) or ""
        if row.password_digest != compute_digest(password_hash):
            return None
        logged_in = LoggedIn(row.user_id, row.remembered, password_hash)
    return Result(row.location, [(kind, text) for kind, text in json.loads(row.messages)], logged_in)


def claim(session: orm.Session, fingerprint: str, get_password_hash: GetPasswordHash) -> bool:
    """Insert the row for this form's result, which is not known yet; wait for a copy that is being handled.

    False when the same form has a result already: it was sent twice, and the other one was quicker.
    """
    statement = CLAIM[session.get_bind().dialect.name]
    values = {"fingerprint": fingerprint, "created": datetime.now(UTC), "location": "", "messages": "[]"}
    if session.scalar(statement, values) is not None:
        return True
    if get_result(session, fingerprint, get_password_hash) is not None:
        return False
    # The result is a log-in from before the password was changed, which is no longer valid.
    release(session, fingerprint)
    return session.scalar(statement, values) is not None


def set_result(session: orm.Session, fingerprint: str, result: Result) -> None:
    """Write the result of the form into the row that `claim` has inserted."""
    values: dict[str, Any] = {"location": result.location, "messages": json.dumps([*result.messages])}
    if result.logged_in is not None:
        values["user_id"] = result.logged_in.user_id
        values["remembered"] = result.logged_in.remembered
        values["password_digest"] = compute_digest(result.logged_in.verified)
    session.execute(SET_RESULT, {"form": fingerprint, **values})


def release(session: orm.Session, fingerprint: str) -> None:
    """Delete the row of a form without a result, so that it may be sent again."""
    session.execute(sa.delete(FormResult).where(FormResult.fingerprint == fingerprint))


def compute_digest(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()


def delete_old(session: orm.Session, limit: int) -> bool:
    """Delete expired rows, at most `limit` of each table; were those all?"""
    now = datetime.now(UTC)
    deleted = (
        delete_older(session, KeptForm.token_hash, KeptForm.created, now - KEPT_FOR, limit),
        delete_older(session, FormResult.fingerprint, FormResult.created, now - RESULTS_FOR, limit),
    )
    return max(deleted) < limit


def delete_older(session: orm.Session, key: Any, created: Any, until: datetime, limit: int) -> int:
    # Skip rows that another transaction is deleting or replacing right now.
    old = (
        sa.select(key)
        .where(created <= until)
        .order_by(created)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    deleted = sa.delete(key.class_).where(key.in_(select_once(old))).returning(key)
    return len(session.scalars(deleted).all())
