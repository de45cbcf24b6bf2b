"""What the worker does about limits."""

from __future__ import annotations

from typing import Any

from microblog.ids import get_now
from microblog.request import Registry
from microblog.security.limits.queries import delete_expired

SECONDS_BETWEEN_CLEANINGS = 60
ROWS_IN_A_ROUND = 1000


def delete_expired_counts(registry: Registry) -> bool:
    """Are there more, for the next round?"""
    with registry.database.write() as session:
        return delete_expired(session, get_now(), ROWS_IN_A_ROUND) == ROWS_IN_A_ROUND


def includeme(config: Any) -> None:
    config.add_worker_task("expired limits", delete_expired_counts, every=SECONDS_BETWEEN_CLEANINGS)
