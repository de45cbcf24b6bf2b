"""A rebuild of an index inside the database: a second one is filled while the first one serves.

Changes that are made meanwhile set marks for both. When all posts are in, the new index is compared
with them, and in one short transaction takes the names of the old one. All transactions are short:
nobody who writes waits for more than a fraction of a second.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.db import Database
from microblog.search import records
from microblog.search.embedded.pending import BESIDE, COUNTED
from microblog.search.interfaces import Drift, SearchUnavailable

if TYPE_CHECKING:
    from microblog.search.embedded.side_table import SideTableSearch

log = logging.getLogger(__name__)

ASIDE = "_old"  # the index that served, until it is removed
# Who waits for the lock of SQLite is in no queue, but looks from time to time whether it is free: so it
# has to be, for half of the time that it was taken.
PAUSE = 0.5
# How often the new index is compared, since what was found once is looked at again.
MOST_COMPARISONS = 3
LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"
DIFFERS = "The new index does not agree with the posts; the old one serves on."
SOMEBODY_READS = (
    "Somebody has been reading the index in one transaction for ten minutes (a backup?), so the new one "
    "cannot take its place; wait until it has ended, and run this again."
)


def take_down(adapter: SideTableSearch, database: Database) -> None:
    """Uninstall an index in short transactions; harmless when it is gone."""
    Rebuild(adapter, database).undo()


class Rebuild:
    """One rebuild of an adapter's index; whoever begins another one ends it."""

    def __init__(self, adapter: SideTableSearch, database: Database) -> None:
        self._adapter = adapter
        self._next = adapter.beside(BESIDE)
        self._database = database
        self._steps = adapter.steps
        self._token = secrets.token_hex(8)
        self._pause = 0.0
        self._released = time.monotonic()

    def run(self, progress: Callable[[int], None]) -> int:
        """How many posts it was.

        :raises SearchUnavailable: with a sentence; the old index serves on.
        """
        with self._database.write() as session:
            session.info[COUNTED] = True
            records.begin_rebuild(session, self._adapter.name, self._token)
        try:
            self._remove(BESIDE, ASIDE)
            count = self._fill(progress)
            self._tidy(at_the_end=True)
            self._compare()
            self._switch()
            self._remove(ASIDE)
        except BaseException as error:  # also Ctrl-C
            was_ours = self._give_up()
            if isinstance(error, sa.exc.DBAPIError) and not was_ours:  # the tables went under our hands
                raise SearchUnavailable(records.REPLACED) from None
            raise
        with self._step() as session:
            records.end_rebuild(session, self._adapter.name)
        return count

    def undo(self) -> None:
        """Uninstall the index that serves, a part at a time."""
        with self._database.write() as session:
            records.begin_rebuild(session, self._adapter.name, self._token)
        self._remove(BESIDE, ASIDE)
        with self._step() as session:
            self._adapter.marks.drop(session)
            self._adapter.rename(session, self._adapter.beside(ASIDE))
        self._remove(ASIDE)
        with self._step() as session:
            self._adapter.uninstall(session)

    @contextmanager
    def _step(self, more: int = 0) -> Iterator[orm.Session]:
        """A short write transaction, as long as no other rebuild has begun."""
        self._steps.sleep(max(0.0, self._pause - (time.monotonic() - self._released)))
        with self._database.write() as session:
            began = time.monotonic()
            session.info[COUNTED] = True
            records.go_on(session, self._adapter.name, self._token, more)
            yield session
        self._released = time.monotonic()
        if self._database.dialect == "sqlite":
            self._pause = (self._released - began) * PAUSE

    def _fill(self, progress: Callable[[int], None]) -> int:
        with self._step() as session:
            self._next.create(session)
            self._next.prepare_to_fill(session)
            self._next.marks.create(session)
        # From here on every change is marked.
        self._next.marks.wait_for_writers(
            self._database, self._steps.seconds_to_wait_for_writers, self._steps.sleep
        )
        count, last = 0, -1
        for number in itertools.count(1):  # pragma: no branch  # the numbers do not end
            posts = self._posts_after(last)
            with self._step(len(posts)) as session:
                self._next.keep_what_can_be(session, posts)
            count += len(posts)
            progress(len(posts))
            if len(posts) < self._steps.posts_at_once:  # what was written since then has a mark
                break
            last = posts[-1].id
            if number % self._steps.batches_until_tidying == 0:
                self._tidy(at_the_end=False)
        return count

    def _posts_after(self, last: int) -> list[Any]:
        sql = sa.text("SELECT id, body FROM posts WHERE id > :last ORDER BY id LIMIT :limit")
        with self._database.read() as session:
            return list(session.execute(sql, {"last": last, "limit": self._steps.posts_at_once}))

    def _tidy(self, *, at_the_end: bool) -> None:
        is_more = True
        while is_more:
            with self._step() as session:
                is_more = self._next.tidy(session, at_the_end=at_the_end)

    def _catch_up(self) -> None:
        done = self._steps.posts_at_once
        while done == self._steps.posts_at_once:  # fewer: the rest is for the last transaction
            with self._step() as session:
                done = self._next.index_pending(session, self._steps.posts_at_once)

    def _compare(self) -> Drift:
        """:raises SearchUnavailable: when the new index is not right, whatever is done."""
        for _ in range(MOST_COMPARISONS):
            self._catch_up()
            drift = self._next.differences(self._database, with_refused=False)
            if not drift:
                return drift
            with self._step() as session:
                self._next.mark(session, (*drift.missing, *drift.stale, *drift.ghosts))
        raise SearchUnavailable(DIFFERS)

    def _switch(self) -> None:
        until = time.monotonic() + self._steps.seconds_to_wait_for_the_lock
        while not self._switched():
            if time.monotonic() > until:
                raise SearchUnavailable(SOMEBODY_READS)
            self._steps.sleep(self._steps.seconds_between_attempts)
            self._catch_up()

    def _switched(self) -> bool:
        """In one transaction; False when somebody uses the tables, and would wait behind us."""
        try:
            self._catch_up()
            with self._step() as session:
                if self._database.dialect == "postgresql":
                    session.execute(sa.text(f"SET LOCAL lock_timeout = {self._steps.lock_milliseconds}"))
                self._next.marks.lock(session)
                self._next.index_pending(session, self._steps.posts_at_once)
                self._adapter.marks.step_aside(session)
                self._adapter.rename(session, self._adapter.beside(ASIDE))
                self._next.rename(session, self._adapter)
                self._next.marks.replace(session, self._adapter.marks)
                records.note_verify(session, self._adapter.name, Drift())
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) in (LOCK_NOT_AVAILABLE, DEADLOCK):
                return False
            raise
        return True

    def _remove(self, *suffixes: str) -> None:
        """What is left over of an index, a part at a time: to drop a large table takes seconds on SQLite."""
        for suffix in suffixes:
            remains = self._adapter.beside(suffix)
            with self._step() as session:
                remains.marks.drop(session)
            is_more = True
            while is_more:
                with self._step() as session:
                    is_more = remains.shrink(session)
            with self._step() as session:
                remains.drop(session)

    def _give_up(self) -> bool:
        """Leave nothing behind; what cannot be removed now, the next rebuild removes.

        False when another rebuild has begun meanwhile, whose tables they are now.
        """
        try:
            self._remove(BESIDE, ASIDE)
            with self._step() as session:
                records.end_rebuild(session, self._adapter.name)
        except SearchUnavailable:
            return False
        except sa.exc.DBAPIError as error:
            log.warning("What the rebuild has made stays until the next one: %s", error)
        return True
