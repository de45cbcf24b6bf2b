"""Is this checkout slower than a commit of before? Both are measured by turns, in one run.

    python -m benchmarks.compare COMMIT [--database URL] [--posts N] [--people N] [--rounds N] [--times N]

Each has its own copy of the same made-up site, on SQLite and, with --database or
MICROBLOG_TEST_DATABASE_URL, in a database of its own on that PostgreSQL server. In each round one of them
does something so many times, then the other one. Processor time is that of the application's process;
on PostgreSQL the clock says what the server adds, and whatever else the machine does.

What is more than 5% slower, by the least of all rounds and by the median of the rounds' ratios, is marked.
Exit status 1 says that there is such a thing.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks import limits
from benchmarks.__main__ import SERVER_VARIABLE, table
from benchmarks.servers import command, write_ini

HERE = Path(__file__).parents[1]
MOST = 1.05
# In the older checkout: its tables are what both begin with.
FILL = """
import sys
from benchmarks import data
url, posts, people = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
database = data.Database(url)
data.migrating.upgrade(database)
if url.startswith("sqlite"):
    data.fill_sqlite(database, data.Size(posts, people))
else:
    data.fill_postgresql(database, data.Size(posts, people))
    with database.writing.begin() as connection:
        last = "SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users"
        connection.exec_driver_sql(last)  # somebody signs up
database.close()
"""


class Checkout:
    """A folder with a version of microblog; what runs in it finds that one."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        own = {"PYTHONPATH": str(folder), "PYTHONWARNINGS": "ignore"}
        self.environment = {**os.environ, **limits.ENVIRONMENT, **own}

    def run(self, words: Sequence[str]) -> None:
        said = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if said.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(words[1:4])} failed: {said.stderr.strip()}")

    def prepare(self, url: str, adapter: str, folder: Path) -> None:
        """Bring the tables and the search index up to date with its version."""
        folder.mkdir()
        ini = write_ini(folder, url, adapter, lines_of_limits="")
        self.run(command(ini, "database", "upgrade"))
        self.run(command(ini, "search", "rebuild"))


class Process:
    """A subject (benchmarks/subject.py)."""

    def __init__(self, checkout: Checkout, settings: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "benchmarks" / "subject.py"), json.dumps(settings)],
            cwd=checkout.folder,
            env=checkout.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.actions: list[str] = self._read()

    def measure(self, action: str, times: int) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([action, times]) + "\n")
        self._process.stdin.flush()
        answer: dict[str, float] = self._read()
        return answer

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("A process that is measured has ended.")
        return json.loads(line)

    def close(self) -> None:
        self._process.communicate()


@dataclass
class Times:
    """Milliseconds of each round, before and after."""

    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)

    @property
    def least(self) -> float:
        return min(self.after) / min(self.before)

    @property
    def median(self) -> float:
        return statistics.median(b / a for a, b in zip(self.before, self.after, strict=True))

    @property
    def is_slower(self) -> bool:
        return self.least > MOST and self.median > MOST


def export(commit: str, folder: Path) -> Path:
    """The files of a commit."""
    packed = subprocess.run(["git", "archive", commit], cwd=HERE, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="tar")
    return folder


def databases(
    before: Checkout, server: str | None, size: Sequence[str], folder: Path, stack: ExitStack
) -> tuple[str, str]:
    """The URLs of two databases that hold the same; without a server they are files."""
    if server is None:
        files = (folder / "before.sqlite3", folder / "after.sqlite3")
        before.run([sys.executable, "-c", FILL, f"sqlite+pysqlite:///{files[0]}", *size])
        shutil.copyfile(*files)
        return f"sqlite+pysqlite:///{files[0]}", f"sqlite+pysqlite:///{files[1]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    stack.callback(engine.dispose)

    def execute(statement: str) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    name = f"microblog_compare_{secrets.token_hex(4)}"

    def create(name: str, more: str = "") -> str:
        execute(f"CREATE DATABASE {name} {more}")
        stack.callback(execute, f"DROP DATABASE {name} WITH (FORCE)")
        return sa.make_url(server).set(database=name).render_as_string(hide_password=False)

    first = create(f"{name}_before")
    before.run([sys.executable, "-c", FILL, first, *size])
    return first, create(f"{name}_after", f"TEMPLATE {name}_before")


def compare(checkouts: Sequence[Checkout], server: str | None, arguments: argparse.Namespace) -> bool:
    """Print one table; is something slower?"""
    adapter = "fts5" if server is None else "postgresql"
    size = (str(arguments.posts), str(arguments.people))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = []
        urls = databases(checkouts[0], server, size, folder, stack)
        for checkout, url in zip(checkouts, urls, strict=True):
            checkout.prepare(url, adapter, folder / checkout.name)
            settings = {
                "microblog.secret": secrets.token_hex(16),
                "microblog.cookies.secure": "false",
                "microblog.worker": "off",
                "microblog.database.url": url,
                "microblog.search": adapter,
            }
            process = Process(checkout, settings)
            stack.callback(process.close)
            processes.append(process)
        actions = arguments.only or processes[0].actions
        found = measure(processes[0], processes[1], actions, rounds=arguments.rounds, times=arguments.times)
    report(adapter, found)
    return any(times["processor"].is_slower for times in found.values())


def measure(
    before: Process, after: Process, actions: Sequence[str], *, rounds: int, times: int
) -> dict[str, dict[str, Times]]:
    """By action, and by what was measured."""
    found = {action: {"processor": Times(), "clock": Times()} for action in actions}
    for number in range(rounds + 1):
        for action, measured in found.items():
            turns = (before, after) if number % 2 else (after, before)
            answers = {process: process.measure(action, times) for process in turns}
            if number == 0:  # it warms up
                continue
            for what, both in measured.items():
                both.before.append(answers[before][what])
                both.after.append(answers[after][what])
    return found


def report(adapter: str, found: dict[str, dict[str, Times]]) -> None:
    header = ["", "before", "after", "least", "median", "clock", ""]
    rows = []
    for action, measured in found.items():
        processor, clock = measured["processor"], measured["clock"]
        milliseconds = [f"{min(processor.before):.2f}", f"{min(processor.after):.2f}"]
        ratios = [f"{ratio:.2f}" for ratio in (processor.least, processor.median, clock.median)]
        rows.append([action, *milliseconds, *ratios, "SLOWER" if processor.is_slower else ""])
    database = "SQLite" if adapter == "fts5" else "PostgreSQL"
    title = f"{database}: ms of the processor a request, the least of all rounds; after / before: least, "
    table(f"{title}median of rounds, median by the clock", header, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("commit", metavar="COMMIT", help="of before")
    parser.add_argument("--database", default=os.environ.get(SERVER_VARIABLE), metavar="URL")
    parser.add_argument("--posts", type=int, default=100_000, metavar="N")
    parser.add_argument("--people", type=int, default=5_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    parser.add_argument("--times", type=int, default=20, metavar="N", help="requests of a round")
    parser.add_argument("--only", action="append", metavar="ACTION", help="as the table names it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkouts = (Checkout("before", export(arguments.commit, Path(folder))), Checkout("after", HERE))
        servers = [None, arguments.database] if arguments.database else [None]
        slower = [compare(checkouts, server, arguments) for server in servers]
    return int(any(slower))


if __name__ == "__main__":
    sys.exit(main())
