"""Tasks of the worker for accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from microblog.accounts.departure_queries import delete_old_departures
from microblog.accounts.queries import delete_expired_sessions
from microblog.request import Registry

SECONDS_BETWEEN_CLEANINGS = 600
DEPARTURES_KEPT = timedelta(days=30)  # for whoever asks what became of an account


def delete_expired(registry: Registry) -> None:
    with registry.database.write() as session:
        delete_expired_sessions(session)
        delete_old_departures(session, datetime.now(UTC) - DEPARTURES_KEPT)


def includeme(config: Any) -> None:
    config.add_worker_task("expired sessions", delete_expired, every=SECONDS_BETWEEN_CLEANINGS)
