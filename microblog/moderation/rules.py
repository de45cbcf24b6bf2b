"""Who may act on whom, and what has to be said about it."""

from __future__ import annotations

from dataclasses import dataclass

from microblog.i18n import Message, _
from microblog.security.identity import Identity

REASON_CHARACTERS = 1000
SAID_CHARACTERS = 2000
NOT_ONESELF = _("You cannot do this to yourself.")
NOT_ADMINS = _("This is an admin. Their role has to be revoked before, on the command line.")
NOT_MODERATORS = _("Only an admin can do this to a moderator.")


@dataclass(frozen=True, slots=True)
class Role:
    """Somebody of whom something is to be done."""

    id: int
    is_admin: bool
    is_moderator: bool


def find_refusal(me: Identity | None, person: Role) -> Message | None:
    """Why I may not act on this person; None when I may.

    `me` is None on the command line, which may act on moderators, too.
    """
    if me is not None and me.id == person.id:
        return NOT_ONESELF
    if person.is_admin:
        return NOT_ADMINS
    if person.is_moderator and me is not None and not me.is_admin:
        return NOT_MODERATORS
    return None
