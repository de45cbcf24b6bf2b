"""Actions on private messages, in the transaction of the caller."""

from __future__ import annotations

from sqlalchemy import orm

from microblog.db import StaleData
from microblog.events import notify
from microblog.messages import queries
from microblog.messages.events import MessageWritten
from microblog.messages.queries import OwnThread
from microblog.messages.rules import CannotWrite, find_refusal
from microblog.notifications.queries import mark_read_from, withdraw_from
from microblog.people.queries import lock_both

KIND = "message"  # of notifications


def write(
    session: orm.Session, author_id: int, recipient_id: int, body: str, *, imported: bool = False
) -> int:
    """Send a message, whose text has passed `rules.check_body`; returns its id.

    The lock orders it with what else happens between the two: a block, a change of who may write, the
    deletion of a thread, and another first message.

    :raises CannotWrite: when the recipient does not let the author.
    :raises StaleData: when one of them was deleted.
    """
    if author_id != recipient_id:
        lock_both(session, author_id, recipient_id)
    refusal = find_refusal(
        is_oneself=author_id == recipient_id, **queries.get_relation(session, author_id, recipient_id)
    )
    if refusal is not None:
        raise CannotWrite(refusal)
    thread_id, message_id = queries.add_message(session, author_id, recipient_id, body)
    # Who answers has read what they answer.
    mark_read_from(session, author_id, KIND, recipient_id)
    notify(
        MessageWritten(
            session=session,
            imported=imported,
            message_id=message_id,
            thread_id=thread_id,
            author_id=author_id,
            recipient_id=recipient_id,
        )
    )
    return message_id


def mark_read(session: orm.Session, own: OwnThread, message_id: int) -> None:
    """The owner of the thread has read it up to this message, and with its last one what told them of it.
    Nothing is waited for: this is done behind a page, beside what others do.
    """
    queries.mark_read(session, own.owner_id, own.id, message_id)
    if own.person_id is not None and message_id >= own.received_id:
        mark_read_from(session, own.owner_id, KIND, own.person_id)


def delete(session: orm.Session, owner_id: int, thread_id: int, message_id: int) -> bool:
    """Delete a message for this person alone; True if it was the last one, so that the thread went with it.

    :raises StaleData: when they have no such message.
    """
    queries.lock_owner(session, owner_id)
    if not queries.delete_message(session, owner_id, thread_id, message_id):
        raise StaleData("There is no such message.")
    return queries.forget_deleted(session, owner_id, thread_id, message_id)


def delete_thread(session: orm.Session, owner_id: int, thread_id: int) -> None:
    """Delete a thread, with its messages, for this person alone.

    :raises StaleData: when they have no such thread.
    """
    queries.lock_owner(session, owner_id)
    person_id = queries.get_person_id(session, owner_id, thread_id)
    if not queries.delete_thread(session, owner_id, thread_id):
        raise StaleData("There is no such thread.")
    if person_id is not None:
        withdraw_from(session, owner_id, KIND, person_id)


def choose_senders(session: orm.Session, user_id: int, senders: str) -> None:
    """Say who may write to this person: one of `rules.SENDERS`.

    :raises StaleData: when the person was deleted.
    """
    queries.lock_owner(session, user_id)
    queries.set_senders(session, user_id, senders)
