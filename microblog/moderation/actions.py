"""What moderators do, in the transaction of the caller. Each of it is in the audit trail.

`reason` is for moderators, `said` for the person, who gets it by mail and where they cannot log in.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import orm

from microblog.accounts import queries as accounts
from microblog.db import StaleData
from microblog.i18n import Message
from microblog.ids import get_now
from microblog.mail.actions import write_mail
from microblog.moderation import audit, queries
from microblog.moderation.queries import Deed
from microblog.moderation.rules import find_refusal
from microblog.security.identity import Identity

MAIL = "moderation"


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
    tell(session, case, audit.SUSPEND, record(session, case, audit.SUSPEND))


def unsuspend(session: orm.Session, case: Case) -> None:
    """All of them is as it was; they have to log in again.

    :raises Refused: when they may not be acted on.
    :raises StaleData: when they are not suspended.
    """
    check(session, case)
    if not queries.end_suspension(session, case.person_id):
        raise StaleData("They are not suspended.")
    accounts.take_back(session, case.person_id)
    tell(session, case, audit.UNSUSPEND, record(session, case, audit.UNSUSPEND))


def end_sessions(session: orm.Session, case: Case) -> None:
    """Log them out everywhere.

    :raises Refused: when they may not be acted on.
    """
    check(session, case)
    accounts.end_all_sessions(session, case.person_id)
    record(session, case, audit.END_SESSIONS)


def check(session: orm.Session, case: Case) -> None:
    role = queries.get_role(session, case.person_id)
    if role is None:
        raise StaleData("The person was deleted.")
    refusal = find_refusal(case.me, role)
    if refusal is not None:
        raise Refused(refusal)


def record(session: orm.Session, case: Case, action: str) -> int:
    actor_id = None if case.me is None else case.me.id
    return queries.record(
        session,
        Deed(
            action=action,
            actor_id=actor_id,
            person_id=case.person_id,
            reason=case.reason,
            said=case.said,
        ),
    )


def tell(session: orm.Session, case: Case, action: str, entry_id: int) -> None:
    """By mail, if their address is known. They are told, too, when nothing was said besides."""
    values = {"action": action, "said": case.said}
    write_mail(session, kind=MAIL, user_id=case.person_id, values=values, cause=f"audit {entry_id}")
