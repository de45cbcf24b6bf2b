"""`python -m benchmarks.departures [URL]`: for how long the removal of a deleted account keeps others from
writing.

Mallory has 5,000 posts; a thousand people follow her, are followed by her, and like her first post. Without
the URL of an empty PostgreSQL database it is a file of SQLite.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime

import sqlalchemy as sa

from microblog import configure
from microblog.accounts import actions
from microblog.accounts.departures import Removal
from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.ids import new_id
from microblog.operations import migrating
from microblog.people.models import Follow
from microblog.posts.models import Post
from microblog.reactions.models import Like
from microblog.search.interfaces import get_search_index

POSTS, PEOPLE = 5_000, 1_000


def fill(database) -> int:
    with database.write() as session:
        mallory = add_user(session, "mallory")
        people = [{"nickname": f"p{number}", "member_since": datetime.now(UTC)} for number in range(PEOPLE)]
        others = session.scalars(sa.insert(User).returning(User.id), people).all()
        posts = [
            {"id": new_id(), "user_id": mallory, "body": f"Post {number} of many, with some words to find"}
            for number in range(POSTS)
        ]
        session.execute(sa.insert(Post), posts)
        follows = [(other, mallory) for other in others] + [(mallory, other) for other in others]
        session.execute(
            sa.insert(Follow),
            [{"follower_id": one, "followee_id": two, "since": new_id()} for one, two in follows],
        )
        session.execute(
            sa.insert(Like),
            [{"user_id": other, "post_id": posts[0]["id"], "id": new_id()} for other in others],
        )
    return mallory


class Measured(Removal):
    """Notes how long each transaction has locked, as the removal itself measures it."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.seconds: list[float] = []

    def _adapt(self, done: int, seconds: float) -> None:
        self.seconds.append(seconds)
        super()._adapt(done, seconds)


def main() -> None:
    folder = tempfile.mkdtemp()
    url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite+pysqlite:///{folder}/site.sqlite3"
    search = "fts5" if url.startswith("sqlite") else "postgresql"
    settings = {"microblog.secret": "x" * 40, "microblog.database.url": url, "microblog.search": search}
    registry = configure(settings).registry
    migrating.upgrade(registry.database)
    with registry.database.write() as session:
        get_search_index(registry).install(session)
    mallory = fill(registry.database)
    started = time.perf_counter()
    with registry.database.write() as session:
        actions.leave(session, mallory, days=0)
        actions.go(session, mallory)
    print(f"gone after {1000 * (time.perf_counter() - started):.0f} ms")
    removal = Measured(registry, mallory)
    started = time.perf_counter()
    while removal.remove_some():
        pass
    found = sorted(removal.seconds)
    print(f"removed in {time.perf_counter() - started:.1f} s, by {len(found):,} transactions")
    for name, part in (("median", 0.5), ("99 %", 0.99), ("longest", 1)):
        print(f"{name}: {1000 * found[min(int(len(found) * part), len(found) - 1)]:.1f} ms")


if __name__ == "__main__":
    main()
