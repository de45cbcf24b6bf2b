"""What leaves the process: each signature becomes a line of a file that others read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import orm

from microblog.outbox import queries
from microblog.outbox.kinds import DeliveryFailed
from microblog.outbox.queries import Leased
from tests.plugins.guestbook.settings import FILE

KIND = "guestbook"


def write_entry(session: orm.Session, signature_id: int, text: str) -> None:
    """In the transaction that signs: rolled back, nothing leaves."""
    queries.write(session, KIND, [signature_id], payload={"text": text})


def deliver(registry: Any, entries: Sequence[Leased]) -> None:
    """:raises DeliveryFailed: while there is no such file; it is tried again, later and later."""
    file = registry.microblog[FILE]
    if file is None or not file.is_file():
        raise DeliveryFailed(f"The file of {FILE.key} is not there: make it.")
    with file.open("a", encoding="utf-8") as lines:
        lines.writelines(f"{entry.payload['text']}\n" for entry in entries)
