"""Tasks of the worker for accounts."""

from __future__ import annotations

from typing import Any

from microblog.accounts.queries import delete_expired_sessions
from microblog.request import Registry

SECONDS_BETWEEN_CLEANINGS = 600


def delete_expired(registry: Registry) -> None:
    with registry.database.write() as session:
        delete_expired_sessions(session)


def includeme(config: Any) -> None:
    config.add_worker_task("expired sessions", delete_expired, every=SECONDS_BETWEEN_CLEANINGS)
