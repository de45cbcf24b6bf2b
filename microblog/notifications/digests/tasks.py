"""The worker's task that writes digests."""

from __future__ import annotations

from datetime import UTC, datetime

from microblog.notifications.digests import actions, queries
from microblog.notifications.digests.queries import DigestRow
from microblog.request import Registry

SECONDS_BETWEEN_LOOKS = 30
PEOPLE_IN_A_ROUND = 20  # about 0.3 seconds, so that the other tasks of the worker have their turn


def send_due(registry: Registry, limit: int = PEOPLE_IN_A_ROUND) -> bool:
    """Write the digests that are due: are there more? One that fails keeps none of the others waiting."""
    now = datetime.now(UTC)
    with registry.database.read() as session:
        due = queries.list_due(session, now, limit)
    failure: Exception | None = None
    for digest in due:
        try:
            send(registry, digest, now)
        except Exception as error:
            failure = error
    if failure is not None:
        raise failure
    return len(due) == limit


def send(registry: Registry, digest: DigestRow, now: datetime) -> None:
    """Whatever it tells is read before the transaction that keeps others from writing."""
    with registry.database.read() as session:
        values = actions.compose(session, digest, now)
    with registry.database.write() as session:
        actions.send(session, digest, values, now)
