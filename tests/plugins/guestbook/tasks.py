"""What the worker does for the guestbook."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.plugins.guestbook import queries
from tests.plugins.guestbook.settings import DAYS


def delete_old_signatures(registry: Any) -> None:
    with registry.database.write() as session:
        before = datetime.now(UTC) - timedelta(days=registry.microblog[DAYS])
        queries.delete_signatures(session, before)
