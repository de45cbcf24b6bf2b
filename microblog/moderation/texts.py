"""What somebody reads who is suspended, and why something is held."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.i18n import Message, _
from microblog.moderation.prevention import ADDRESS, FIRST_LINK, LINK, LONG, SLOW, WORD
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


HOLDS = {
    ADDRESS: _("It comes from an address that holds posts."),
    FIRST_LINK: _("One of the first posts of somebody new, with a link."),
    LONG: _("It is too long to be looked through."),
    SLOW: _("The patterns took too long for it."),
}


def describe_hold(reason: str) -> Message:
    """Why a post is held (`prevention.py`)."""
    kind, _colon, found = reason.partition(":")
    if kind == WORD:
        return _("It has a word that holds posts: %(word)s", word=found)
    if kind == LINK:
        return _("It has a link that holds posts: %(link)s", link=found)
    return HOLDS[kind]
