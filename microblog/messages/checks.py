"""Do the rows of threads name their newest messages? Only what writes without our actions can change that."""

from __future__ import annotations

from collections.abc import Iterator

from microblog.checks import FAULT, OK, CheckedSite, Finding
from microblog.messages import queries

REPAIR = (
    "DELETE FROM message_threads WHERE NOT EXISTS (SELECT 1 FROM messages m "
    "WHERE m.owner_id = message_threads.owner_id AND m.thread_id = message_threads.id); "
    "UPDATE message_threads SET last_id = (SELECT max(m.id) FROM messages m "
    "WHERE m.owner_id = message_threads.owner_id AND m.thread_id = message_threads.id);"
)


def describe_threads(site: CheckedSite) -> Iterator[Finding]:
    with site.database.without_limits(), site.database.read() as session:
        wrong = queries.find_wrong_threads(session)
    if wrong.rows:
        yield Finding(
            FAULT,
            f"message_threads.last_id is wrong in {wrong.rows:,} rows, the first of the person with the id "
            f"{wrong.first}. Correct it in a shell of the database: {REPAIR}",
        )
    else:
        yield Finding(OK, "Every thread of private messages names its newest one.")
