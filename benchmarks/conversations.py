"""Conversations at random: what `tests/functional/test_conversations.py` does, for longer.

    python -m benchmarks.conversations [--steps 20000] [--seed N] [--database URL]

On SQLite in a temporary folder; with --database or MICROBLOG_TEST_DATABASE_URL on that PostgreSQL server, in
a database that is gone afterwards. Exit status 1, with the fewest steps that show it, when the database and
the model differ.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.servers import own_database
from microblog import configure
from microblog.db import Database
from microblog.operations import migrating
from tests.conversations.machine import walk

SERVER_VARIABLE = "MICROBLOG_TEST_DATABASE_URL"


@contextmanager
def empty_database(server_url: str | None) -> Iterator[str]:
    """The URL of a new database."""
    if server_url:
        with own_database(server_url) as url:
            yield url
        return
    with tempfile.TemporaryDirectory(prefix="microblog-conversations-") as folder:
        yield f"sqlite+pysqlite:///{folder}/site.sqlite3"


def open_site(url: str) -> Database:
    """A site whose search follows nothing: it has tests of its own."""
    database = Database(url)
    migrating.upgrade(database)
    database.close()
    settings = {
        "microblog.database.url": url,
        "microblog.secret": secrets.token_hex(),
        "microblog.worker": "off",
        "microblog.search": "none",  # its default knows SQLite only
    }
    application = configure(settings).make_wsgi_app()
    return application.registry.database


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conversations", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--database", default=os.environ.get(SERVER_VARIABLE), metavar="URL")
    arguments = parser.parse_args()
    print(f"{arguments.steps} steps, --seed {arguments.seed}", flush=True)
    with empty_database(arguments.database) as url:
        database = open_site(url)
        try:
            walk(database, arguments.steps, arguments.seed)
        except AssertionError:
            traceback.print_exc()
            return 1
        finally:
            database.close()
    print("The database and the model agree.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
