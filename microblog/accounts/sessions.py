"""Sessions of browsers that are logged in: rows of the database, and the cookie with the token."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import orm
from zope.interface import implementer

from microblog.accounts import actions, queries
from microblog.accounts.browsers import make_origin
from microblog.accounts.settings import REMEMBERED_DAYS, SESSION_HOURS
from microblog.i18n import _
from microblog.request import Request
from microblog.security.cookies import SESSION_COOKIE, get_cookie_name, set_cookie
from microblog.security.identity import Identity, hash_token
from microblog.security.limits.devices import remember_device
from microblog.submissions.interfaces import ILogIns
from microblog.tree import is_api

SEEN_EVERY = timedelta(minutes=1)


def begin_session(
    request: Request, session: orm.Session, response: Any, user_id: int, *, remembered: bool, verified: str
) -> None:
    """Start a session with a new token, which only the cookie of the response has. Whoever was to leave
    stays, and is told so.

    :raises StaleData: when the hash of the password is no longer `verified`.
    """
    settings = request.microblog
    idle = (
        timedelta(days=settings[REMEMBERED_DAYS]) if remembered else timedelta(hours=settings[SESSION_HOURS])
    )
    token = secrets.token_urlsafe(32)
    origin = make_origin(request.user_agent, request.remote_addr)
    queries.start_session(session, user_id, hash_token(token), idle, verified=verified, origin=origin)
    if actions.stay(session, user_id):
        request.flash(_("Your account was to be deleted. Since you have logged in, it is kept."))
    max_age = int(queries.LONGEST_SESSION.total_seconds()) if remembered else None
    set_cookie(request, response, SESSION_COOKIE, token, max_age)
    remember_device(request, response, user_id)


def load_identity(request: Request) -> Identity | None:
    """The identity of the session cookie: one statement, in a session closed at once. None below /api."""
    if is_api(request):
        return None
    token = request.cookies.get(get_cookie_name(request, SESSION_COOKIE))
    if not token:
        return None
    with request.registry.database.read() as session:
        identity = queries.find_identity(session, hash_token(token))
    if identity is None or request.is_unattended:
        return identity
    if datetime.now(UTC) - identity.seen >= SEEN_EVERY:
        request.registry.deferred.put(
            f"seen {identity.id:020} {identity.session}", lambda session: queries.mark_seen(session, identity)
        )
    return identity


@implementer(ILogIns)
class LogIns:
    """Logs people in again, whose password was verified before."""

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
