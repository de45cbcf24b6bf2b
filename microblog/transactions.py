"""The one session of a request, and when what it wrote is committed.

A session lives as long as its request. Safe requests get a read-only transaction; a POST gets a write
transaction.
"""

from __future__ import annotations

from typing import Any

import zope.sqlalchemy
from pyramid.events import ApplicationCreated
from pyramid_tm import explicit_manager
from sqlalchemy import orm

from microblog.request import Request, retry_if_kept

TRANSACTION_TWEEN = "pyramid_tm.tm_tween_factory"  # the name by which it adds itself


def is_safe(request: Request) -> bool:
    """Does the request only read? Pages change something by POST alone."""
    return request.method != "POST"


def dbsession(request: Request) -> orm.Session:
    """The session of the request, opened at first use and joined to `request.tm`.

    An unsafe one is registered as changed: otherwise Core statements alone are silently rolled
    back. It begins with `registry.checks_before_writing`, functions of the request and the session: what
    was found out before the transaction, such as who sends the request, has to hold inside of it.

    :raises StaleData: when it does not.
    """
    safe = is_safe(request)
    session: orm.Session = request.registry.database.session(write=not safe)
    zope.sqlalchemy.register(
        session,
        initial_state="active" if safe else "changed",
        transaction_manager=request.tm,
    )
    if not safe:
        try:
            # Begin now: what `after_begin` adds comes before the session joins, and whoever has not
            # joined is not closed at the end.
            session.connection()
            for check in request.registry.checks_before_writing:
                check(request, session)
        except BaseException:
            session.close()
            raise
    return session


def commit_veto(request: Request, response: Any) -> bool:
    """The commit rule: roll back on 4xx, 5xx and whenever an exception was raised.

    The status alone is not enough: a raised Forbidden which an exception view answers with a
    redirect would commit what the view did before.
    """
    return response.status_int >= 400 or getattr(request, "exception", None) is not None


def includeme(config: Any) -> None:
    config.registry.checks_before_writing = []
    config.registry.settings.update(
        {
            "tm.manager_hook": explicit_manager,
            "tm.annotate_user": False,  # asking who it is would open the session too early
            "tm.commit_veto": commit_veto,
            "retry.attempts": 3,
            "retry.activate_hook": retry_if_kept,
        }
    )
    # Not for commands, which take the registry alone.
    config.add_subscriber(lambda event: event.app.registry.database.serve(), ApplicationCreated)
    config.include("pyramid_tm")
    config.include("pyramid_retry")
    config.add_request_method(dbsession, reify=True)
