"""What a new version reads out of the texts of posts, the worker reads out of those that are already there.

A migration adds a row to `backfills`, with its name and the largest id there is; a package says what to do by
`config.add_backfill`. Each round takes the newest posts that are left, in one transaction with their rows, so
it goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import orm

from microblog.posts import mention_queries as queries
from microblog.request import Registry

POSTS_IN_A_ROUND = 1000
SECONDS_BETWEEN_LOOKS = 60

Fill = Callable[[orm.Session, Mapping[int, str]], object]


def add_backfill(config: Any, name: str, fill: Fill) -> None:
    """Directive: `fill(session, bodies)` keeps what it finds in these texts of posts, by their ids."""

    def register() -> None:
        config.registry.backfills = {**config.registry.backfills, name: fill}

    config.action(("backfill", name), register)


def fill_older_posts(registry: Registry, limit: int = POSTS_IN_A_ROUND) -> bool:
    """The worker's task: is there more to do?"""
    with registry.database.read() as session:
        names = queries.list_backfills(session, list(registry.backfills))
    if not names:
        return False
    with registry.database.write() as session:
        before = queries.get_backfill(session, names[0])
        bodies = {} if before is None else queries.list_bodies_before(session, before, limit)
        registry.backfills[names[0]](session, bodies)
        queries.note_backfill(session, names[0], min(bodies) if len(bodies) == limit else None)
    return True


def includeme(config: Any) -> None:
    config.registry.backfills = {}
    config.add_directive("add_backfill", add_backfill)
    config.add_worker_task("older posts", fill_older_posts, every=SECONDS_BETWEEN_LOOKS)
