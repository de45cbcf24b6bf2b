"""The SQL statements of the heartbeats."""

from __future__ import annotations

import os
import socket
import time

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.background.models import Heartbeat
from microblog.db import NAME_OF_A_PROBE
from microblog.ids import get_now

NAME_CHARACTERS = 200
# A worker that was killed leaves its row behind; after this time it is deleted.
MILLISECONDS_TO_KEEP = 3_600_000


def get_own_name() -> str:
    """The name of a worker in this process."""
    return f"{socket.gethostname()}:{os.getpid()}"[-NAME_CHARACTERS:]


def record_heartbeat(session: orm.Session, name: str) -> None:
    """Record that the worker of this name is alive now."""
    now = get_now()
    update = sa.update(Heartbeat).where(Heartbeat.name == name).values(seen=now)
    if not session.execute(update).rowcount:  # type: ignore[attr-defined]
        session.execute(sa.insert(Heartbeat).values(name=name, seen=now))
    session.execute(sa.delete(Heartbeat).where(Heartbeat.seen < now - MILLISECONDS_TO_KEEP))


def remove_heartbeat(session: orm.Session, name: str) -> None:
    """Remove the heartbeat of a worker that stops properly."""
    session.execute(sa.delete(Heartbeat).where(Heartbeat.name == name))


def has_heartbeats(session: orm.Session) -> bool:
    """Does the table exist? Not before the migrations."""
    return sa.inspect(session.connection()).has_table(Heartbeat.__tablename__)


def get_newest_heartbeat(session: orm.Session) -> int | None:
    """When any worker was last seen (milliseconds since 1970); None when none has left a row."""
    seen: int | None = session.scalar(
        sa.select(sa.func.max(Heartbeat.seen)).where(Heartbeat.name != NAME_OF_A_PROBE)
    )
    return seen


def get_seconds_since_heartbeat(session: orm.Session) -> float | None:
    """How long ago any worker was last seen; None when none has left a row."""
    seen = get_newest_heartbeat(session)
    return None if seen is None else max(0.0, time.time() - seen / 1000)
