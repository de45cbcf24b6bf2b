"""Whoever has the right password may be kept from logging in by other rooms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import orm

from microblog.i18n import Message
from microblog.request import Request

LogInCheck = Callable[[orm.Session, int], Message | None]


def find_log_in_refusal(request: Request, user_id: int) -> Message | None:
    """Why this person cannot log in, as the first room says it that refuses; None when they can."""
    with request.registry.database.read() as session:
        found = (check(session, user_id) for check in request.registry.log_in_checks)
        return next((refusal for refusal in found if refusal is not None), None)


def add_log_in_check(config: Any, check: LogInCheck) -> None:
    """Directive: `check(session, user_id)` says why somebody cannot log in, or returns None."""
    config.action(("log-in check", check), lambda: config.registry.log_in_checks.append(check))
