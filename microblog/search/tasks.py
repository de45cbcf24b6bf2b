"""What the worker does for search."""

from __future__ import annotations

from typing import Any

from microblog.request import Registry

POSTS_IN_A_ROUND = 500


def catch_up(registry: Registry) -> None:
    """Bring to the index what waits."""
    registry.search.catch_up(registry.database, POSTS_IN_A_ROUND)


def includeme(config: Any) -> None:
    config.add_worker_task("search index", catch_up)
