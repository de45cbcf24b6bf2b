"""Waiting for an admin, and being approved or refused; in the transaction of the caller."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import orm

from microblog.accounts.by_mail.actions import Created, admit, write_confirmation
from microblog.accounts.by_mail.queries import SignUp
from microblog.accounts.nicknames import list_candidates
from microblog.accounts.queries import EmailTaken, NicknameTaken, find_owner_id, is_email_taken
from microblog.accounts.registrations import queries
from microblog.accounts.registrations.queries import AlreadyWaiting
from microblog.db import StaleData
from microblog.mail.actions import write_mail


def wait_for_approval(
    session: orm.Session, wanted: SignUp, *, language: str, is_confirmed: bool = False
) -> str:
    """Somebody waits for an admin, and the admins are told, once a day; returns the nickname, which is
    another one when the wanted one is somebody's by now.

    :raises EmailTaken: when there is an account with this address.
    :raises AlreadyWaiting: when somebody waits with this address.
    """
    if is_email_taken(session, wanted.email):
        raise EmailTaken(wanted.email)
    for nickname in list_candidates(wanted.nickname, session.info["registry"].reserved_nicknames):
        if find_owner_id(session, nickname) is not None:
            continue
        asking = SignUp(nickname, wanted.email, wanted.password_hash)
        try:
            queries.add_registration(session, asking, language=language, is_confirmed=is_confirmed)
        except NicknameTaken:
            continue
        tell_admins(session)
        return nickname
    raise NicknameTaken(wanted.nickname)


def tell_admins(session: orm.Session) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for user_id in queries.list_admin_ids(session):
        write_mail(session, kind="registration", user_id=user_id, values={}, cause=today)


def approve(session: orm.Session, registration_id: int) -> Created:
    """They become a person, and are told by mail.

    :raises StaleData: when they do not wait any more.
    :raises EmailTaken: when there is an account with their address by now.
    """
    taken = queries.take_registration(session, registration_id)
    if taken is None:
        raise StaleData("They do not wait any more.")
    row, password_hash = taken
    wanted = SignUp(row.nickname, row.email, password_hash)
    created = admit(session, wanted, is_confirmed=row.is_confirmed)
    if not row.is_confirmed:
        write_confirmation(session, created.user_id, language=row.language)
    values = {"nickname": created.nickname}
    write_mail(
        session,
        kind="approved",
        user_id=created.user_id,
        values=values,
        cause=f"registration {registration_id}",
        language=row.language,
    )
    return created


def refuse(session: orm.Session, registration_id: int) -> str:
    """Nobody waits any more, and they are told by mail; returns the nickname that they wanted.

    :raises StaleData: when they do not wait any more.
    """
    taken = queries.take_registration(session, registration_id)
    if taken is None:
        raise StaleData("They do not wait any more.")
    row, _password_hash = taken
    write_mail(
        session,
        kind="refused",
        user_id=None,
        email=row.email,
        values={"nickname": row.nickname},
        cause=f"registration {registration_id}",
        language=row.language,
    )
    return row.nickname


__all__ = ["AlreadyWaiting", "EmailTaken"]
