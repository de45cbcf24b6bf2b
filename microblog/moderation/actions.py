"""What moderators do, in the transaction of the caller. Each of it is in the audit trail.

`reason` is for moderators, `said` for the person, who gets it by mail and where they cannot log in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import orm

from microblog.accounts import actions as accounts_actions
from microblog.accounts import queries as accounts
from microblog.accounts.by_mail.actions import write_reset
from microblog.db import StaleData
from microblog.i18n import Message
from microblog.ids import get_now
from microblog.mail.actions import write_mail
from microblog.media.plans import AVATAR, HEADER
from microblog.moderation import audit, queries
from microblog.moderation.queries import Deed
from microblog.moderation.rules import find_refusal
from microblog.posts import actions as posts
from microblog.posts.held import HELD, publish_held
from microblog.security.identity import Identity

MAIL = "moderation"
BY_MODERATORS = 1  # `Post.hidden`
# Which posts an action changes: those that are seen, those that are hidden, or both.
CHANGED = {
    audit.HIDE_POST: (None, HELD),
    audit.SHOW_POST: (BY_MODERATORS, HELD),
    audit.DELETE_POST: (None, BY_MODERATORS, HELD),
}


class Refused(Exception):
    """This may not be done to this person; the message is a sentence."""

    def __init__(self, sentence: Message) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Case:
    """Who acts (None on the command line) on whom, and why."""

    me: Identity | None
    person_id: int
    reason: str
    said: str = ""


def warn(session: orm.Session, case: Case) -> None:
    """Tell somebody what they did wrong.

    :raises Refused: when they may not be acted on.
    :raises StaleData: when they are gone.
    """
    check(session, case)
    tell(session, case, audit.WARN, record(session, case, audit.WARN))


def suspend(session: orm.Session, case: Case) -> None:
    """From now on they cannot log in, and nothing of them is seen. Nothing is deleted.

    :raises Refused: when they may not be acted on.
    :raises StaleData: when they are gone, or suspended already.
    """
    check(session, case)
    accounts.set_aside(session, case.person_id)
    queries.add_suspension(session, case.person_id, since=get_now(), said=case.said)
    tell(
        session,
        case,
        audit.SUSPEND,
        record(session, case, audit.SUSPEND, before={"suspended": False}, after={"suspended": True}),
    )


def unsuspend(session: orm.Session, case: Case) -> None:
    """All of them is as it was; they have to log in again.

    :raises Refused: when they may not be acted on.
    :raises StaleData: when they are not suspended.
    """
    check(session, case)
    if not queries.end_suspension(session, case.person_id):
        raise StaleData("They are not suspended.")
    accounts.take_back(session, case.person_id)
    tell(
        session,
        case,
        audit.UNSUSPEND,
        record(session, case, audit.UNSUSPEND, before={"suspended": True}, after={"suspended": False}),
    )


def end_sessions(session: orm.Session, case: Case) -> None:
    """Log them out everywhere.

    :raises Refused: when they may not be acted on.
    """
    check(session, case)
    accounts.end_all_sessions(session, case.person_id)
    record(session, case, audit.END_SESSIONS)


def limit(session: orm.Session, case: Case) -> None:
    """Take them out of the lists of everybody's posts and people, and out of search. Whoever follows them
    sees them as before.

    :raises Refused: when they may not be acted on.
    :raises StaleData: when they are gone, or it was done before.
    """
    check(session, case)
    accounts.set_limited(session, case.person_id, is_limited=True)
    tell(
        session,
        case,
        audit.LIMIT,
        record(session, case, audit.LIMIT, before={"in lists": True}, after={"in lists": False}),
    )


def unlimit(session: orm.Session, case: Case) -> None:
    """Undo `limit`.

    :raises Refused: when they may not be acted on.
    :raises StaleData: when they are gone, or in the lists.
    """
    check(session, case)
    accounts.set_limited(session, case.person_id, is_limited=False)
    tell(
        session,
        case,
        audit.UNLIMIT,
        record(session, case, audit.UNLIMIT, before={"in lists": False}, after={"in lists": True}),
    )


def write_note(session: orm.Session, case: Case) -> None:
    """For other moderators; the person is not told.

    :raises Refused: when they may not be acted on.
    """
    check(session, case)
    record(session, case, audit.NOTE)


def force_new_password(session: orm.Session, case: Case) -> None:
    """Log them out everywhere. They get a link by mail, and cannot log in before they have chosen another
    password by it.

    :raises Refused: when they may not be acted on.
    :raises StaleData: when they are gone, suspended, or have no address.
    """
    check(session, case)
    email = accounts.get_email(session, case.person_id)
    if email is None:
        raise StaleData("They have no address.")
    accounts.clear_password(session, case.person_id)
    tell(session, case, audit.NEW_PASSWORD, record(session, case, audit.NEW_PASSWORD))
    write_reset(session, email)


def remove_pictures(session: orm.Session, case: Case) -> None:
    """Remove the avatar and the header of their profile.

    :raises Refused: when they may not be acted on.
    :raises StaleData: when they are gone, or have none.
    """
    check(session, case)
    before = accounts.lock_portraits(session, case.person_id)._asdict()
    removed = [accounts_actions.remove_portrait(session, case.person_id, each) for each in (AVATAR, HEADER)]
    if not any(removed):
        raise StaleData("They have no pictures.")
    tell(session, case, audit.REMOVE_PICTURES, record(session, case, audit.REMOVE_PICTURES, before=before))


def delete(session: orm.Session, case: Case) -> None:
    """Delete their account for good: nobody reaches them from now on, and the worker removes what is left.

    :raises Refused: when they may not be acted on.
    :raises StaleData: when they are gone.
    """
    check(session, case)
    email = accounts.get_email(session, case.person_id)
    entry_id = record(session, case, audit.DELETE)
    if queries.drop_suspension(session, case.person_id):
        accounts.take_back(session, case.person_id)
    accounts_actions.leave(session, case.person_id, days=0)
    accounts_actions.go(session, case.person_id)
    # To the address, since the account is gone.
    values = {"action": audit.DELETE, "said": case.said, "count": 0}
    write_mail(session, kind=MAIL, user_id=None, email=email, values=values, cause=f"audit {entry_id}")


def hide_posts(session: orm.Session, case: Case, ids: Sequence[int]) -> int:
    """Let nobody see these posts of a person any more; returns how many were seen before.

    :raises Refused: when they may not be acted on.
    """
    return change_posts(session, case, ids, audit.HIDE_POST)


def show_posts(session: orm.Session, case: Case, ids: Sequence[int]) -> int:
    """Let these posts of a person be seen again; returns how many were hidden.

    :raises Refused: when they may not be acted on.
    """
    return change_posts(session, case, ids, audit.SHOW_POST)


def delete_posts(session: orm.Session, case: Case, ids: Sequence[int]) -> int:
    """Delete these posts of a person; returns how many. The audit trail keeps their texts.

    :raises Refused: when they may not be acted on.
    """
    return change_posts(session, case, ids, audit.DELETE_POST)


def change_posts(session: orm.Session, case: Case, ids: Sequence[int], action: str) -> int:
    check(session, case)
    changed = queries.list_posts_to_change(session, case.person_id, ids, CHANGED[action])
    hidden = BY_MODERATORS if action == audit.HIDE_POST else None
    if action == audit.DELETE_POST:
        for post in changed:
            posts.delete(session, post.id, case.person_id)
    else:
        queries.mark_posts(session, [post.id for post in changed], hidden)
        if action == audit.SHOW_POST:
            for post in changed:
                if post.hidden == HELD:
                    publish_held(session, post.id, case.person_id, post.reply_to)
    entry_id = 0
    for post in changed:
        before = {"text": post.body, "hidden": post.hidden}
        after = {} if action == audit.DELETE_POST else {**before, "hidden": hidden}
        entry_id = record(session, case, action, subject=f"post:{post.id}", before=before, after=after)
    if changed:
        tell(session, case, action, entry_id, count=len(changed))
    return len(changed)


def check(session: orm.Session, case: Case) -> None:
    role = queries.get_role(session, case.person_id)
    if role is None:
        raise StaleData("The person was deleted.")
    refusal = find_refusal(case.me, role)
    if refusal is not None:
        raise Refused(refusal)


def record(session: orm.Session, case: Case, action: str, **more: Any) -> int:
    """`more` of a `Deed`: what it was about, before and after. Returns the id of the entry."""
    actor_id = None if case.me is None else case.me.id
    who: dict[str, Any] = {"actor_id": actor_id, "person_id": case.person_id}
    deed = Deed(action=action, reason=case.reason, said=case.said, **who, **more)
    return queries.record(session, deed)


def tell(session: orm.Session, case: Case, action: str, entry_id: int, *, count: int = 0) -> None:
    """By mail, if their address is known. They are told, too, when nothing was said besides."""
    values = {"action": action, "said": case.said, "count": count}
    write_mail(session, kind=MAIL, user_id=case.person_id, values=values, cause=f"audit {entry_id}")
