"""Deleting an account: what the worker removes of somebody who is gone, in short transactions.

`microblog/accounts/actions.py` says who leaves, and makes them unreachable; from then on nobody sees anything
of them (docs/adr/0054). What is left is removed here: first by the steps of the rooms, in their order, then
whatever else refers to the person. All of it is in the database, so it goes on where it was stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import orm

from microblog.accounts import actions
from microblog.accounts import departure_queries as queries
from microblog.db import get_models
from microblog.request import Registry

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 30
SECONDS_IN_A_ROUND = 0.3  # so that the other tasks of the worker have their turn
PEOPLE_IN_A_ROUND = 10
TARGET_SECONDS = 0.01  # for which a transaction keeps others from writing; they wait for less than 50 ms
FIRST_ROWS, MOST_ROWS = 5, 500

Function = Callable[[orm.Session, int, int], int]


@dataclass(frozen=True, slots=True)
class Step:
    """`function(session, user_id, limit)` removes at most about so many rows of somebody, and returns how
    many; 0 when none is left."""

    name: str
    function: Function
    order: int


def add_departure_step(config: Any, name: str, function: Function, *, order: int = 0) -> None:
    """Directive: a `Step`. Rows that refer to people need none; they are removed after all steps."""
    step = Step(name, function, order)

    def register() -> None:
        config.registry.departure_steps[name] = step

    introspectable = config.introspectable("departure steps", name, name, "departure step")
    config.action(("departure step", name), register, introspectables=(introspectable,))


def list_steps(registry: Registry) -> list[Function]:
    """The steps of the rooms, then one for each column that refers to people."""
    steps = sorted(registry.departure_steps.values(), key=lambda step: step.order)
    references = queries.list_references(get_models(registry).values(), "users")
    return [*(step.function for step in steps), *(partial(remove_rows, column) for column in references)]


def remove_rows(column: Any, session: orm.Session, user_id: int, limit: int) -> int:
    return queries.remove_references(session, column, [user_id], limit)


class Removal:
    """What is left of somebody who is gone. `now` is a clock in seconds.

    The next transaction removes about so many `rows`; the last one has removed `done`.
    """

    def __init__(
        self, registry: Registry, user_id: int, *, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self._database = registry.database
        self._user_id = user_id
        self._steps = list_steps(registry)
        self._now = now
        self.rows = FIRST_ROWS
        self.done = 0

    def remove_some(self) -> bool:
        """Remove some rows in one transaction; False when none is left, or another worker removes them."""
        with self._database.write() as session:
            if not queries.lock_departure(session, self._user_id):
                return False
            started = self._now()
            self.done = self._take_steps(session, started)
            if not self._steps:
                queries.end_departure(session, self._user_id, datetime.now(UTC))
        self._adapt(self.done, self._now() - started)
        return bool(self._steps)

    def _take_steps(self, session: orm.Session, started: float) -> int:
        """Take the first step that has anything to do; those before it are over. Returns how much it did."""
        while self._steps and self._now() - started < TARGET_SECONDS:
            done = self._steps[0](session, self._user_id, self.rows)
            if done:
                return done
            del self._steps[0]
            self.rows = FIRST_ROWS
        return 0

    def _adapt(self, done: int, seconds: float) -> None:
        """Remove as many rows as fit into the time, the next time; at most twice as many."""
        fitting = int(done * TARGET_SECONDS / max(seconds, TARGET_SECONDS / 2))
        if done:
            self.rows = min(max(fitting, 1), MOST_ROWS)


def carry_out(registry: Registry, *, seconds: float = SECONDS_IN_A_ROUND) -> bool:
    """The worker's task: is there more to do?"""
    end = time.monotonic() + seconds
    with registry.database.read() as session:
        due = queries.list_due(session, datetime.now(UTC), PEOPLE_IN_A_ROUND)
    for user_id in due:
        go(registry, user_id)
    for user_id in due:
        removal = Removal(registry, user_id)
        while removal.remove_some():
            # Not before something was removed, however long it takes to look through the steps that are over.
            if removal.done and time.monotonic() > end:
                return True
        log.info("Nothing is left of user %d.", user_id)
    return len(due) == PEOPLE_IN_A_ROUND


def go(registry: Registry, user_id: int) -> None:
    """Make somebody unreachable whose time has come, if they are not yet."""
    with registry.database.write() as session:
        if actions.go(session, user_id):
            log.info("User %d is gone.", user_id)


def includeme(config: Any) -> None:
    config.registry.departure_steps = {}
    config.add_directive("add_departure_step", add_departure_step)
    config.add_worker_task("departures", carry_out, every=SECONDS_BETWEEN_LOOKS)
