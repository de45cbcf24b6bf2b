"""Whether the guestbook works, and what of it is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import orm

from microblog.measuring import Gauge, count
from tests.plugins.guestbook import queries
from tests.plugins.guestbook.events import Signed
from tests.plugins.guestbook.settings import FILE


def check_file(registry: Any) -> str | None:
    """The end of a sentence, for `/health/ready`, `/metrics` and `microblog doctor`."""
    file = registry.microblog[FILE]
    if file is None or file.is_file():
        return None
    return f"the file of {FILE.key} is not there: make it"


def count_signed(event: Signed) -> None:
    count(event.session.info["registry"], "guestbook_signed")


def read_signatures(registry: Any, session: orm.Session) -> Iterator[Gauge]:
    yield Gauge("guestbook_signatures", "Signatures in the guestbook.", queries.count_signatures(session))
