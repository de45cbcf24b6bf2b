"""How fast it is, with a million posts and 20,000 people, in tables.

    python -m benchmarks [--posts N] [--people N] [--database URL] [--without-search]

The made-up site is built once, in .cache/bench/ and, with --database or MICROBLOG_TEST_DATABASE_URL,
in a database of its own on that PostgreSQL server. Nothing here is a test: other work on the machine
shows in the numbers.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from pyramid.request import Request
from sqlalchemy import event

from benchmarks import limits, waiting
from benchmarks.data import (
    ONLY_REPLYING,
    TAG,
    Size,
    index,
    postgresql_database,
    reader_of_replies,
    readers_of,
    sqlite_database,
    word,
)
from microblog import configure
from microblog.accounts.queries import end_session, start_session
from microblog.db import Database
from microblog.paging import Cursor
from microblog.search.interfaces import get_search
from microblog.search.language import parse
from microblog.security.cookies import SESSION_COOKIE
from microblog.security.identity import hash_token
from microblog.timelines.home import list_home_posts

PAGE_SIZE = 25
DEEP_PAGE = 500
ROUNDS = 15
PAGE_ROUNDS = 60
WRITTEN = 200  # of each kind
SERVER_VARIABLE = "MICROBLOG_TEST_DATABASE_URL"
# Median milliseconds of the home timeline's SQL: (people followed, database) from issue 3.
TARGETS = {(50, "sqlite"): 1, (50, "postgresql"): 2, (1000, "sqlite"): 3, (1000, "postgresql"): 15}
# What a site has on this database: to write a post is to index it, too.
ADAPTERS = {"sqlite": "fts5", "postgresql": "postgresql"}
# Whoever follows only people who answer strangers: ten pages are looked through, and nothing is found.
NOTHING_FOR_THEM = {"sqlite": 10, "postgresql": 40}


def milliseconds(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def summary(times: Sequence[float]) -> tuple[str, str, str]:
    """(least, median, p99); on a busy machine the least says most."""
    ordered = sorted(times)
    numbers = (ordered[0], statistics.median(ordered), ordered[math.ceil(len(ordered) * 0.99) - 1])
    return tuple(f"{number:.2f}" for number in numbers)  # type: ignore[return-value]


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    print(f"\n{title}\n")
    for number, row in enumerate((header, *rows)):
        first, *others = row
        print(
            "  "
            + "  ".join(
                [first.ljust(widths[0])]
                + [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            )
        )
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))


def settings_for(url: str, *, search: bool) -> dict[str, str]:
    return {
        "microblog.secret": secrets.token_hex(16),
        "microblog.cookies.secure": "false",
        "microblog.worker": "off",
        "microblog.database.url": url,
        "microblog.search": ADAPTERS[sa.make_url(url).get_backend_name()] if search else "none",
        **limits.SETTINGS,
    }


def deep_cursor(session: Any, reader: int) -> tuple[Cursor, int]:
    """Where the 500th page begins, or the last full one of a shorter timeline; and which page it is."""
    ids = session.scalars(
        sa.text(
            "SELECT id FROM posts WHERE user_id = :reader OR user_id IN "
            "(SELECT followee_id FROM follows WHERE follower_id = :reader) ORDER BY id DESC LIMIT :limit"
        ),
        {"reader": reader, "limit": DEEP_PAGE * PAGE_SIZE},
    ).all()
    page = min(DEEP_PAGE, max(len(ids) // PAGE_SIZE, 1))
    return (Cursor(before=ids[(page - 1) * PAGE_SIZE - 1]) if page > 1 else Cursor()), page


def home_timelines(url: str, size: Size) -> list[list[str]]:
    database = Database(url)
    rows = []
    for followed, readers in readers_of(size).items():
        with database.read() as session:
            deep = {reader: deep_cursor(session, reader) for reader in readers}
            pages = {"1": {reader: Cursor() for reader in readers}}
            name = str(min(page for _, page in deep.values()))
            pages[name] = {reader: cursor for reader, (cursor, _) in deep.items()}
            for page, cursors in pages.items():
                times = []
                for _ in range(ROUNDS + 1):
                    for reader in readers:
                        action = lambda r=reader, c=cursors[reader]: list_home_posts(  # noqa: E731
                            session, r, c, PAGE_SIZE + 1
                        )
                        times.append(milliseconds(action))
                least, median, p99 = summary(times[len(readers) :])  # the first round warms up
                target = TARGETS[followed, database.dialect]
                reached = "yes" if float(median) < target else "NO"
                rows.append(
                    [database.dialect, f"{followed:,}", page, least, median, p99, f"< {target}", reached]
                )
    reader = reader_of_replies(size)
    with database.read() as session:
        found = list_home_posts(session, reader, Cursor(), PAGE_SIZE + 1)
        assert len(found) <= PAGE_SIZE, "They see a full page."
        times = [
            milliseconds(lambda: list_home_posts(session, reader, Cursor(), PAGE_SIZE + 1))
            for _ in range(ROUNDS + 1)
        ]
    least, median, p99 = summary(times[1:])
    target = NOTHING_FOR_THEM[database.dialect]
    reached = "yes" if float(median) < target else "NO"
    follows = f"{ONLY_REPLYING:,} who answer strangers"
    rows.append([database.dialect, follows, "1", least, median, p99, f"< {target}", reached])
    database.close()
    return rows


@contextmanager
def counted(database: Database) -> Any:
    statements: list[str] = []

    def remember(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", remember)
    yield statements
    event.remove(database.engine, "before_cursor_execute", remember)


def pages(url: str, size: Size, *, search: bool) -> None:
    """Pages, in process through WSGI, as somebody sees them who follows 50 people; then search."""
    application = configure(settings_for(url, search=search)).make_wsgi_app()
    registry = application.registry
    if search:
        index(registry)
    token = secrets.token_urlsafe(32)
    reader = readers_of(size)[50][0]
    with registry.database.write() as session:
        start_session(session, reader, hash_token(token), timedelta(hours=1))
        post_id = session.scalar(sa.text("SELECT max(id) FROM posts WHERE user_id = 1"))
        busy = session.scalar(sa.text("SELECT id FROM posts ORDER BY replies_count DESC LIMIT 1"))

    def get(path: str, **options: Any) -> Any:
        request = Request.blank(path, headers={"Cookie": f"{SESSION_COOKIE}={token}"}, **options)
        return request.get_response(application)

    rows = []
    for name, path in (
        ("home", "/"),
        ("explore", "/explore"),
        ("profile", "/users/person1"),
        ("posts and replies", "/users/person1/replies"),
        ("post", f"/posts/{post_id}"),
        ("post with 10,000 replies", f"/posts/{busy}"),
        ("the same, a later page", f"/posts/{busy}?after={post_id}"),
        ("tag", f"/tags/{TAG}"),
        ("people", "/users/"),
        ("people, a page in the middle", f"/users/?after=person{size.people // 2}"),
        ("people, by a beginning", "/users/?q=person1"),
        *([("search", f"/search?q={word(300)}")] if search else []),
    ):
        answer = get(path)
        assert answer.status_int == 200, f"{path}: {answer.status}"
        with counted(registry.database) as statements:
            get(path)
        processor = time.process_time()
        times = [milliseconds(lambda path=path: get(path)) for _ in range(PAGE_ROUNDS)]  # type: ignore[misc]
        processor = (time.process_time() - processor) / PAGE_ROUNDS * 1000
        rows.append([name, *summary(times), f"{processor:.2f}", str(len(statements))])
    dialect = registry.database.dialect
    table(
        f"Pages on {dialect}, in process (ms)",
        ["page", "least", "median", "p99", "processor", "statements"],
        rows,
    )
    writes(get, registry.database, size, reader)
    with registry.database.write() as session:
        session.execute(
            sa.text("DELETE FROM posts WHERE body LIKE 'benchmark %'  AND user_id = :id"), {"id": reader}
        )
        end_session(session, hash_token(token))
    if search:
        searches(registry, registry.database.dialect)
    registry.database.close()


# Of those who do not like it already. The ids have no time, but are in an order, and tell which these are.
LIKE_BY_ALL = """INSERT INTO likes (user_id, post_id, id)
    SELECT id, :post, id FROM users WHERE id <> :reader ON CONFLICT DO NOTHING"""
UNLIKE_BY_ALL = "DELETE FROM likes WHERE post_id = :post AND id = user_id"


def writes(get: Callable[..., Any], database: Database, size: Size, reader: int) -> None:
    """A post, a like of a post that few like, and one of a post that everybody likes, by turns: what else the
    machine does slows down all of them. A like is taken back the next time."""
    with database.write() as session:
        newest = "SELECT id FROM posts WHERE user_id = 1 ORDER BY id DESC LIMIT 2"
        popular, other = session.scalars(sa.text(newest)).all()
        session.execute(sa.text(LIKE_BY_ALL), {"post": popular, "reader": reader})
    found = re.search(r'name="csrf_token" value="(\w+)"', get("/").text)
    assert found, "the home page has no form"
    token = {"csrf_token": found[1]}

    def post(number: int) -> Any:
        fields = {"body": f"benchmark {number}", "key": secrets.token_urlsafe(16)}
        return get("/posts/", POST={**token, **fields})

    def like(post_id: int, number: int) -> Any:
        return get(f"/posts/{post_id}/{'unlike' if number % 2 else 'like'}", POST=token)

    deeds = {
        "a post": post,
        "a like, or one taken back": partial(like, other),
        f"the same, of a post that {size.people:,} people like": partial(like, popular),
    }
    times: dict[str, list[float]] = {name: [] for name in deeds}
    processor = dict.fromkeys(deeds, 0.0)
    for number in range(WRITTEN):
        for name, deed in deeds.items():
            began, used = time.perf_counter(), time.process_time()
            answer = deed(number)
            times[name].append((time.perf_counter() - began) * 1000)
            processor[name] += (time.process_time() - used) * 1000 / WRITTEN
            assert answer.status_int == 303, answer.status
    rows = [[name, *summary(each), f"{processor[name]:.2f}"] for name, each in times.items()]
    table(
        f"Writes on {database.dialect}, by turns (ms)", ["what", "least", "median", "p99", "processor"], rows
    )
    with database.write() as session:
        session.execute(sa.text(UNLIKE_BY_ALL), {"post": popular})


def searches(registry: Any, dialect: str) -> None:
    rows = []
    with registry.database.read() as session:
        for name, typed in (
            ("the commonest word", word(0)),
            ("rank 30", word(30)),
            ("rank 3,000", word(3000)),
            ("two common words", f"{word(1)} {word(2)}"),
            ("a phrase", f'"{word(1)} {word(2)}"'),
            ("beginning of a word", f"{word(300)[:3]}*"),
        ):
            action = lambda typed=typed: get_search(registry).search(  # noqa: E731
                session, parse(typed), Cursor(), PAGE_SIZE + 1
            )
            times = [milliseconds(action) for _ in range(ROUNDS * 4 + 1)][1:]
            rows.append([name, *summary(times)])
    table(f"Search ({ADAPTERS[dialect]}), newest 25 (ms)", ["for", "least", "median", "p99"], rows)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--people", type=int, default=20_000, metavar="N")
    parser.add_argument("--database", default=os.environ.get(SERVER_VARIABLE), metavar="URL")
    parser.add_argument("--without-search", action="store_true")
    arguments = parser.parse_args()
    if arguments.people < 2200 or arguments.posts < arguments.people:
        print("Measure with at least 2,200 people, and as many posts as people.", file=sys.stderr)
        return 1
    size = Size(arguments.posts, arguments.people)
    urls = [sqlite_database(size)]
    if arguments.database:
        urls.append(postgresql_database(arguments.database, size))
    else:
        print(f"PostgreSQL is not measured: name a server with --database or {SERVER_VARIABLE}.")
    header = ["database", "follows", "page", "least", "median", "p99", "target", "reached"]
    title = f"SQL of the home timeline, {size.posts:,} posts, {size.people:,} people (ms)"
    table(title, header, [row for url in urls for row in home_timelines(url, size)])
    for url in urls:
        pages(url, size, search=not arguments.without_search)
    if not arguments.without_search:
        waiting.print_table(size, waiting.WRITES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
