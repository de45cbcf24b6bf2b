"""Delivers mails: the entries of the outbox of the kind `mail`, each with the id of a mail as its key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import orm

from microblog.db import Database
from microblog.ids import get_now
from microblog.mail import queries
from microblog.mail.interfaces import MailError, get_recipients, get_transport
from microblog.mail.kinds import MailKind
from microblog.mail.links import make_unsubscribe_url
from microblog.mail.messages import add_unsubscribe_link, make_message
from microblog.mail.queries import DROPPED, REFUSED, SENT, MailRow
from microblog.measuring import count
from microblog.outbox.kinds import Outcome
from microblog.outbox.queries import Leased
from microblog.request import Registry

# What is refused for now is tried for so long (RFC 5321, 4.5.4.1).
GIVE_UP_AFTER = timedelta(days=5)

TOO_LATE = "It was not sent in time: {reason}"
NO_KIND = "No package of these settings has the kind “{kind}”."
OTHER_ADDRESS = "The account has another address by now."
NOT_CONFIRMED = "The address is not confirmed."
SWITCHED_OFF = "They have switched off mails of this kind."
UNUSABLE = "No mail can be sent to this address."


def deliver(registry: Registry, entries: Sequence[Leased]) -> Outcome:
    """Send the mail of one entry: each is noted before it is sent, and after that."""
    (entry,) = entries  # batch=1
    database = registry.database
    mail = begin(registry, int(entry.key))
    if mail is None:
        return Outcome(acknowledged=[entry.id])
    try:
        answer = send(registry, mail)
    except MailError as error:
        count(registry, "mails", result="failed")
        return note_failure(database, entry, mail, error)
    count(registry, "mails", result="sent")
    with database.write() as session:
        queries.finish(session, [mail.id], SENT, answer)
    return Outcome(acknowledged=[entry.id])


def begin(registry: Registry, mail_id: int) -> MailRow | None:
    """The mail, of which is noted that it is being sent; None when it is not to be sent any more."""
    with registry.database.write() as session:
        row = queries.lock_mail(session, mail_id)
        if row is None or row.state in (SENT, DROPPED):
            return None
        mail = MailRow(**row._mapping)
        reason = find_reason_against(registry, session, mail)
        if reason is not None:
            queries.finish(session, [mail_id], DROPPED, reason)
            return None
        # Who began before, and did not say what came of it, may have sent it.
        is_perhaps_twice = mail.is_perhaps_twice or mail.begun is not None
        queries.begin(session, mail_id, is_perhaps_twice=is_perhaps_twice)
        return mail


def find_reason_against(registry: Registry, session: orm.Session, mail: MailRow) -> str | None:
    """Why the mail is not to be sent any more, after what has happened since it was written."""
    kind: MailKind | None = registry.mail_kinds.get(mail.kind)
    if kind is None:
        return NO_KIND.format(kind=mail.kind)
    if kind.lasts is not None and mail.created + kind.lasts / timedelta(milliseconds=1) < get_now():
        return TOO_LATE.format(reason=mail.answer or "the worker did not run.")
    if mail.user_id is None:
        return None
    if kind.is_switchable and queries.is_refused(session, mail.user_id, mail.kind):
        return SWITCHED_OFF
    return find_reason_against_address(registry, session, mail) if mail.is_own_address else None


def find_reason_against_address(registry: Registry, session: orm.Session, mail: MailRow) -> str | None:
    person = get_recipients(registry).find_recipient(session, mail.user_id or 0)
    if person is None or person.email != mail.address:
        return OTHER_ADDRESS
    if registry.mail_kinds[mail.kind].only_confirmed and not person.is_confirmed:
        return NOT_CONFIRMED
    return None


def send(registry: Registry, mail: MailRow) -> str:
    """:raises MailError: when it was not sent."""
    settings = registry.microblog
    try:
        message = make_message(
            settings,
            mail.address,
            mail.subject,
            mail.text or "",
            html=mail.html,
            message_id=mail.message_id,
            date=mail.date,
        )
    except ValueError:
        raise MailError(UNUSABLE, temporary=False, is_about_mail=True) from None
    if registry.mail_kinds[mail.kind].is_switchable and mail.user_id is not None:
        add_unsubscribe_link(message, make_unsubscribe_url(settings, mail.user_id, mail.kind))
    return get_transport(registry).send(message)


def note_failure(database: Database, entry: Leased, mail: MailRow, error: MailError) -> Outcome:
    """Refused for good, or for too long: a dead letter. Else it is tried again; when the server does not take
    other mails either, one of them at a time."""
    sentence = str(error)
    is_old = get_now() - mail.created > GIVE_UP_AFTER / timedelta(milliseconds=1)
    is_refused = error.is_about_mail and (not error.temporary or is_old)
    with database.write() as session:
        if is_refused:
            queries.finish(session, [mail.id], REFUSED, sentence)
        else:
            queries.note_failure(session, mail.id, sentence)
    if is_refused:
        return Outcome(refused={entry.id: sentence})
    return Outcome(error=sentence, pauses=not error.is_about_mail)


def get_lease_seconds(timeout: float, timeouts: float) -> Any:
    """Longer than a server may take for one mail."""
    return timeout * timeouts + 60
