"""Writes mails to people, in the transaction of their cause; `outbox.py` delivers them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import orm

from microblog.mail import queries
from microblog.mail.interfaces import get_recipients
from microblog.mail.models import CAUSE_CHARACTERS
from microblog.outbox import inspection
from microblog.outbox.queries import write

BY_AN_OPERATOR = "An operator has dropped it."


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to a person that is to be written; `write_mail` explains what it has."""

    kind: str
    user_id: int
    values: Mapping[str, Any]
    cause: str


def write_mail(
    session: orm.Session,
    *,
    kind: str,
    user_id: int | None,
    values: Mapping[str, Any],
    cause: str,
    email: str | None = None,
    language: str | None = None,
) -> int | None:
    """Write a mail to a person, to be sent when the transaction is committed; returns its id.

    `values` are for the templates of the kind. `cause` is what happened, and the same for the same event
    (`follow 12`): there is one mail of a kind to a person for each. The mail goes to the person's address in
    their language, unless `email` or `language` says otherwise; without `user_id` it goes to an address that
    is nobody's yet.

    None when there is nothing to write: the person is gone, has no address, has not confirmed it (and the
    kind wants that), has switched the kind off, or got this mail before.

    :raises KeyError: when no room has added this kind.
    """
    registry = session.info["registry"]
    chosen = registry.mail_kinds[kind]
    address, tag = email, language
    if user_id is not None:
        person = get_recipients(registry).find_recipient(session, user_id)
        if person is None:
            return None
        if chosen.only_confirmed and email is None and not person.is_confirmed:
            return None
        if chosen.is_switchable and queries.is_refused(session, user_id, kind):
            return None
        address, tag = email or person.email, language or person.language
    if not address:
        return None
    built = registry.mail_builder.build(chosen, tag or "", values, user_id=user_id)
    return queries.add_mail(
        session,
        kind=kind,
        cause=make_cause(user_id, cause),
        user_id=user_id,
        address=address,
        is_own_address=email is None,
        message_id=built.message_id,
        subject=built.subject,
        text=built.text,
        html=built.html,
    )


def write_mails(session: orm.Session, letters: Sequence[Letter]) -> list[int]:
    """Write mails to several people, by as many statements as one; returns their ids.

    As by `write_mail`: who does not want a mail, or got it before, gets none.
    """
    registry = session.info["registry"]
    refused = queries.list_refusals(session, {letter.user_id for letter in letters})
    wanted = [letter for letter in letters if is_wanted(registry, letter, refused)]
    people = get_recipients(registry).find_recipients(session, {letter.user_id for letter in wanted})
    rows: list[dict[str, Any]] = []
    for letter in wanted:
        kind, person = registry.mail_kinds[letter.kind], people.get(letter.user_id)
        if person is None or not person.email or (kind.only_confirmed and not person.is_confirmed):
            continue
        built = registry.mail_builder.build(kind, person.language, letter.values, user_id=letter.user_id)
        rows.append(
            {
                "kind": letter.kind,
                "cause": make_cause(letter.user_id, letter.cause),
                "user_id": letter.user_id,
                "address": person.email,
                "is_own_address": True,
                "message_id": built.message_id,
                "subject": built.subject,
                "text": built.text,
                "html": built.html,
            }
        )
    return queries.add_mails(session, rows)


def is_wanted(registry: Any, letter: Letter, refused: Collection[tuple[int, str]]) -> bool:
    return not registry.mail_kinds[letter.kind].is_switchable or (letter.user_id, letter.kind) not in refused


def make_cause(user_id: int | None, cause: str) -> str:
    return f"{user_id or 0}/{cause}"[:CAUSE_CHARACTERS]


def retry(session: orm.Session, ids: Collection[int]) -> int:
    """Send these mails in the worker's next round, refused ones too; returns how many."""
    found = queries.list_ids(session, ids, (queries.WAITING, queries.REFUSED))
    queries.update_mails(session, found, state=queries.WAITING, finished=None)
    entries = queries.find_entries(session, found)
    missing = [mail_id for mail_id in found if mail_id not in entries]
    write(session, queries.KIND, missing, destination=queries.DESTINATION)
    return inspection.retry(session, ids=entries.values()) + len(missing)


def retry_all(session: orm.Session) -> int:
    """Send all mails that wait, or were refused, in the worker's next round; returns how many."""
    queries.wait_again(session)
    return inspection.retry(session, kind=queries.KIND)


def drop(session: orm.Session, ids: Collection[int]) -> int:
    """Never send these mails; returns how many."""
    found = queries.list_ids(session, ids, (queries.WAITING, queries.REFUSED))
    queries.finish(session, found, queries.DROPPED, BY_AN_OPERATOR)
    inspection.drop(session, ids=queries.find_entries(session, found).values())
    return len(found)


def note_dropped(session: orm.Session, keys: Collection[str]) -> None:
    """Entries of these mails were dropped by `microblog outbox drop`."""
    found = queries.list_ids(session, [int(key) for key in keys], (queries.WAITING, queries.REFUSED))
    queries.finish(session, found, queries.DROPPED, BY_AN_OPERATOR)
