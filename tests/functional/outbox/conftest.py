"""A site with an outbox kind of its own: letters, which a postman takes as a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from microblog.outbox import queries
from microblog.outbox.kinds import Kind, Outcome
from microblog.outbox.models import Entry
from tests.conftest import Application

KIND = "letters"


class Postman:
    """Delivers letters: to `bad` never, to whom is `away` later, and what `breaks` is a fault of ours."""

    def __init__(self, application: Application) -> None:
        self.database = application.database
        self.outbox = application.registry.outbox
        self.delivered: list[tuple[str, Any]] = []
        self.calls: list[list[str]] = []
        self.away: set[str] = set()
        self.retry_after: float | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def deliver(self, registry: Any, entries: Any) -> Outcome:
        self.calls.append([entry.key for entry in entries])
        self.meanwhile()
        if any(entry.key == "breaks" for entry in entries):
            raise RuntimeError("no stamp")
        refused = {entry.id: "no such address" for entry in entries if entry.key == "bad"}
        done = [
            entry
            for entry in entries
            if entry.id not in refused and not self.away & {entry.key, entry.destination}
        ]
        self.delivered += [(entry.key, entry.payload) for entry in done]
        error = "Nobody opened." if self.away else ""
        return Outcome([entry.id for entry in done], refused, error, self.retry_after)

    def write(self, *keys: str, **more: Any) -> None:
        with self.database.write() as session:
            queries.write(session, KIND, keys, **more)

    def write_unique(self, key: str, payload: Any = None, **more: Any) -> None:
        with self.database.write() as session:
            queries.write_unique(session, KIND, key, payload=payload, **more)

    def work(self) -> int:
        return int(self.outbox.deliver(KIND))

    def change(self, **values: Any) -> None:
        """Whatever a test cannot wait for."""
        with self.database.write() as session:
            session.execute(sa.update(Entry).values(**values))

    @property
    def depth(self) -> tuple[int, int]:
        """How many wait, and how many are dead letters."""
        with self.database.read() as session:
            depth = queries.measure_depth(session, KIND)
        return depth.waiting, depth.dead_letters

    @property
    def keys(self) -> list[str]:
        """Of the entries that there are, the oldest first."""
        with self.database.read() as session:
            return list(session.scalars(sa.select(Entry.key).order_by(Entry.id)))


@pytest.fixture
def hire(make_application: Callable[..., Application]) -> Callable[..., Postman]:
    """`hire(batch=2)`: a postman whose kind has these options."""

    def hire(**options: Any) -> Postman:
        postmen: list[Postman] = []

        def deliver(registry: Any, entries: Any) -> Outcome:
            return postmen[0].deliver(registry, entries)

        def extend(config: Any) -> None:
            config.add_outbox_kind(KIND, deliver, **options)

        application = make_application(extend=extend)
        postmen.append(Postman(application))
        assert isinstance(application.registry.outbox.kinds[KIND], Kind)
        return postmen[0]

    return hire
