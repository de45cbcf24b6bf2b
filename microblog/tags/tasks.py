"""What the worker does about tags."""

from __future__ import annotations

from datetime import timedelta

from microblog.ids import get_first_id_at, get_now, to_timestamp
from microblog.request import Registry
from microblog.tags import queries

SECONDS_BETWEEN_COUNTS = 600
COUNTED = timedelta(days=7)
MOST_TAGS_OF_THE_WEEK = 10


def count_tags_of_the_week(registry: Registry) -> None:
    """Count them outside any transaction that writes, and keep them if others are used most now."""
    since = get_first_id_at(to_timestamp(get_now()) - COUNTED)
    with registry.database.read() as session:
        found = queries.count_tags(session, since, MOST_TAGS_OF_THE_WEEK)
        if found == queries.list_tags_of_the_week(session):
            return
    with registry.database.write() as session:
        queries.replace_tags_of_the_week(session, found)
