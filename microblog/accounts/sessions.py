"""A browser is logged in: its session in the database, and the cookie that names it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import orm

from microblog.accounts import queries
from microblog.accounts.settings import REMEMBERED_DAYS, SESSION_HOURS
from microblog.request import Request
from microblog.security import SESSION_COOKIE, set_cookie, token_hash


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
