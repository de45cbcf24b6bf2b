"""What nobody sees of somebody who is suspended counts nowhere either, until they are there again.

Their posts are marked, and whom they follow, who follows them, what they like and boost is moved to tables of
its own, by the worker, some rows at a time: the triggers that count do the rest. Afterwards all of it comes
back as it was, with its times, except what was deleted or blocked meanwhile.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import orm

from microblog.moderation import withheld_queries as queries
from microblog.moderation.models import HIDES, RETURNS, WithheldBoost, WithheldLike
from microblog.reactions.models import Boost, Like
from microblog.request import Registry

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS: Final = 1
SECONDS_IN_A_ROUND: Final = 0.3  # so that the other tasks of the worker have their turn
ROWS_AT_ONCE: Final = 100  # a transaction keeps others from writing for some milliseconds
PEOPLE_IN_A_ROUND: Final = 10

# `step(session, user_id, limit)` returns how many rows it has moved; 0 when none is left.
Step = Callable[[orm.Session, int, int], int]
STEPS: Final[dict[int, tuple[Step, ...]]] = {
    HIDES: (
        queries.hide_posts,
        queries.withhold_follows,
        partial(queries.withhold_reactions, Like, WithheldLike),
        partial(queries.withhold_reactions, Boost, WithheldBoost),
    ),
    RETURNS: (
        queries.show_posts,
        queries.give_back_follows,
        partial(queries.give_back_reactions, Like, WithheldLike),
        partial(queries.give_back_reactions, Boost, WithheldBoost),
    ),
}


def carry_out(registry: Registry, *, seconds: float = SECONDS_IN_A_ROUND) -> bool:
    """The worker's task: is there more to do?"""
    end = time.monotonic() + seconds
    with registry.database.read() as session:
        people = queries.list_unfinished(session, PEOPLE_IN_A_ROUND)
    for user_id in people:
        while take_step(registry, user_id):
            if time.monotonic() > end:
                return True
    return len(people) == PEOPLE_IN_A_ROUND


def take_step(registry: Registry, user_id: int, rows: int = ROWS_AT_ONCE) -> bool:
    """Move some rows of somebody in one transaction; False when all is done, or another worker does it."""
    with registry.database.write() as session:
        state = queries.lock_suspension(session, user_id)
        if state is None:
            return False
        for step in STEPS[state]:
            if step(session, user_id, rows):
                return True
        queries.finish(session, user_id, state)
    log.info("What is seen of user %d counts %s.", user_id, "nowhere now" if state == HIDES else "again")
    return False
