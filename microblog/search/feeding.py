"""Keeps the index of this site's adapter up to date, whichever adapter that is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.outbox.kinds import DeliveryFailed, Outcome
from microblog.outbox.queries import Leased
from microblog.request import Registry
from microblog.search.interfaces import (
    ISearchDelivery,
    SearchUnavailable,
    find_search_delivery,
    find_search_feed,
    find_search_maintenance,
    get_search_index,
)
from microblog.search.models import KIND
from microblog.search.records import OLD

log = logging.getLogger(__name__)

POSTS_IN_A_ROUND = 500
LONGEST_PAUSE_SECONDS = 10.0
SECONDS_BETWEEN_NOTICES = 3600.0
SECONDS_BETWEEN_MAINTENANCE = 2.0
NO_DELIVERY = "The search adapter of these settings takes no entries: run `microblog search rebuild`."


def catch_up(registry: Registry, limit: int = POSTS_IN_A_ROUND) -> int:
    """Index up to `limit` waiting changes, and return how many were handled."""
    count = index_changes(registry, limit)
    if KIND in registry.outbox.kinds:
        count += registry.outbox.deliver(KIND, limit)
    return count


def index_changes(registry: Registry, limit: int = POSTS_IN_A_ROUND) -> int:
    """The worker's task: changes from outside the application, for an index inside its database."""
    feed = find_search_feed(registry)
    return 0 if feed is None else feed.catch_up(registry.database, limit)


class OldIndexNotice:
    """The worker's task that logs once when the index was made by an older rule of what a word is."""

    def __init__(self) -> None:
        self._was_old = False

    def __call__(self, registry: Registry) -> None:
        is_old = False
        with suppress(SearchUnavailable), registry.database.read() as session:
            is_old = get_search_index(registry).status(session).is_old
        if is_old and not self._was_old:
            log.warning("%s", OLD)
        self._was_old = is_old


def maintain(registry: Registry) -> bool:
    """The worker's task: what an index needs regularly; is there more to do?"""
    maintenance = find_search_maintenance(registry)
    return maintenance is not None and maintenance.maintain(registry.database)


def deliver(registry: Registry, entries: Sequence[Leased]) -> Outcome | None:
    """Deliver the outbox entries of search."""
    delivery = find_search_delivery(registry)
    if delivery is None:
        raise DeliveryFailed(NO_DELIVERY)
    return delivery.deliver(registry, entries)


def add_kind(config: Any) -> None:
    def write_again(session: orm.Session, entries: Sequence[Leased]) -> None:
        config.registry.getUtility(ISearchDelivery).write_again(session, entries)

    config.add_outbox_kind(
        KIND,
        deliver,
        batch=POSTS_IN_A_ROUND,
        longest_pause_seconds=LONGEST_PAUSE_SECONDS,
        on_lost_lease=write_again,
    )


# The registry comes from the session: SQLAlchemy never releases a listener, nor what it refers to.


def after_begin(session: orm.Session, connection: sa.Connection) -> None:
    feed = find_search_feed(session.info["registry"])
    if feed is not None:
        feed.after_begin(session, connection)


def before_commit(session: orm.Session) -> None:
    feed = find_search_feed(session.info["registry"])
    if feed is not None:
        feed.before_commit(session)


def includeme(config: Any) -> None:
    config.registry.database.after_begin(after_begin)
    config.registry.database.before_commit(before_commit)
    config.declare_derived_kind(KIND)  # another index is made from the posts
    config.add_worker_task("search index", lambda registry: index_changes(registry) and None)
    config.add_worker_task("old search index", OldIndexNotice(), every=SECONDS_BETWEEN_NOTICES)
    config.add_worker_task("search maintenance", maintain, every=SECONDS_BETWEEN_MAINTENANCE)
