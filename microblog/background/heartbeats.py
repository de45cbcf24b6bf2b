"""Every SQL statement about who works at the outbox."""

from __future__ import annotations

import os
import socket

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import NAME_OF_A_TRY
from microblog.outbox.models import Heartbeat
from microblog.outbox.queries import now

NAME_CHARACTERS = 200
# A worker that was killed leaves its row; nobody asks for it after that time.
MILLISECONDS_TO_KEEP = 3_600_000


def own_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[-NAME_CHARACTERS:]


def beat(session: orm.Session, name: str) -> None:
    """The worker of this name is there, now."""
    moment = now()
    there = sa.update(Heartbeat).where(Heartbeat.name == name).values(seen=moment)
    if not session.execute(there).rowcount:  # type: ignore[attr-defined]
        session.execute(sa.insert(Heartbeat).values(name=name, seen=moment))
    session.execute(sa.delete(Heartbeat).where(Heartbeat.seen < moment - MILLISECONDS_TO_KEEP))


def leave(session: orm.Session, name: str) -> None:
    """It stops, and nobody has to miss it."""
    session.execute(sa.delete(Heartbeat).where(Heartbeat.name == name))


def newest(session: orm.Session) -> int | None:
    """When any worker was last seen; None when none has left a row."""
    seen: int | None = session.scalar(
        sa.select(sa.func.max(Heartbeat.seen)).where(Heartbeat.name != NAME_OF_A_TRY)
    )
    return seen
