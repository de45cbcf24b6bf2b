"""The SQL statements about people who wait for an admin, and about invitations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.by_mail.queries import SignUp, make_token
from microblog.accounts.models import Invitation, Registration, User
from microblog.accounts.nicknames import make_nickname_key
from microblog.accounts.queries import NicknameTaken
from microblog.addresses import list_email_keys, make_email_key
from microblog.paging import KeyCursor, select_page
from microblog.security.identity import hash_token

MOST_INVITATIONS = 100  # on the page
LIST_ALL: KeyCursor[int] = KeyCursor()


class AlreadyWaiting(Exception):
    """Somebody waits with this e-mail address."""


@dataclass(frozen=True, slots=True)
class RegistrationRow:
    """Somebody who waits."""

    id: int
    nickname: str
    email: str
    is_confirmed: bool
    language: str
    asked: datetime


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """A link, of which `used` of the `uses` are used up."""

    id: int
    uses: int
    used: int
    created: datetime
    expires: datetime


COLUMNS = tuple(
    getattr(Registration, name) for name in ("id", "nickname", "email", "is_confirmed", "language", "asked")
)


def add_registration(session: orm.Session, wanted: SignUp, *, language: str, is_confirmed: bool) -> int:
    """
    :raises AlreadyWaiting: when somebody waits with this address.
    :raises NicknameTaken: when somebody waits with this nickname.
    """
    values = {
        "nickname": wanted.nickname,
        "nickname_key": make_nickname_key(wanted.nickname),
        "email": wanted.email,
        "email_key": make_email_key(wanted.email),
        "password_hash": wanted.password_hash,
        "is_confirmed": is_confirmed,
        "language": language,
        "asked": datetime.now(UTC),
    }
    try:
        with session.begin_nested():
            return int(
                session.scalars(sa.insert(Registration).values(**values).returning(Registration.id)).one()
            )
    except sa.exc.IntegrityError:
        if is_email_waiting(session, wanted.email):
            raise AlreadyWaiting(wanted.email) from None
        raise NicknameTaken(wanted.nickname) from None


def is_email_waiting(session: orm.Session, email: str) -> bool:
    query = sa.select(Registration.id).where(Registration.email_key == make_email_key(email))
    return session.scalar(query) is not None


def is_nickname_waiting(session: orm.Session, nickname: str) -> bool:
    query = sa.select(Registration.id).where(Registration.nickname_key == make_nickname_key(nickname))
    return session.scalar(query) is not None


def find_password_hash(session: orm.Session, login: str) -> str | None:
    """The hash of the password of whoever waits with this nickname or e-mail address."""
    query = sa.select(Registration.password_hash)
    if "@" in login:
        query = query.where(Registration.email_key.in_(list_email_keys(login))).limit(1)
    else:
        query = query.where(Registration.nickname_key == make_nickname_key(login))
    found: str | None = session.scalar(query)
    return found


def get_registration(session: orm.Session, registration_id: int) -> RegistrationRow | None:
    row = session.execute(sa.select(*COLUMNS).where(Registration.id == registration_id)).one_or_none()
    return None if row is None else RegistrationRow(*row)


def find_registration(session: orm.Session, nickname: str) -> RegistrationRow | None:
    key = make_nickname_key(nickname)
    row = session.execute(sa.select(*COLUMNS).where(Registration.nickname_key == key)).one_or_none()
    return None if row is None else RegistrationRow(*row)


def list_registrations(
    session: orm.Session, limit: int, cursor: KeyCursor[int] = LIST_ALL
) -> list[RegistrationRow]:
    """Those who asked last first."""
    rows = session.execute(select_page(sa.select(*COLUMNS), Registration.id, cursor, limit))
    return [RegistrationRow(*row) for row in rows]


def take_registration(session: orm.Session, registration_id: int) -> tuple[RegistrationRow, str] | None:
    """Delete it, and return it with the hash of its password; of two transactions only one gets it."""
    deleted = sa.delete(Registration).where(Registration.id == registration_id)
    row = session.execute(deleted.returning(*COLUMNS, Registration.password_hash)).one_or_none()
    return None if row is None else (RegistrationRow(*row[:-1]), row[-1])


def list_admin_ids(session: orm.Session) -> list[int]:
    return list(session.scalars(sa.select(User.id).where(User.is_admin).order_by(User.id)))


# Invitations


def add_invitation(session: orm.Session, uses: int, lasts: timedelta) -> str:
    """Returns the token of the link, of which only the hash is kept."""
    token, now = make_token(), datetime.now(UTC)
    values = {"token_hash": hash_token(token), "uses": uses, "created": now, "expires": now + lasts}
    session.execute(sa.insert(Invitation).values(**values))
    return token


def is_usable(token: str) -> sa.ColumnElement[bool]:
    token_hash: sa.BindParameter[str] = sa.bindparam("invitation_hash", hash_token(token))
    return sa.and_(
        Invitation.token_hash == token_hash,
        Invitation.used < Invitation.uses,
        Invitation.expires > datetime.now(UTC),
    )


def is_invited(session: orm.Session, token: str) -> bool:
    return session.scalar(sa.select(Invitation.id).where(is_usable(token))) is not None


def use_invitation(session: orm.Session, token: str) -> bool:
    """Count one more use; False when there was none left, also when another transaction took the last."""
    update = sa.update(Invitation).where(is_usable(token)).values(used=Invitation.used + 1)
    update = update.returning(Invitation.id)
    return session.scalar(update) is not None


def list_invitations(session: orm.Session) -> list[InvitationRow]:
    """The newest first."""
    columns = (Invitation.id, Invitation.uses, Invitation.used, Invitation.created, Invitation.expires)
    query = sa.select(*columns).order_by(Invitation.id.desc()).limit(MOST_INVITATIONS)
    return [InvitationRow(*row) for row in session.execute(query)]


def end_invitation(session: orm.Session, invitation_id: int) -> None:
    """Nobody signs up by it any more."""
    update = sa.update(Invitation).where(
        Invitation.id == invitation_id, Invitation.expires > datetime.now(UTC)
    )
    session.execute(update.values(expires=datetime.now(UTC)))
