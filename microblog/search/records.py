"""The state of an adapter's index: its rule, what the last verify found, and which rebuild is running."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import build_insert
from microblog.ids import get_now
from microblog.search.interfaces import (
    Drift,
    OldIndex,
    Rebuilding,
    SearchUnavailable,
    Status,
    Verified,
)
from microblog.search.models import IndexState
from microblog.search.text import get_rule

# A rebuild notes its progress many times a second, except while PostgreSQL makes its index.
SECONDS_UNTIL_A_REBUILD_IS_DEAD = 300
REPLACED = "Another rebuild has begun, or the index was removed; this rebuild stops."
OLD = (
    "The index was made by an older rule of what a word is, so some posts are not found by some of their "
    "words: run `microblog search rebuild`."
)


def to_datetime(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def note_verify(session: orm.Session, adapter: str, drift: Drift) -> None:
    """Record what a verify has found."""
    row = get_state(session, adapter)
    row.verified_at = get_now()
    row.missing, row.stale, row.ghosts = len(drift.missing), len(drift.stale), len(drift.ghosts)


def note_rule(session: orm.Session, adapter: str) -> None:
    """Record that the whole index is made by the rule of this version."""
    get_state(session, adapter).rule = get_rule()


def is_old(session: orm.Session, adapter: str) -> bool:
    """Was the index made by another version of the rule? It answers, but its words are not all found."""
    rule = session.scalar(sa.select(IndexState.rule).where(IndexState.adapter == adapter))
    return rule != get_rule()


def require_current_rule(session: orm.Session, adapter: str) -> None:
    """:raises OldIndex: when the index was made by another version of the rule."""
    if is_old(session, adapter):
        raise OldIndex(OLD)


def begin_rebuild(session: orm.Session, adapter: str, token: str) -> None:
    """Record that this rebuild runs; one that was running stops at its next `note_progress`."""
    row = get_state(session, adapter)
    row.rebuild, row.rebuild_seen_at, row.rebuilt = token, get_now(), 0


def note_progress(session: orm.Session, adapter: str, token: str, more: int = 0) -> None:
    """Record that the rebuild is alive and has done `more` posts. No other can begin before this transaction
    ends.

    :raises SearchUnavailable: when another rebuild has begun, or the index was uninstalled.
    """
    mine = (IndexState.adapter == adapter) & (IndexState.rebuild == token)
    values = {"rebuild_seen_at": get_now(), "rebuilt": IndexState.rebuilt + more}
    found: sa.CursorResult[object] = session.execute(  # type: ignore[assignment]
        sa.update(IndexState).where(mine).values(values)
    )
    if not found.rowcount:
        raise SearchUnavailable(REPLACED)


def end_rebuild(session: orm.Session, adapter: str, token: str | None = None) -> None:
    """Record that the rebuild with this token (None: any) has ended; harmless when none was running."""
    ended = sa.update(IndexState).where(IndexState.adapter == adapter).values(rebuild=None)
    if token is not None:
        ended = ended.where(IndexState.rebuild == token)
    session.execute(ended)


def forget_index(session: orm.Session, adapter: str) -> None:
    """Delete the record of an index that is removed; a running rebuild of it stops."""
    session.execute(sa.delete(IndexState).where(IndexState.adapter == adapter))


def complete_status(session: orm.Session, status: Status) -> Status:
    """The status, completed with the rule, the last verify and the running rebuild."""
    row = session.get(IndexState, status.adapter)
    if row is None:
        return replace(status, is_old=True)
    verified = rebuilding = None
    if row.verified_at is not None:
        verified = Verified(to_datetime(row.verified_at), row.missing, row.stale, row.ghosts)
    if row.rebuild is not None:
        seen_at = row.rebuild_seen_at or 0
        is_alive = get_now() - seen_at < SECONDS_UNTIL_A_REBUILD_IS_DEAD * 1000
        rebuilding = Rebuilding(row.rebuilt, to_datetime(seen_at), is_alive=is_alive)
    session.expunge(row)
    return replace(status, verified=verified, rebuilding=rebuilding, is_old=row.rule != get_rule())


def get_state(session: orm.Session, adapter: str) -> IndexState:
    """The row of an adapter, locked; inserted when there is none."""
    session.execute(build_insert(session, IndexState).values(adapter=adapter).on_conflict_do_nothing())
    return session.get_one(IndexState, adapter, with_for_update=True)
