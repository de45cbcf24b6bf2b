"""The worker's task that deletes links which have expired."""

from __future__ import annotations

from microblog.accounts.by_mail.queries import delete_expired
from microblog.request import Registry

SECONDS_BETWEEN_CLEANINGS = 600
LINKS_IN_A_ROUND = 500


def delete_expired_links(registry: Registry) -> bool:
    """Delete a batch of expired links; are there more?"""
    with registry.database.write() as session:
        return not delete_expired(session, LINKS_IN_A_ROUND)
