"""What somebody reads who is suspended."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.i18n import Message, _
from microblog.moderation.queries import find_suspension

SUSPENDED = _("Your account is suspended, so you cannot log in.")


def describe_suspension(session: orm.Session, user_id: int) -> Message | None:
    """Why somebody cannot log in; None when they can."""
    said = find_suspension(session, user_id)
    if said is None:
        return None
    if not said:
        return SUSPENDED
    return _("Your account is suspended, so you cannot log in. The moderators say: %(said)s", said=said)
