"""The one session of a request, and when what it wrote is committed.

A session lives as long as its request. Traversal and views read through `request.dbsession`, in a read-only
transaction that the database enforces. An action of an unsafe request writes through `request.begin_write()`,
and from there `request.dbsession` is that session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zope.sqlalchemy
from pyramid.events import ApplicationCreated
from pyramid_tm import explicit_manager
from sqlalchemy import orm

from microblog.request import Request, retry_if_kept

TRANSACTION_TWEEN = "pyramid_tm.tm_tween_factory"  # the name by which it adds itself

CheckBeforeWriting = Callable[[Request, orm.Session], None]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SafeMethodWrites(Exception):
    """A view wants to write for a safe method: a fault of ours."""


def is_safe(request: Request) -> bool:
    """Does the request only read?"""
    return request.method in SAFE_METHODS


def dbsession(request: Request) -> orm.Session:
    """The session of the request: a read session, opened at first use, until an action begins to write.

    Outside the transaction, where pages of refusals are made, it is another read session, which is closed
    with the request.
    """
    if "tm.active" not in request.environ:
        return open_outside_session(request)
    session = request.opened_session
    if session is None:
        session = request.opened_session = open_session(request, write=False)
    return session


def open_outside_session(request: Request) -> orm.Session:
    """The read session for code before or after the transaction of the request."""
    session = request.outside_session
    if session is None:
        opened = session = request.outside_session = request.registry.database.open_session(write=False)
        request.add_finished_callback(lambda request: opened.close())
    return session


def begin_write(request: Request) -> orm.Session:
    """The write session of the request, which its response commits or rolls back (see `commit_veto`).

    It is opened at the first call. Before that the read session is closed and its connection returned:
    requests that hold two connections could wait for each other, and an open read session does not see later
    changes. What was read until then may have changed. So the transaction begins with the checks of rooms
    (`config.add_check_before_writing`), and verifies the identity of the sender.

    :raises StaleData: when one of these checks fails.
    :raises SafeMethodWrites: when the request is a GET, HEAD or OPTIONS.
    """
    if is_safe(request):
        raise SafeMethodWrites(f"A {request.method} only reads: a view that writes needs another method.")
    if request.is_writing:
        return request.dbsession
    if request.opened_session is not None:
        request.opened_session.close()
    session = request.opened_session = open_session(request, write=True)
    request.is_writing = True
    try:
        # Begin now: what `after_begin` does comes before the session joins `request.tm`, which closes only
        # sessions that have joined.
        session.connection()
        for check in request.registry.checks_before_writing.values():
            check(request, session)
        request.registry.security_policy.hold_identity(request, session)
    except BaseException:
        session.close()
        request.opened_session, request.is_writing = None, False  # the error page may read
        raise
    return session


def end_reading(request: Request) -> None:
    """Close the read session and return its connection, before something that may take seconds.

    What was read is kept as rows; from here on `request.dbsession` reads anew.
    """
    if request.opened_session is not None and not request.is_writing:
        request.opened_session.close()
        request.opened_session = None


def give_up_write(request: Request) -> None:
    """Roll back what the request wrote, so that a page about a refusal is rendered without the write lock.

    From here on `request.dbsession` reads again.
    """
    request.tm.abort()  # which closes the session
    request.tm.begin()
    request.opened_session, request.is_writing = None, False


def open_session(request: Request, *, write: bool) -> orm.Session:
    """A session that ends with `request.tm`.

    One that writes is registered as changed: otherwise Core statements alone are silently rolled back.
    """
    session: orm.Session = request.registry.database.open_session(write=write)
    zope.sqlalchemy.register(
        session, initial_state="changed" if write else "active", transaction_manager=request.tm
    )
    return session


def commit_veto(request: Request, response: Any) -> bool:
    """The commit rule: roll back on 4xx, 5xx and whenever an exception was raised.

    The status alone is not enough: a raised Forbidden which an exception view answers with a
    redirect would commit what the view did before.
    """
    return response.status_int >= 400 or getattr(request, "exception", None) is not None


def add_check_before_writing(config: Any, name: str, check: CheckBeforeWriting) -> None:
    """Directive: a request's write transaction begins with `check(request, session)`, which may raise."""
    config.action(
        ("check before writing", name),
        lambda: config.registry.checks_before_writing.__setitem__(name, check),
    )


def includeme(config: Any) -> None:
    config.registry.checks_before_writing = {}
    config.add_directive("add_check_before_writing", add_check_before_writing)
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
    config.add_request_method(dbsession, property=True)
    config.add_request_method(begin_write)
    config.add_request_method(end_reading)
    config.add_request_method(give_up_write)
