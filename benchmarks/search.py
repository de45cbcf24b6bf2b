"""How fast search is, with a million posts, for each adapter, in tables.

    python -m benchmarks.search [--adapter NAME]... [--posts N] [--people N] [--database URL]

Each adapter works on a copy of the made-up site, which is gone afterwards: fts5 and elasticsearch on
SQLite; postgresql, when --database or MICROBLOG_TEST_DATABASE_URL names a server, on PostgreSQL. A
real Elasticsearch with 512 MB is started for its own. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.__main__ import PAGE_SIZE, SERVER_VARIABLE, milliseconds, summary, table
from benchmarks.data import (
    NEVER_MEETING,
    ONCE_COMMON,
    ONLY_OLD,
    Size,
    postgresql_database,
    say,
    sqlite_database,
    word,
)
from benchmarks.servers import STARTER, Elasticsearch, command, write_ini
from microblog.console.site import Site
from microblog.db import get_sqlite_file
from microblog.paging import Cursor
from microblog.posts.queries import add_post
from microblog.search.adapters import uninstall_others
from microblog.search.elasticsearch.adapter import ElasticsearchSearch
from microblog.search.embedded.fts5 import FTS5Search
from microblog.search.feeding import catch_up
from microblog.search.interfaces import SearchUnavailable, get_search
from microblog.search.language import Query, parse

ROUNDS = 60
WRITES = 300
POSTS_FOR_THE_WORKER = 5_000
WORDS_OF_A_KIND = 5
TARGET_WORD, TARGET = 1.0, 20.0  # milliseconds, of the median
COMMON, MIDDLING, RARE = 0, 1_000, 30_000  # ranks of words
SIZES = {
    "sqlite": "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name LIKE 'search\\_%' ESCAPE '\\' "
    "OR name IN (SELECT name FROM sqlite_master WHERE tbl_name LIKE 'search\\_%' ESCAPE '\\')",
    "postgresql": "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class "
    "WHERE relkind = 'r' AND relname LIKE 'search\\_%'",
}


@dataclass(frozen=True)
class Kind:
    """Queries of a kind, each as it is typed; `pages` are read before the one that is measured."""

    name: str
    typed: tuple[str, ...]
    pages: int = 0
    by_relevance: bool = False
    target: float = TARGET


def ranks(first: int) -> tuple[str, ...]:
    return tuple(word(rank) for rank in range(first, first + WORDS_OF_A_KIND))


COMMON_WORDS = ranks(COMMON)
KINDS = (
    Kind("a common word", COMMON_WORDS, target=TARGET_WORD),
    Kind("a middling word", ranks(MIDDLING), target=TARGET_WORD),
    Kind("a rare word", ranks(RARE), target=TARGET_WORD),
    Kind("a word of the oldest posts alone", (ONLY_OLD,), target=TARGET_WORD),
    Kind("two common words", tuple(f"{a} {b}" for a, b in pairwise(COMMON_WORDS))),
    Kind("two common words that never meet", (" ".join(NEVER_MEETING),)),
    Kind("a common word by relevance", COMMON_WORDS, by_relevance=True),
    Kind("a middling word by relevance", ranks(MIDDLING), by_relevance=True),
    Kind("beginning of a word", tuple(f"{found[:3]}*" for found in ranks(300))),
    Kind("a phrase", tuple(f'"{a} {b}"' for a, b in pairwise(COMMON_WORDS))),
    Kind("a phrase of middling words", tuple(f'"{found} {word(1)}"' for found in ranks(300))),
    Kind("a common word, three pages deep", COMMON_WORDS, pages=3),
    Kind("a word of half the posts, but of none of the newest 5,000", (ONCE_COMMON,)),
    Kind("the same by relevance", (ONCE_COMMON,), by_relevance=True),
    Kind("a rare language", ("lang:eu",)),
    Kind("a common word in a rare language", tuple(f"lang:eu {found}" for found in COMMON_WORDS)),
    Kind("a common word of a person", tuple(f"from:person{n} {word(1)}" for n in (1, 100, 10_000))),
    Kind("a word without another", tuple(f"{found} -{word(0)}" for found in ranks(30))),
    Kind("everything without a word", tuple(f"-{found}" for found in COMMON_WORDS)),
)


def asking(search: Any, *, by_relevance: bool) -> Callable[[Any, Query, Cursor], list[int]]:
    if by_relevance:
        return lambda session, query, cursor: search.ranked(session, query, PAGE_SIZE)
    return lambda session, query, cursor: search.search(session, query, cursor, PAGE_SIZE + 1)


def searching(site: Site) -> list[list[str]]:
    """A row for each kind."""
    search = get_search(site.registry)
    rows = []
    with site.database.read() as session:
        for kind in KINDS:
            times = []
            try:
                for typed in kind.typed:
                    query, cursor = parse(typed), Cursor()
                    for _ in range(kind.pages):
                        ids = search.search(session, query, cursor, PAGE_SIZE)
                        cursor = Cursor(before=ids[-1])
                    ask = partial(asking(search, by_relevance=kind.by_relevance), session, query, cursor)
                    rounds = [milliseconds(ask) for _ in range(ROUNDS // len(kind.typed) + 2)]
                    times += rounds[2:]  # the first ones warm up
            except SearchUnavailable as error:
                rows.append([kind.name, "", "", "", f"NO: {error}"])
                continue
            target = kind.target if isinstance(search, FTS5Search) else TARGET
            reached = "yes" if statistics.median(times) < target else "NO"
            rows.append([kind.name, *summary(times), f"< {target:.0f} {reached}"])
    return rows


def rebuilding(ini: Path, posts: int) -> list[str]:
    """`microblog search rebuild` as an operator runs it: seconds, posts a second, megabytes at most, and
    seconds of the processor, which say more on a busy machine."""
    began = time.monotonic()
    process = subprocess.Popen(command(ini, "search", "rebuild"), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("The index could not be made.")
    processor = usage.ru_utime + usage.ru_stime
    memory = usage.ru_maxrss / 1024
    return [f"{seconds:.1f}", f"{posts / seconds:,.0f}", f"{memory:.0f}", f"{processor:.1f}"]


def verifying(ini: Path) -> str:
    began = time.monotonic()
    subprocess.run(command(ini, "search", "verify"), stdout=subprocess.DEVNULL, check=True)
    return f"{time.monotonic() - began:.1f}"


def size_of(site: Site) -> str:
    """Megabytes of the index."""
    search = get_search(site.registry)
    if isinstance(search, ElasticsearchSearch):
        search.patient.indices.flush(index=search.alias)
        stored = search.patient.indices.stats(index=search.alias, metric="store")
        return f"{stored['_all']['total']['store']['size_in_bytes'] / 1e6:.0f}"
    with site.database.read() as session:
        return f"{int(session.scalar(sa.text(SIZES[site.database.dialect])) or 0) / 1e6:.0f}"


def writing(with_index: Site, without: Site) -> list[str]:
    """Milliseconds of a post in its transaction, with the index and without, by turns; and the ratio."""
    body = " ".join(word(rank * rank) for rank in range(15))
    indexed: list[float] = []
    plain: list[float] = []

    def write(site: Site) -> None:
        with site.database.write() as session:
            add_post(session, 1, body)

    for _ in range(WRITES):
        indexed.append(milliseconds(partial(write, with_index)))
        plain.append(milliseconds(partial(write, without)))
    slower, faster = statistics.median(indexed), statistics.median(plain)
    return [f"{slower:.2f}", summary(indexed)[2], f"{faster:.2f}", f"{slower / faster:.1f}"]


def delivering(site: Site) -> str:
    """Posts a second that the worker brings to the index, of posts that a shell has written."""
    database = site.database
    while catch_up(site.registry):
        pass
    with database.engine.begin() as connection:
        newest = "SELECT id FROM posts ORDER BY id DESC LIMIT :limit"
        connection.execute(
            sa.text(f"UPDATE posts SET body = body || ' more' WHERE id IN ({newest})"),
            {"limit": POSTS_FOR_THE_WORKER},
        )
    began = time.monotonic()
    count = 0
    while done := catch_up(site.registry):
        count += done
    return f"{count / (time.monotonic() - began):,.0f}"


class Copies:
    """Copies of the made-up site, each for one use."""

    def __init__(self, size: Size, folder: Path, server_url: str | None) -> None:
        self.size = size
        self.folder = folder
        self.server_url = server_url

    @contextmanager
    def of_sqlite(self, name: str) -> Iterator[str]:
        original = get_sqlite_file(sqlite_database(self.size))
        assert original is not None
        file = self.folder / f"{name}.sqlite3"
        shutil.copyfile(original, file)
        yield f"sqlite+pysqlite:///{file}"
        for suffix in ("", "-wal", "-shm"):
            Path(f"{file}{suffix}").unlink(missing_ok=True)

    @contextmanager
    def of_postgresql(self, name: str) -> Iterator[str]:
        assert self.server_url is not None
        original = sa.make_url(postgresql_database(self.server_url, self.size))
        copy = f"microblog_bench_copy_{name}"
        server = sa.create_engine(self.server_url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {copy}")
            connection.exec_driver_sql(f"CREATE DATABASE {copy} TEMPLATE {original.database}")
        url = original.set(database=copy).render_as_string(hide_password=False)
        vacuum(url)
        yield url
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {copy} WITH (FORCE)")
        server.dispose()


def vacuum(url: str) -> None:
    """What autovacuum does by and by."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def measure(adapter: str, copies: Copies, elasticsearch: str | None) -> None:
    copy: Callable[[str], Any] = copies.of_postgresql if adapter == "postgresql" else copies.of_sqlite
    with ExitStack() as stack:
        sites = {}
        for name in (adapter, "none"):
            folder = copies.folder / f"{adapter}-{name}"
            folder.mkdir()
            url = stack.enter_context(copy(f"{adapter}_{name}"))
            ini = write_ini(folder, url, name, elasticsearch if name == adapter else None)
            sites[name] = Site(str(ini))
            sites[name].setup_logging()
            stack.callback(sites[name].close)
            with sites[name].database.write() as session:
                uninstall_others(session, name)
        site, ini = sites[adapter], sites[adapter].ini
        say(f"{adapter}: rebuilding …")
        rebuilt = rebuilding(ini, copies.size.posts)
        if adapter == "postgresql":
            vacuum(site.database.engine.url.render_as_string(hide_password=False))
        verified = verifying(ini)
        size = size_of(site)
        rows = searching(site)
        table(
            f"{adapter}: newest {PAGE_SIZE} of {copies.size.posts:,} posts (ms)",
            ["for", "least", "median", "p99", "target"],
            rows,
        )
        written = writing(site, sites["none"])
        delivered = delivering(site)
        print_facts(rebuilt, verified, size, written, delivered)


