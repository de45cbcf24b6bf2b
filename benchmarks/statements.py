"""What timing costs a statement when none is slow.

    python -m benchmarks.statements [--database URL] [--rounds N]

The same statements run on two engines, one of them timed, in short rounds by turns. What counts is the
processor time of this process, and the least of all rounds: so neither a server nor other work shows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from microblog.call_sites import CallSite
from microblog.db import Database
from microblog.observing import Observation, observe
from microblog.slow_queries.timing import Run, Timer, install

STATEMENTS_IN_A_ROUND = 200
ROUNDS = 30
ROWS = 25
MOST_MICROSECONDS = 12

items = sa.Table(
    "benchmark_items",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("body", sa.String(100)),
)
ONE = sa.select(items.c.id, items.c.body).where(items.c.id == 5)
PAGE = sa.select(items.c.id, items.c.body).where(items.c.id > 0).order_by(items.c.id).limit(ROWS)
CHANGE = sa.update(items).where(items.c.id == 5).values(body="changed")

KINDS: dict[str, Callable[[sa.Connection], Any]] = {
    "one row": lambda connection: connection.execute(ONE).one(),
    "25 rows at once": lambda connection: connection.execute(PAGE).all(),
    "25 rows one by one": lambda connection: [row.id for row in connection.execute(PAGE)],
    "an update": lambda connection: connection.execute(CHANGE),
}


class Nobody:
    """A reporter to whom nothing is reported."""

    def note_slow(self, run: Run) -> bool:
        return True

    def report(self, run: Run) -> None:
        pass

    def note_repeated(self, observation: Observation, statement: str, where: CallSite) -> None:
        pass


def round_of(database: Database, action: Callable[[sa.Connection], Any]) -> float:
    """Microseconds of the processor a statement, inside of a transaction that is rolled back."""
    registry: Any = SimpleNamespace(observers=[])
    with observe(registry, "benchmark"), database.writing.connect() as connection:
        action(connection)
        began = time.process_time()
        for _ in range(STATEMENTS_IN_A_ROUND):
            action(connection)
        seconds = time.process_time() - began
        connection.rollback()
    return seconds / STATEMENTS_IN_A_ROUND * 1e6


def measure(url: str, rounds: int) -> None:
    plain, timed = Database(url), Database(url)
    install(timed.engine, Timer(Nobody(), threshold=0.5, repeats=20))
    items.drop(plain.engine, checkfirst=True)
    items.create(plain.engine)
    try:
        with plain.engine.begin() as connection:
            connection.execute(items.insert(), [{"id": i, "body": f"post {i}"} for i in range(1, 101)])
        print(f"{plain.dialect}: µs of the processor a statement, least of {rounds} rounds")
        for name, action in KINDS.items():
            pairs = [(round_of(plain, action), round_of(timed, action)) for _ in range(rounds)]
            without, with_timing = (min(times) for times in zip(*pairs, strict=True))
            cost = with_timing - without
            verdict = "" if cost <= MOST_MICROSECONDS else f"  more than {MOST_MICROSECONDS} µs"
            print(
                f"  {name:<20} {without:6.1f} without, {with_timing:6.1f} timed: "
                f"+{cost:.1f} µs ({with_timing / without:.2f} times){verdict}"
            )
    finally:
        items.drop(plain.engine)
        plain.engine.dispose()
        timed.engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", metavar="URL", help="instead of an SQLite file that is then removed")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    if arguments.database:
        measure(arguments.database, arguments.rounds)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(f"sqlite+pysqlite:///{folder}/benchmark.sqlite3", arguments.rounds)


if __name__ == "__main__":
    main()
