"""Whatever happens to posts and workers: after things calm down, index and database agree.

A short form, seeded, of `python -m benchmarks.chaos`: four writers of every kind while workers come, go,
and are killed between delivering and forgetting; one of them is a real process, and SIGKILL ends it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from zope.interface import implementer

from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.ids import new_id
from microblog.posts.models import Post
from microblog.posts.queries import add_post, add_posts, delete_post
from microblog.search.feeding import catch_up
from microblog.search.interfaces import ISearchDelivery, find_search_delivery

SEED = 20261122
WRITERS = 4
OPERATIONS_OF_A_WRITER = 100
LIMIT = 20
ATTEMPTS = 10
MANY = 1000
SHARE_OF_THE_KILLED = 0.2
LONGER_THAN_ANY_LEASE = timedelta(hours=1)
SECONDS_UNTIL_HALFWAY = 120  # on a machine with much else to do
EXECUTABLES = Path(sys.executable).parent


def until_it_works(deed: Callable[[], object]) -> None:
    """PostgreSQL ends a deadlock by choosing one transaction; requests and the worker try again, too."""
    for _ in range(ATTEMPTS):
        try:
            deed()
        except sa.exc.OperationalError:
            continue
        return
    raise AssertionError("It never worked.")


class Writer:
    """Does one random thing after another, with people and posts of its own and those of others."""

    def __init__(self, application: Any, number: int) -> None:
        self.halfway = threading.Event()
        self.random = random.Random(SEED + number)
        self.database = application.database
        self.name = f"writer{number}"
        self.words = ["tea", "milk", "sugar", "straße", "日本", f"word{number}"]

    def body(self) -> str:
        return " ".join(self.random.choices(self.words, k=5))

    def author(self, session: Any) -> int:
        found = session.scalar(sa.select(User.id).where(User.nickname == self.name))
        return int(found or add_user(session, self.name))

    def some_post(self, session: Any) -> int | None:
        ids = list(session.scalars(sa.select(Post.id).order_by(Post.id.desc()).limit(LIMIT)))
        return self.random.choice(ids) if ids else None

    def write_one(self) -> None:
        with self.database.write() as session:
            add_post(session, self.author(session), self.body())

    def write_many(self) -> None:
        with self.database.write() as session:
            author = self.author(session)
            rows = [
                {"id": new_id(), "user_id": author, "body": self.body(), "language": None} for _ in range(5)
            ]
            add_posts(session, rows)

    def delete_one(self) -> None:
        with self.database.write() as session:
            post = self.some_post(session)
            if post is not None:
                delete_post(session, post)

    def change_in_a_shell(self) -> None:
        with self.database.engine.begin() as connection:
            newest = sa.select(sa.func.max(Post.id)).scalar_subquery()
            connection.execute(sa.update(Post).where(Post.id == newest).values(body=self.body()))

    def delete_in_a_shell(self) -> None:
        with self.database.engine.begin() as connection:
            oldest = sa.select(sa.func.min(Post.id)).scalar_subquery()
            connection.execute(sa.delete(Post).where(Post.id == oldest))

    def leave(self) -> None:
        with self.database.write() as session:
            session.execute(sa.delete(User).where(User.nickname == self.name))

    def give_up(self) -> None:
        session = self.database.open_session(write=True)
        add_post(session, self.author(session), self.body())
        session.rollback()
        session.close()

    def run(self) -> None:
        deeds = [self.write_one] * 8 + [self.delete_one] * 3 + [self.write_many, self.delete_in_a_shell]
        deeds += [self.change_in_a_shell, self.change_in_a_shell, self.leave, self.give_up]
        for number in range(OPERATIONS_OF_A_WRITER):
            if number == OPERATIONS_OF_A_WRITER // 2:
                self.halfway.set()
            until_it_works(self.random.choice(deeds))


class Worker:
    """Catches up until it is stopped, and is sometimes killed before it can acknowledge."""

    def __init__(self, application: Any, number: int, over: threading.Event) -> None:
        self.random = random.Random(SEED * 2 + number)
        self.database = application.database
        self.registry = application.registry
        self.over = over

    def run(self) -> None:
        while not self.over.wait(self.random.uniform(0, 0.02)):
            with suppress(Killed):
                until_it_works(lambda: catch_up(self.registry, self.random.randint(1, LIMIT)))


class Killed(BaseException):
    """A worker is killed between delivering and acknowledging."""


@implementer(ISearchDelivery)
class MortalDelivery:
    """The adapter's delivery, for workers of which every fifth is killed when it has delivered: its entries
    are delivered once more, later than what came after them."""

    def __init__(self, delivery: ISearchDelivery) -> None:
        self._delivery = delivery
        self._random = random.Random(SEED)
        self._left: list[Any] = []
        self.is_over = False

    def deliver(self, registry: Any, entries: Any) -> Any:
        while self._left:
            self._delivery.deliver(registry, self._left.pop())
        outcome = self._delivery.deliver(registry, entries)
        if not self.is_over and self._random.random() < SHARE_OF_THE_KILLED:
            self._left.append(entries)
            raise Killed
        return outcome

    def write_again(self, session: Any, entries: Any) -> None:
        self._delivery.write_again(session, entries)


@pytest.fixture
def mortal(application: Any) -> MortalDelivery | None:
    """None when the index of this adapter is not fed through the outbox."""
    delivery = find_search_delivery(application.registry)
    if delivery is None:
        return None
    mortal = MortalDelivery(delivery)
    application.registry.registerUtility(mortal, ISearchDelivery)
    return mortal


@contextmanager
def real_worker(application: Any, search: Any, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`microblog worker` on the same database and index, when it says that it runs."""
    settings = application.registry.microblog
    keys = {
        "microblog.database.url": application.database.engine.url.render_as_string(hide_password=False),
        "microblog.search": f"{type(search).__module__}.{type(search).__qualname__}",
        "microblog.secret": "x" * 32,
        "microblog.worker": "separate",
        **{one.key: settings[one] for one in getattr(search, "SETTINGS", ()) if settings[one] is not None},
    }
    ini = folder / "site.ini"
    lines = [f"{key} = {value}".replace("%", "%%") for key, value in keys.items()]
    logging = "[loggers]\nkeys = root\n[handlers]\nkeys =\n[formatters]\nkeys =\n[logger_root]\nhandlers =\n"
    ini.write_text("\n".join(["[app:main]", "use = egg:microblog", *lines, logging]))
    with subprocess.Popen(
        [EXECUTABLES / "microblog", "-c", ini, "worker"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONWARNINGS": "ignore"},
    ) as process:
        try:
            assert process.stdout is not None
            assert "runs" in process.stdout.readline()
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_after_random_failures_index_and_database_agree(
    application: Any, search: Any, index: Any, mortal: MortalDelivery | None, tmp_path: Path
) -> None:
    over = threading.Event()
    faults: list[BaseException] = []

    def watched(run: Any) -> None:
        try:
            run()
        except BaseException as fault:
            faults.append(fault)

    writers = [Writer(application, number) for number in range(WRITERS)]
    workers = [Worker(application, number, over) for number in range(2)]
    runs = [one.run for one in writers] + [one.run for one in workers]
    threads = [threading.Thread(target=watched, args=[run]) for run in runs]
    with real_worker(application, search, tmp_path) as process:
        for thread in threads:
            thread.start()
        is_halfway = writers[0].halfway.wait(SECONDS_UNTIL_HALFWAY)
        was_running = process.poll() is None
        process.kill()
        for thread in threads[:WRITERS]:
            thread.join()
        over.set()
        for thread in threads:
            thread.join()
    assert not faults
    assert (is_halfway, was_running, process.returncode) == (True, True, -signal.SIGKILL)
    if mortal is not None:
        mortal.is_over = True
    with time_machine.travel(datetime.now(UTC) + LONGER_THAN_ANY_LEASE):
        while catch_up(application.registry, MANY):
            pass
    assert not index.verify(application.database)
    with application.database.read() as session:
        status = index.status(session)
        posts = session.scalar(sa.select(sa.func.count()).select_from(Post))
    assert (status.documents, status.pending, status.refused) == (posts, 0, 0)
