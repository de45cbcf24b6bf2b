"""The slowest write on SQLite: do posts wait for the search index?

    python -m benchmarks.waiting [--posts N] [--people N] [--writes N]

After a rebuild of the index, after an import, and after the deletion of the person who wrote most, 2,000
posts are written, each in a transaction of its own: first without a worker, then with one in a thread. Works
on a copy of the made-up site. Nothing here is a test: other work on the machine shows in the numbers, most in
the largest; so at the end posts are written that are not indexed.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.data import (
    CACHE,
    FEWEST_WORDS,
    MOST_WORDS,
    SEED,
    WORDS,
    Size,
    say,
    sqlite_database,
    word,
    zipf,
)
from microblog import configure
from microblog.console.processes import exempt_from_collections
from microblog.db import get_sqlite_file
from microblog.ids import new_id
from microblog.posts.queries import add_post, add_posts
from microblog.search.interfaces import get_search_index

WRITES = 2000
SECONDS_BETWEEN_WRITES = 0.003
POSTS_IN_AN_IMPORT, POSTS_IN_A_TRANSACTION = 100_000, 1000
SUFFIXES = ("", "-wal", "-shm")


class Bodies:
    """Posts with words as in the made-up site."""

    def __init__(self) -> None:
        self._chance = random.Random(SEED + 2)
        self._words = [word(rank) for rank in range(WORDS)]
        self._weights = zipf(WORDS)

    def __next__(self) -> str:
        length = self._chance.randint(FEWEST_WORDS, MOST_WORDS)
        return " ".join(self._chance.choices(self._words, cum_weights=self._weights, k=length))


def copy(source: Path, target: Path) -> None:
    remove(target)
    shutil.copy(source, target)
    os.sync()  # or the first checkpoint waits for all of it


def open_site(file: Path, search: str = "fts5") -> Any:
    settings = {
        "microblog.secret": secrets.token_hex(16),
        "microblog.worker": "off",
        "microblog.database.url": f"sqlite+pysqlite:///{file}",
        "microblog.search": search,
    }
    registry = configure(settings).make_wsgi_app().registry
    exempt_from_collections()  # as `microblog serve` does
    return registry


@contextmanager
def working(registry: Any) -> Iterator[None]:
    thread = threading.Thread(target=registry.worker.run)
    thread.start()
    try:
        yield
    finally:
        registry.worker.stop()
        thread.join()


def import_posts(registry: Any, bodies: Bodies) -> None:
    for _ in range(0, POSTS_IN_AN_IMPORT, POSTS_IN_A_TRANSACTION):
        rows = [
            {"id": new_id(), "user_id": 1, "body": next(bodies), "language": None}
            for _ in range(POSTS_IN_A_TRANSACTION)
        ]
        with registry.database.write() as session:
            add_posts(session, rows)


def delete_most_active(registry: Any, bodies: Bodies) -> None:
    with registry.database.write() as session:
        most_active = "(SELECT id FROM users ORDER BY posts_count DESC LIMIT 1)"
        session.execute(sa.text(f"DELETE FROM users WHERE id = {most_active}"))


def write(registry: Any, bodies: Bodies, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds that each post took, and those of the processor, which do not count waiting."""
    with registry.database.read() as session:
        author = session.scalar(sa.text("SELECT max(id) FROM users"))
    times, processor = [], []
    for _ in range(count):
        body = next(bodies)
        began, began_processor = time.perf_counter(), time.thread_time()
        with registry.database.write() as session:
            add_post(session, author, body)
        times.append((time.perf_counter() - began) * 1000)
        processor.append((time.thread_time() - began_processor) * 1000)
        time.sleep(SECONDS_BETWEEN_WRITES)
    return times, processor


def describe(times: Sequence[float], processor: Sequence[float]) -> list[str]:
    ordered = sorted(times)
    ranks = [math.ceil(len(ordered) * share) - 1 for share in (0.5, 0.99, 0.999, 1)]
    return [f"{ordered[rank]:.2f}" for rank in ranks] + [f"{max(processor):.2f}"]


def count_segments(registry: Any) -> int:
    with registry.database.read() as session:
        return int(get_search_index(registry).status(session).segments)


def remove(*files: Path) -> None:
    for file in files:
        for suffix in SUFFIXES:
            Path(f"{file}{suffix}").unlink(missing_ok=True)


def measure_site(file: Path, bodies: Bodies, count: int, *, has_worker: bool) -> Iterator[list[str]]:
    for name, prepare in CASES.items():
        say(f"{count:,} posts after {name}, {'with' if has_worker else 'without'} a worker …")
        registry = open_site(file)
        prepare(registry, bodies)
        before = count_segments(registry)
        with working(registry) if has_worker else nullcontext():
            times = write(registry, bodies, count)
        segments = f"{before:,} → {count_segments(registry):,}"
        registry.database.close()
        yield [name, "yes" if has_worker else "no", *describe(*times), segments]


def measure(size: Size, count: int) -> list[list[str]]:
    source = get_sqlite_file(sqlite_database(size))
    assert source is not None
    rebuilt, file = CACHE / "waiting-rebuilt.sqlite3", CACHE / "waiting.sqlite3"
    copy(source, rebuilt)
    registry = open_site(rebuilt)
    say("Rebuilding the search index …")
    get_search_index(registry).rebuild(registry.database, lambda count: None)
    registry.database.close()
    bodies = Bodies()
    rows = []
    for has_worker in (False, True):
        copy(rebuilt, file)
        rows += measure_site(file, bodies, count, has_worker=has_worker)
    registry = open_site(file, "none")
    rows.append(["(not indexed)", "no", *describe(*write(registry, bodies, count)), ""])
    registry.database.close()
    remove(rebuilt, file)
    return rows


CASES: dict[str, Callable[[Any, Bodies], None]] = {
    "a rebuild": lambda registry, bodies: None,  # of the copy
    "an import": import_posts,
    "a deletion": delete_most_active,
}
HEADER = ("after", "worker", "median", "p99", "p99.9", "largest", "processor", "segments")


def print_table(size: Size, count: int) -> None:
    from benchmarks.__main__ import table

    table(f"Writing a post beside {size.posts:,} others (ms)", HEADER, measure(size, count))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.waiting", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--posts", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--people", type=int, default=20_000, metavar="N")
    parser.add_argument("--writes", type=int, default=WRITES, metavar="N")
    arguments = parser.parse_args()
    size = Size(arguments.posts, arguments.people)
    print_table(size, arguments.writes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
