"""The worker's task that deletes old mails."""

from __future__ import annotations

from datetime import timedelta

from microblog.mail.queries import delete_old
from microblog.mail.settings import KEEP_DAYS
from microblog.request import Registry

SECONDS_BETWEEN_CLEANINGS = 600
MAILS_IN_A_ROUND = 500


def delete_old_mails(registry: Registry) -> bool:
    """Delete a batch of mails that were finished long ago; are there more?"""
    age = timedelta(days=registry.microblog[KEEP_DAYS])
    with registry.database.write() as session:
        return delete_old(session, age, MAILS_IN_A_ROUND) == MAILS_IN_A_ROUND
