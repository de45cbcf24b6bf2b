"""The worker's task that deletes old forms."""

from __future__ import annotations

from typing import Any

from microblog.request import Registry
from microblog.submissions.queries import delete_old

SECONDS_BETWEEN_CLEANINGS = 600
FORMS_IN_A_ROUND = 1000


def delete_old_forms(registry: Registry) -> bool:
    """Delete a batch of old forms and results; are there more?"""
    with registry.database.write() as session:
        return not delete_old(session, FORMS_IN_A_ROUND)


def includeme(config: Any) -> None:
    config.add_worker_task("old forms", delete_old_forms, every=SECONDS_BETWEEN_CLEANINGS)
