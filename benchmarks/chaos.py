"""Whatever is killed: after things calm down, the search index and the posts agree.

    python -m benchmarks.chaos --adapter fts5|postgresql|elasticsearch
        [--seed N] [--operations 10000] [--kills 20] [--database URL] [--keep]

A site in a temporary folder; four writers (pages, queries, bulk statements, accounts, and the programs
sqlite3 or psql); two `microblog worker` and, with elasticsearch, a real server, which are killed with
SIGKILL and started again while they write; one `search rebuild` that is killed in the middle, and one
that has to succeed meanwhile. Then everything is left alone until nothing waits, and `search verify`
must find nothing, searches must find exactly the posts that they should, and nothing may be left over.
Exit status 1 when anything differs. It leaves no process behind, also after Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks import writers
from benchmarks.servers import STARTER, Elasticsearch, command, own_database, write_ini
from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.console.site import Site
from microblog.ids import new_id
from microblog.paging import Cursor
from microblog.posts.models import Post
from microblog.posts.queries import add_posts, count_posts
from microblog.search.interfaces import SearchUnavailable, get_search, get_search_index
from microblog.search.language import parse
from microblog.search.text import split_words

WRITERS, WORKERS = 4, 2
PEOPLE_BEFORE, POSTS_BEFORE = 100, 30_000  # enough for a rebuild to have a middle
SECONDS_TO_CALM = 300  # a lease of a killed worker takes one minute
SECONDS_FOR_A_COMMAND = 300
SHARE_OF_SERVER_KILLS = 0.4
PERCENT = re.compile(rb"(\d+)%")
PAGE = 1000
SERVER_VARIABLE = "MICROBLOG_TEST_DATABASE_URL"
OF_SEARCH = {
    "sqlite": "SELECT name FROM sqlite_master WHERE name LIKE 'search\\_%' ESCAPE '\\' "
    "AND name NOT LIKE 'sqlite%'",
    "postgresql": "SELECT relname FROM pg_class WHERE relname LIKE 'search\\_%' "
    "UNION SELECT tgname FROM pg_trigger WHERE tgname LIKE 'search\\_%' "
    "UNION SELECT proname FROM pg_proc WHERE proname LIKE 'search\\_%'",
}


class Worker:
    """A `microblog worker` that can be killed and started again."""

    def __init__(self, ini: Path, log: Path) -> None:
        self.ini = ini
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command(self.ini, "worker"),
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us
            )

    def wait(self) -> None:
        """Until it works."""
        assert self.process is not None
        assert self.process.stdout is not None
        if b"runs" not in self.process.stdout.readline():
            raise RuntimeError(f"The worker did not start; see {self.log}.")

    def end(self, how: signal.Signals) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(how)
        status = self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return status


class Chaos:
    """One run: `faults` is empty when all went as it should."""

    def __init__(self, arguments: argparse.Namespace, folder: Path, url: str, stack: ExitStack) -> None:
        self.random = random.Random(arguments.seed)
        self.arguments = arguments
        self.faults: list[str] = []
        self.kills: Counter[str] = Counter()
        self.server: Elasticsearch | None = None
        if arguments.adapter == "elasticsearch":
            self.server = Elasticsearch(folder / "elasticsearch", arguments.port)
            stack.callback(self.server.stop)
            self.server.start()
            self.server.wait()
        self.ini = write_ini(folder, url, arguments.adapter, self.server.url if self.server else None)
        self.folder = folder
        self.stack = stack
        self.workers = [Worker(self.ini, folder / f"worker{number}.log") for number in range(WORKERS)]
        self.rebuilding: subprocess.Popen[bytes] | None = None

    def microblog(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(self.ini, *words),
            capture_output=True,
            text=True,
            timeout=SECONDS_FOR_A_COMMAND,
            check=False,
        )

    def must(self, *words: str) -> str:
        """What the command says; that it fails is a fault."""
        done = self.microblog(*words)
        if done.returncode:
            self.faults.append(f"`microblog {' '.join(words)}`: {done.returncode} {done.stdout}{done.stderr}")
        return done.stdout

    def prepare(self) -> None:
        """A site with posts and an index of them."""
        self.must("database", "upgrade")
        self.site = Site(str(self.ini))
        self.site.setup_logging()
        self.stack.callback(self.site.close)
        someone = random.Random(0)
        for number in range(PEOPLE_BEFORE):
            with self.site.database.write() as session:
                author = add_user(session, f"olduser{number}")
                rows = [
                    {
                        "id": new_id(),
                        "user_id": author,
                        "body": " ".join(someone.choices(writers.WORDS, k=writers.WORDS_OF_A_POST)),
                        "language": someone.choice(writers.LANGUAGES),
                    }
                    for _ in range(POSTS_BEFORE // PEOPLE_BEFORE)
                ]
                add_posts(session, rows)
        self.must("search", "rebuild")
        self.of_search = self.objects_of_search()

    def objects_of_search(self) -> set[str]:
        """The names of all that search has made for itself: no rebuild may leave another one."""
        with self.site.database.read() as session:
            names = set(session.scalars(sa.text(OF_SEARCH[self.site.database.dialect])))
        adapter: Any = get_search(self.site.registry)
        if self.server is not None:
            names |= {f"index {number}" for number, _ in enumerate(adapter._find_indices())}
        return names

    # The storm

    def storm(self) -> tuple[Counter[str], Counter[str]]:
        """What was done, by kind, and what was noticed."""
        processes = multiprocessing.get_context("spawn")
        pace: Any = processes.Array("l", [0, 0, self.arguments.operations])
        results: Any = processes.Queue()
        children = [
            processes.Process(
                target=writers.run, args=(self.ini, self.arguments.seed, number, pace, results), daemon=True
            )
            for number in range(WRITERS)
        ]
        for child in children:
            self.stack.callback(child.kill)
            child.start()
        for worker in self.workers:
            self.stack.callback(worker.end, signal.SIGKILL)
            worker.start()
        for worker in self.workers:
            worker.wait()
        events = self.plan()
        self.follow(events, pace, children)
        done, notes = Counter[str](), Counter[str]()
        for _ in children:
            counts, noticed, fault = results.get(timeout=SECONDS_FOR_A_COMMAND)
            done += counts
            notes += noticed
            if fault:
                self.faults.append(f"A writer stopped: {fault}")
        for child in children:
            child.join()
        return done, notes

    def plan(self) -> list[tuple[int, str]]:
        """After so many deeds, what is killed or rebuilt."""
        kills = self.arguments.kills
        servers = round(kills * SHARE_OF_SERVER_KILLS) if self.server else 0
        what = ["server"] * servers + ["worker"] * (kills - servers)
        self.random.shuffle(what)
        third = len(what) // 3
        what[third:third] = ["rebuild killed"]
        what[2 * third : 2 * third] = ["rebuild"]
        deeds = self.arguments.operations
        return list(zip(sorted(self.random.sample(range(deeds // 20, deeds), len(what))), what, strict=True))

    def follow(self, events: Sequence[tuple[int, str]], pace: Any, children: Sequence[Any]) -> None:
        """Writers go on during an event, up to the next one: none of them comes too late."""
        limits = [position for position, _ in events[1:]] + [self.arguments.operations]
        pace[1] = events[0][0] if events else limits[0]
        for (position, what), limit in zip(events, limits, strict=False):
            while pace[0] < position and all(child.is_alive() for child in children):
                time.sleep(0.01)
            pace[1] = limit
            say(f"  {position:,} operations: {what}")
            {
                "worker": self.kill_worker,
                "server": self.kill_server,
                "rebuild": self.rebuild,
                "rebuild killed": self.kill_rebuild,
            }[what]()
        pace[1] = self.arguments.operations
        self.end_rebuild()

    def kill_worker(self) -> None:
        worker = self.random.choice(self.workers)
        time.sleep(self.random.uniform(0, 1.0))
        worker.end(signal.SIGKILL)
        self.kills["worker"] += 1
        time.sleep(self.random.uniform(0, 0.5))
        worker.start()
        worker.wait()

    def kill_server(self) -> None:
        assert self.server is not None
        self.end_rebuild()
        self.server.wait()
        time.sleep(self.random.uniform(0, 2.0))
        self.server.kill()
        self.kills["server"] += 1
        time.sleep(self.random.uniform(0, 2.0))
        self.server.start()

    def rebuild(self) -> None:
        """It has to succeed while writers write and workers are killed."""
        if self.server is not None:
            self.server.wait()
        self.rebuilding = subprocess.Popen(
            command(self.ini, "search", "rebuild"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.stack.callback(self.rebuilding.kill)

    def end_rebuild(self) -> None:
        if self.rebuilding is not None:
            said, _ = self.rebuilding.communicate(timeout=SECONDS_FOR_A_COMMAND)
            if self.rebuilding.returncode:
                self.faults.append(f"`search rebuild` among writers failed: {said.decode()}")
            self.rebuilding = None

    def kill_rebuild(self) -> None:
        if self.server is not None:
            self.server.wait()
        ours, its = pty.openpty()  # on a terminal it tells ten times a second how far it is
        until = self.random.randint(10, 70)
        with subprocess.Popen(
            command(self.ini, "search", "rebuild"), stdout=its, stderr=its, start_new_session=True
        ) as process:
            os.close(its)
            self.stack.callback(process.kill)
            percent = 0
            with contextlib.suppress(OSError):  # Linux: nobody writes to the terminal any more
                while percent < until and (said := os.read(ours, 1000)):
                    percent = max([percent, *map(int, PERCENT.findall(said))])
            process.kill()
        os.close(ours)
        self.kills[f"search rebuild, at {percent} %"] += 1
        if percent < until:
            self.faults.append(f"`search rebuild` ended before it was killed, at {percent} %.")

    # The calm

    def calm(self) -> float:
        """Seconds until nothing waits."""
        began = time.monotonic()
        if self.server is not None:
            self.server.wait()
        while time.monotonic() - began < SECONDS_TO_CALM:
            with contextlib.suppress(SearchUnavailable), self.site.database.read() as session:
                status = get_search_index(self.site.registry).status(session)
                if not status.pending:
                    return time.monotonic() - began
            time.sleep(0.2)
        self.faults.append(f"After {SECONDS_TO_CALM} s something still waits.")
        return time.monotonic() - began

    def compare(self) -> str:
        """What `search verify` says; every difference is a fault."""
        said = self.must("search", "verify")
        database = self.site.database
        with database.read() as session:
            status = get_search_index(self.site.registry).status(session)
            posts = count_posts(session)
        if (status.documents, status.pending, status.refused) != (posts, 0, 0):
            self.faults.append(f"{posts:,} posts, but the index says {status}.")
        for typed, should in self.expected().items():
            found = set(self.found(typed))
            if found != should:
                self.faults.append(
                    f"{typed}: {len(should - found):,} posts are not found, {len(found - should):,} wrongly."
                )
        over = self.objects_of_search() ^ self.of_search
        if over:
            self.faults.append(f"Left over, or missing: {', '.join(sorted(over))}.")
        return said.strip()

    def expected(self) -> dict[str, set[int]]:
        """Ids that a query has to find, by what is typed; from the posts alone."""
        names = [f"writer{number}" for number in range(WRITERS)]
        expected: dict[str, set[int]] = {word: set() for word in (*writers.WORDS, *names)}
        expected |= {f"lang:{language}": set() for language in writers.LANGUAGES if language}
        expected |= {f"from:{name}": set() for name in (*names, "olduser1")}
        words = {typed: split_words(typed) for typed in (*writers.WORDS, *names)}
        columns = sa.select(Post.id, Post.body, Post.language, User.nickname).join(User)
        with self.site.database.read() as session:
            for post_id, body, language, author in session.execute(columns):
                text = f" {' '.join(split_words(body))} "
                matching = [typed for typed, row in words.items() if f" {' '.join(row)} " in text]
                for typed in (*matching, f"lang:{language}", f"from:{author}"):
                    if typed in expected:
                        expected[typed].add(post_id)
        return expected

    def found(self, typed: str) -> Iterator[int]:
        """All that a query finds, page by page."""
        cursor = Cursor()
        while True:
            with self.site.database.read() as session:
                ids = get_search(self.site.registry).search(session, parse(typed), cursor, PAGE)
            yield from ids
            if len(ids) < PAGE:
                return
            cursor = Cursor(before=ids[-1])

    def end_workers(self) -> None:
        """They end by themselves when they are told to, and tell no trace of an error."""
        for worker in self.workers:
            status = worker.end(signal.SIGTERM)
            if status:
                self.faults.append(f"A worker ended with status {status}.")
            log = worker.log.read_text()
            if "Traceback" in log:
                self.faults.append(f"A worker's log: {log[-3000:]}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def report(chaos: Chaos, done: Counter[str], notes: Counter[str], seconds: float, calm: float) -> None:
    print(f"\n{sum(done.values()):,} operations in {seconds:.0f} s:")
    for name, count in sorted(done.items()):
        print(f"  {count:6,}  {name.replace('_', ' ')}")
    print(
        "noticed: " + (", ".join(f"{name} {count:,}" for name, count in sorted(notes.items())) or "nothing")
    )
    print("killed: " + ", ".join(f"{name}: {count}" for name, count in sorted(chaos.kills.items())))
    print(f"calm after {calm:.1f} s")


def run(arguments: argparse.Namespace, folder: Path, url: str, stack: ExitStack) -> int:
    chaos = Chaos(arguments, folder, url, stack)
    chaos.prepare()
    began = time.monotonic()
    done, notes = chaos.storm()
    seconds = time.monotonic() - began
    calm = chaos.calm()
    said = chaos.compare()
    chaos.end_workers()
    print(f"{arguments.adapter} on {chaos.site.database.dialect}, seed {arguments.seed}")
    report(chaos, done, notes, seconds, calm)
    print(f"search verify: {said}")
    if notes[writers.NOT_FOUND]:
        chaos.faults.append(f"{notes[writers.NOT_FOUND]} own posts were not found at once.")
    for fault in chaos.faults:
        print(f"FAULT: {fault}")
    return 1 if chaos.faults else 0


def end(signal_number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--adapter", choices=("fts5", "postgresql", "elasticsearch"), default="fts5")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=10_000, metavar="N")
    parser.add_argument("--kills", type=int, default=20, metavar="N")
    parser.add_argument("--port", type=int, help="of Elasticsearch; a free one unless told")
    parser.add_argument(
        "--database", metavar="URL", help="a PostgreSQL server, instead of SQLite; a database is made there"
    )
    parser.add_argument("--keep", action="store_true", help="leave the folder of the site where it is")
    arguments = parser.parse_args()
    server_url = arguments.database
    if arguments.adapter == "postgresql":
        server_url = server_url or os.environ.get(SERVER_VARIABLE)
        if not server_url:
            print(f"Name a PostgreSQL server with --database or {SERVER_VARIABLE}.", file=sys.stderr)
            return 1
    if arguments.adapter == "elasticsearch" and not STARTER.exists():
        print(f"There is no {STARTER}, which starts Elasticsearch.", file=sys.stderr)
        return 1
    return run_in_folder(arguments, "microblog-chaos-", server_url, run)


def run_in_folder(
    arguments: argparse.Namespace, prefix: str, server_url: str | None, run: Callable[..., int]
) -> int:
    """`run(arguments, folder, url, stack)` with a folder and a database of its own; returns its status.

    Both are gone afterwards, unless `arguments.keep` says that the folder stays.
    """
    signal.signal(signal.SIGTERM, end)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        with ExitStack() as stack:
            if not arguments.keep:
                stack.callback(remove, folder)
            url = f"sqlite+pysqlite:///{folder}/site.sqlite3"
            if server_url:
                url = stack.enter_context(own_database(server_url))
            return run(arguments, folder, url, stack)
    except KeyboardInterrupt:
        say("Interrupted: everything that was started is ended.")
        return 130
    finally:
        if arguments.keep:
            say(f"The site is in {folder}.")


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
