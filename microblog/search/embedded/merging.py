"""Merging the segments of an FTS5 index, so that no post waits for it.

Each transaction that indexes something appends a segment, and FTS5 holds 2,000 of them at most. By default
it merges them in the transaction that happens to be the next one, which takes seconds in a large index. So
its own merging is off, and the worker does it in short transactions, level by level: eight segments of a
level become one of the next. Segments of one level have about the same size, and the one that a rebuild
leaves is on a high level: it is merged again only after many times as many posts as it holds.
"""

# ruff: noqa: S608  # names of tables are constants; values are bound
from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.search.embedded.pending import INDEXES_ITSELF, run

if TYPE_CHECKING:
    from microblog.db import Database
    from microblog.search.embedded.steps import Steps

# `automerge` merges in the transactions of others, `crisismerge` all segments of a level when it has so many;
# so many as `usermerge` a level must have for the command `merge`. `hashsize` (bytes) limits the buffer for
# the words of a transaction: when it is full they become a segment. Only a transaction that changes very
# many posts, such as a deletion of somebody with all of their posts, comes to `crisismerge`.
SERVING = {"automerge": 0, "crisismerge": 1000, "usermerge": 8, "hashsize": 16_777_216}
# While a rebuild adds posts, it merges from time to time. Each step writes the first page of every segment
# that it merges, so they are few.
FILLING = {"automerge": 0, "crisismerge": 2000, "usermerge": 16, "hashsize": 16_777_216}
# A merge that finds nothing to do makes fewer changes than this, says the documentation of FTS5.
FEWEST_CHANGES_OF_A_MERGE = 2
# Those who wait in other processes poll (write_lock.py), every 20 ms at last. So the lock has to be free for
# so long that those get it who began to wait during a step.
SHORTEST_PAUSE_SECONDS, PAUSE = 0.05, 4.0


def configure(session: orm.Session, index: str, options: dict[str, int]) -> None:
    for option, value in options.items():
        command(session, index, option, value)


def command(session: orm.Session, index: str, name: str, value: int) -> None:
    run(session, f"INSERT INTO {index}({index}, rank) VALUES ('{name}', {value})")


def is_configured(session: orm.Session, index: str, options: dict[str, int]) -> bool:
    has = {row.k: row.v for row in session.execute(sa.text(f"SELECT k, v FROM {index}_config"))}
    return all(has.get(option) == value for option, value in options.items())


def count_segments(session: orm.Session, index: str) -> int:
    """By one seek for each: the table has a row for each page."""
    sql = f"""WITH RECURSIVE segments(id) AS (
        SELECT min(segid) FROM {index}_idx UNION ALL
        SELECT (SELECT min(segid) FROM {index}_idx WHERE segid > segments.id) FROM segments
        WHERE segments.id IS NOT NULL) SELECT count(id) FROM segments"""
    count: int = session.connection().exec_driver_sql(sql).scalar_one()
    return count


def merge(session: orm.Session, index: str, pages: int) -> bool:
    """Merge up to so many pages, and finish the word; was there something to merge?

    A negative number merges all segments into one.
    """
    before = count_changes(session)
    command(session, index, "merge", pages)
    return count_changes(session) - before >= FEWEST_CHANGES_OF_A_MERGE


def count_changes(session: orm.Session) -> int:
    count: int = session.scalar(sa.text("SELECT total_changes()"))
    return count


def merge_in_steps(
    database: Database, index: str, exists: Callable[[orm.Session], bool], steps: Steps
) -> bool:
    """Merge for a short while, in short transactions; is there more to do?"""
    until = time.monotonic() + steps.seconds_of_merging
    pages = steps.fewest_pages_merged_by_the_worker
    while time.monotonic() < until:
        with database.write() as session:
            began = time.monotonic()
            session.info[INDEXES_ITSELF] = True
            if not exists(session):  # somebody has just changed the adapter
                return False
            if not merge(session, index, pages):
                return False
        took = time.monotonic() - began
        pages = choose_pages(pages, took, steps)
        steps.sleep(max(SHORTEST_PAUSE_SECONDS, took * PAUSE))
    return True


def choose_pages(pages: int, seconds: float, steps: Steps) -> int:
    """How many the next step merges, after one that took so long for so many."""
    if seconds > steps.seconds_of_a_step:
        return max(steps.fewest_pages_merged_by_the_worker, pages // 2)
    if seconds < steps.seconds_of_a_step / 2:
        return min(steps.pages_merged_by_the_worker, pages * 2)
    return pages
