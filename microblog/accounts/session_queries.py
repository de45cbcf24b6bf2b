"""Every SQL statement about the sessions that somebody sees and ends on their own page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts import queries
from microblog.accounts.models import LoginSession

MOST_SHOWN = 50
KEY_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser that is logged in. `key` says which one it is, and is of no use for logging in."""

    key: str
    created: datetime
    seen: datetime
    browser: str | None
    address: str | None
    is_present: bool


def make_key(token_hash: str) -> str:
    return hashlib.sha256(token_hash.encode()).hexdigest()[:KEY_CHARACTERS]


def list_sessions(session: orm.Session, user_id: int, present: str) -> list[SessionRow]:
    """The sessions of this person that have not ended: the `present` one (a hash of its token), then those
    that were used last; at most `MOST_SHOWN`.
    """
    now, token_hash = datetime.now(UTC), LoginSession.token_hash
    query = sa.select(
        token_hash, LoginSession.created, LoginSession.seen, LoginSession.browser, LoginSession.address
    ).where(LoginSession.user_id == user_id, LoginSession.idle_until > now, LoginSession.expires > now)
    query = query.order_by((token_hash == present).desc(), LoginSession.seen.desc()).limit(MOST_SHOWN)
    return [
        SessionRow(make_key(row[0]), row[1], row[2], row[3], row[4], row[0] == present)
        for row in session.execute(query)
    ]


def end_own_session(session: orm.Session, user_id: int, key: str) -> bool:
    """End that session of this person which has this key; False when it has ended already."""
    hashes = session.scalars(sa.select(LoginSession.token_hash).where(LoginSession.user_id == user_id)).all()
    chosen = [token_hash for token_hash in hashes if make_key(token_hash) == key]
    result: Any = session.execute(sa.delete(LoginSession).where(LoginSession.token_hash.in_(chosen)))
    return bool(result.rowcount)


def end_other_sessions(session: orm.Session, user_id: int, present: str) -> int:
    """End all sessions of this person but the present one; returns how many there were."""
    others = sa.delete(LoginSession).where(LoginSession.user_id == user_id)
    result: Any = session.execute(others.where(LoginSession.token_hash != present))
    return int(result.rowcount)


def is_remembered(session: orm.Session, token_hash: str, hours: int) -> bool:
    """Does this session go on for longer than so many hours without a request?"""
    idle = sa.select(LoginSession.idle_seconds).where(LoginSession.token_hash == token_hash)
    return (session.scalar(idle) or 0) > hours * 3600


def change_password(session: orm.Session, user_id: int, *, verified: str, fresh: str) -> None:
    """Replace the password whose hash was verified by another one; end all sessions, and links to a new one.

    :raises StaleData: when the hash has changed, or the person was deleted.
    """
    queries.replace_hash(session, user_id, verified=verified, fresh=fresh)
    # After the update, which waits for log-ins under way, so that their sessions end, too.
    queries.end_all_sessions(session, user_id)
    queries.delete_links(session, user_id)
