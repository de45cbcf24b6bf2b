"""What is done elsewhere is in the audit trail, too."""

from __future__ import annotations

from microblog.accounts.actions import ADMIN
from microblog.accounts.events import RoleChanged
from microblog.moderation import audit, queries
from microblog.moderation.queries import Deed

ACTIONS = {
    (True, True): audit.GRANT_ADMIN,
    (True, False): audit.REVOKE_ADMIN,
    (False, True): audit.GRANT_MODERATOR,
    (False, False): audit.REVOKE_MODERATOR,
}


def record_role(event: RoleChanged) -> None:
    """Only the command line changes roles."""
    action = ACTIONS[event.role == ADMIN, event.is_granted]
    before, after = {event.role: not event.is_granted}, {event.role: event.is_granted}
    deed = Deed(action=action, actor_id=None, person_id=event.user_id, before=before, after=after)
    queries.record(event.session, deed)