def print_facts(
    rebuilt: Sequence[str], verified: str, size: str, written: Sequence[str], delivered: str
) -> None:
    print(f"\n  search rebuild: {rebuilt[0]} s, {rebuilt[1]} posts/s, {rebuilt[2]} MB of memory at most")
    print(f"  of it {rebuilt[3]} s of the processor, in the command itself")
    print(f"  search verify: {verified} s")
    print(f"  size of the index: {size} MB")
    print(
        f"  writing a post: {written[0]} ms (p99 {written[1]}), without an index {written[2]}: {written[3]}x"
    )
    print(f"  the worker brings {delivered} posts a second to the index", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search", description=(__doc__ or "").splitlines()[0]
    )
    known = ("fts5", "postgresql", "elasticsearch")
    parser.add_argument("--adapter", action="append", choices=known, help="only this one; may be repeated")
    parser.add_argument("--posts", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--people", type=int, default=20_000, metavar="N")
    parser.add_argument("--database", default=os.environ.get(SERVER_VARIABLE), metavar="URL")
    parser.add_argument("--port", type=int, help="of Elasticsearch; a free one unless told")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="microblog-bench-")))
        copies = Copies(Size(arguments.posts, arguments.people), folder, arguments.database)
        for adapter in arguments.adapter or known:
            if adapter == "postgresql" and not arguments.database:
                say(f"postgresql is not measured: name a server with --database or {SERVER_VARIABLE}.")
            elif adapter == "elasticsearch" and not STARTER.exists():
                say(f"elasticsearch is not measured: there is no {STARTER}, which starts it.")
            elif adapter == "elasticsearch":
                server = Elasticsearch(folder / "elasticsearch", arguments.port)
                stack.callback(server.stop)
                server.start()
                server.wait()
                measure(adapter, copies, server.url)
            else:
                measure(adapter, copies, None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
