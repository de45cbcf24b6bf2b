"""A rebuild of an index inside the database: a second one is filled while the first one serves.

Changes made meanwhile are queued for both. When all posts are in, the new index is compared with them,
and in one short transaction takes the names of the old one. All transactions are short: writers wait
for a fraction of a second at most.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import Database
from microblog.search import records
from microblog.search.embedded.pending import INDEXES_ITSELF, NEXT, SOMEBODY_WRITES
from microblog.search.interfaces import Drift, SearchUnavailable

if TYPE_CHECKING:
    from microblog.search.embedded.side_table import SideTableSearch

log = logging.getLogger(__name__)

RETIRED = "_old"  # in the names of the index that served, until it is removed
# SQLite does not queue those who wait for its lock; they poll. So it has to be free regularly: for half as
# long as each step took.
PAUSE = 0.5
# How often the new index is compared: differences are queued, indexed and compared again.
MOST_COMPARISONS = 3
LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"
DIFFERS = "The new index does not agree with the posts; the old one serves on."
SOMEBODY_READS = (
    "A transaction has been reading the index for ten minutes (a backup?), so the new one cannot replace it; "
    "wait until it has ended, and run this again."
)


def take_down(adapter: SideTableSearch, database: Database) -> None:
    """Uninstall an index in short transactions; harmless when it is gone."""
    Rebuild(adapter, database).undo()


class Rebuild:
    """One rebuild of an adapter's index; it stops when another one begins."""

    def __init__(self, adapter: SideTableSearch, database: Database) -> None:
        self._adapter = adapter
        self._next = adapter.with_suffix(NEXT)
        self._database = database
        self._steps = adapter.steps
        self._token = secrets.token_hex(8)
        self._pause = 0.0
        self._released = time.monotonic()

    def run(self, progress: Callable[[int], None]) -> int:
        """Rebuild the index, and return the number of posts.

        :raises SearchUnavailable: with a sentence; the old index serves on.
        """
        with self._database.write() as session:
            session.info[INDEXES_ITSELF] = True
            records.begin_rebuild(session, self._adapter.name, self._token)
        try:
            self._remove(NEXT, RETIRED)
            count = self._fill(progress)
            self._repeat(partial(self._next.tidy, at_the_end=True))
            self._compare()
            self._insist(
                self._switch, self._steps.seconds_to_wait_for_the_lock, SOMEBODY_READS, self._catch_up
            )
            self._remove(RETIRED)
        except BaseException as error:  # also Ctrl-C
            was_ours = self._give_up()
            if isinstance(error, sa.exc.DBAPIError) and not was_ours:  # the other rebuild dropped our tables
                raise SearchUnavailable(records.REPLACED) from None
            raise
        with self._step() as session:
            records.end_rebuild(session, self._adapter.name)
        return count

    def undo(self) -> None:
        """Uninstall the index that serves, a part at a time."""
        with self._database.write() as session:
            records.begin_rebuild(session, self._adapter.name, self._token)
        self._remove(NEXT, RETIRED)
        with self._step() as session:
            self._adapter.queue.drop(session)
            self._adapter.rename(session, self._adapter.with_suffix(RETIRED))
        self._remove(RETIRED)
        with self._step() as session:
            self._adapter.uninstall(session)

    @contextmanager
    def _step(self, more: int = 0) -> Iterator[orm.Session]:
        """A short write transaction.

        :raises SearchUnavailable: when another rebuild has begun.
        """
        self._steps.sleep(max(0.0, self._pause - (time.monotonic() - self._released)))
        with self._database.write() as session:
            began = time.monotonic()
            session.info[INDEXES_ITSELF] = True
            records.note_progress(session, self._adapter.name, self._token, more)
            yield session
        self._released = time.monotonic()
        if self._database.dialect == "sqlite":
            self._pause = (self._released - began) * PAUSE

    def _fill(self, progress: Callable[[int], None]) -> int:
        self._insist(self._create, self._steps.seconds_to_wait_for_writers, SOMEBODY_WRITES)
        # From here on every change is queued.
        self._next.queue.wait_for_writers(
            self._database, self._steps.seconds_to_wait_for_writers, self._steps.sleep
        )
        count, last = 0, -1
        for number in itertools.count(1):  # pragma: no branch  # the numbers do not end
            posts = self._read_posts_after(last)
            with self._step(len(posts)) as session:
                self._next.keep_or_enqueue(session, posts)
            count += len(posts)
            progress(len(posts))
            if len(posts) < self._steps.posts_at_once:  # posts written since then are queued
                break
            last = posts[-1].id
            if number in self._steps.batches_until_settled:
                self._repeat(self._next.settle)
            elif number % self._steps.batches_until_tidying == 0:
                self._repeat(partial(self._next.tidy, at_the_end=False))
        return count

    def _create(self, session: orm.Session) -> None:
        self._next.create(session)
        self._next.prepare_to_fill(session)
        self._next.queue.create(session)

    def _read_posts_after(self, last: int) -> list[Any]:
        sql = sa.text("SELECT id, body, language FROM posts WHERE id > :last ORDER BY id LIMIT :limit")
        with self._database.read() as session:
            return list(session.execute(sql, {"last": last, "limit": self._steps.posts_at_once}))

    def _repeat(self, action: Callable[[orm.Session], bool]) -> None:
        is_more = True
        while is_more:
            with self._step() as session:
                is_more = action(session)

    def _catch_up(self) -> None:
        done = self._steps.posts_at_once
        while done == self._steps.posts_at_once:  # fewer: the rest is for the last transaction
            with self._step() as session:
                done = self._next.index_pending(session, self._steps.posts_at_once)

    def _compare(self) -> Drift:
        """:raises SearchUnavailable: when the new index still differs after the last comparison."""
        for _ in range(MOST_COMPARISONS):
            self._catch_up()
            drift = self._next.find_differences(self._database, with_refused=False)
            if not drift:
                return drift
            with self._step() as session:
                self._next.enqueue(session, (*drift.missing, *drift.stale, *drift.ghosts))
        raise SearchUnavailable(DIFFERS)

    def _switch(self, session: orm.Session) -> None:
        self._next.queue.lock(session)
        self._next.index_pending(session, self._steps.posts_at_once)
        self._next.prepare_to_serve(session)
        self._adapter.queue.retire(session)
        self._adapter.rename(session, self._adapter.with_suffix(RETIRED))
        self._next.rename(session, self._adapter)
        self._next.queue.replace(session, self._adapter.queue)
        records.note_verify(session, self._adapter.name, Drift())
        records.note_rule(session, self._adapter.name)

    def _insist(
        self,
        action: Callable[[orm.Session], None],
        seconds: float,
        refusal: str,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """Do this as soon as others let go of the tables.

        :raises SearchUnavailable: with the refusal, when they have not for so long.
        """
        until = time.monotonic() + seconds
        while not self._try(action, prepare):
            if time.monotonic() > until:
                raise SearchUnavailable(refusal)
            self._steps.sleep(self._steps.seconds_between_attempts)

    def _try(self, action: Callable[[orm.Session], None], prepare: Callable[[], None]) -> bool:
        """In one transaction; False when others use the tables, since more would queue behind us."""
        try:
            prepare()
            with self._step() as session:
                if self._database.dialect == "postgresql":
                    session.execute(sa.text(f"SET LOCAL lock_timeout = {self._steps.lock_milliseconds}"))
                action(session)
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) in (LOCK_NOT_AVAILABLE, DEADLOCK):
                return False
            raise
        return True

    def _remove(self, *suffixes: str) -> None:
        """Remove the rest of an index, a part at a time: dropping a large table takes SQLite seconds."""
        for suffix in suffixes:
            remains = self._adapter.with_suffix(suffix)
            with self._step() as session:
                remains.queue.drop(session)
            self._repeat(remains.shrink)
            with self._step() as session:
                remains.drop(session)

    def _give_up(self) -> bool:
        """Leave nothing behind; what cannot be removed now, the next rebuild removes.

        False when another rebuild has begun meanwhile, which owns the tables now.
        """
        try:
            self._remove(NEXT, RETIRED)
            with self._step() as session:
                records.end_rebuild(session, self._adapter.name)
        except SearchUnavailable:
            return False
        except sa.exc.DBAPIError as error:
            log.warning("What the rebuild has made stays until the next one: %s", error)
        return True
