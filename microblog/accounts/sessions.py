"""A browser is logged in: its session in the database, and the cookie that names it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import orm
from zope.interface import implementer

from microblog.accounts import queries
from microblog.accounts.settings import REMEMBERED_DAYS, SESSION_HOURS
from microblog.request import Request
from microblog.security.cookies import SESSION_COOKIE, cookie_name, set_cookie
from microblog.security.identity import Identity, token_hash
from microblog.submissions.interfaces import ILogIns
from microblog.tree import is_api

SEEN_EVERY = timedelta(minutes=1)


def begin_session(
    request: Request, session: orm.Session, response: Any, user_id: int, *, remembered: bool, verified: str
) -> None:
    """A new session with a token that nobody knew before, which only the cookie of the response tells.

    :raises StaleData: when `verified` is no longer the hash of the person's password.
    """
    settings = request.microblog
    idle = (
        timedelta(days=settings[REMEMBERED_DAYS]) if remembered else timedelta(hours=settings[SESSION_HOURS])
    )
    token = secrets.token_urlsafe(32)
    queries.start_session(session, user_id, token_hash(token), idle, verified=verified)
    max_age = int(queries.LONGEST_SESSION.total_seconds()) if remembered else None
    set_cookie(request, response, SESSION_COOKIE, token, max_age)


def load_identity(request: Request) -> Identity | None:
    """The person of the session cookie: one statement, in a session closed at once. None below /api."""
    if is_api(request):
        return None
    token = request.cookies.get(cookie_name(request, SESSION_COOKIE))
    if not token:
        return None
    with request.registry.database.read() as session:
        identity = queries.identity_of_session(session, token_hash(token))
    if identity is not None and datetime.now(UTC) - identity.seen >= SEEN_EVERY:
        request.registry.deferred.put(
            f"seen {identity.id:020} {identity.session}", lambda session: queries.mark_seen(session, identity)
        )
    return identity


@implementer(ILogIns)
class LogIns:
    """Logs in by a password that was verified before."""

    def get_password_hash(self, session: orm.Session, user_id: int) -> str | None:
        return queries.get_password_hash(session, user_id)

    def begin_session(
        self,
        request: Request,
        session: orm.Session,
        response: Any,
        user_id: int,
        *,
        remembered: bool,
        verified: str,
    ) -> None:
        begin_session(request, session, response, user_id, remembered=remembered, verified=verified)
