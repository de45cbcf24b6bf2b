"""What the worker does about notifications."""

from __future__ import annotations

from datetime import timedelta

from microblog.ids import get_first_id_at, get_now, to_timestamp
from microblog.notifications import queries
from microblog.notifications.settings import DAYS
from microblog.request import Registry

SECONDS_BETWEEN_CLEANINGS = 3600
MOST_AT_ONCE = 1_000  # notifications that are deleted in a transaction


def delete_old(registry: Registry, limit: int = MOST_AT_ONCE) -> bool:
    """Delete the oldest notifications, a step at a time: is there more to do?"""
    days = registry.microblog[DAYS]
    if not days:
        return False
    before = get_first_id_at(to_timestamp(get_now()) - timedelta(days=days))
    with registry.database.read() as session:
        groups = queries.list_old_groups(session, before, limit)
    if not groups:
        return False
    with registry.database.write() as session:
        if queries.delete_notifications(session, groups, limit) < limit:
            queries.delete_groups(session, groups, before)
    return True
