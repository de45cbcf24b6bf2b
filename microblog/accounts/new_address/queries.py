"""The SQL statements about a change of an address, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.by_mail.queries import Owner, make_token
from microblog.accounts.models import AddressChange, FormerAddress, User
from microblog.accounts.queries import EmailTaken
from microblog.addresses import list_email_keys, make_email_key
from microblog.db import build_insert, require_changed
from microblog.security.identity import hash_token


@dataclass(frozen=True, slots=True)
class Wanted:
    """The address that somebody has asked for, and until when its link can be opened."""

    email: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Former:
    """An address that somebody had, until `changed`."""

    user_id: int
    email: str
    changed: datetime


def put_change(session: orm.Session, user_id: int, email: str, lasts: timedelta) -> str:
    """Remember what the person wants, instead of what they wanted before; returns the token of the link."""
    token = make_token()
    values = {"token_hash": hash_token(token), "email": email, "expires": datetime.now(UTC) + lasts}
    insert = build_insert(session, AddressChange).values(user_id=user_id, **values)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=[AddressChange.user_id], set_={name: insert.excluded[name] for name in values}
        )
    )
    return token


def find_wanted(session: orm.Session, user_id: int) -> Wanted | None:
    query = sa.select(AddressChange.email, AddressChange.expires).where(
        AddressChange.user_id == user_id, AddressChange.expires > datetime.now(UTC)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else Wanted(*row)


def delete_change(session: orm.Session, user_id: int) -> None:
    session.execute(sa.delete(AddressChange).where(AddressChange.user_id == user_id))


def is_valid(model: type[AddressChange | FormerAddress], token: str) -> sa.ColumnElement[bool]:
    token_hash: sa.BindParameter[str] = sa.bindparam("token_hash", hash_token(token))
    return sa.and_(model.token_hash == token_hash, model.expires > datetime.now(UTC))


def find_link(session: orm.Session, model: type[AddressChange | FormerAddress], token: str) -> Owner | None:
    """Whose link it is, with the address to which it was mailed; nobody's when they are gone."""
    query = (
        sa.select(User.id, User.nickname, model.email)
        .join(model, model.user_id == User.id)
        .where(is_valid(model, token), sa.not_(User.is_gone))
    )
    row = session.execute(query).one_or_none()
    return None if row is None else Owner(*row)


def use_change(session: orm.Session, token: str) -> tuple[int, str] | None:
    """Delete the link; returns whose it was, and the address. Of two transactions only one gets it."""
    deleted = sa.delete(AddressChange).where(is_valid(AddressChange, token))
    row = session.execute(deleted.returning(AddressChange.user_id, AddressChange.email)).one_or_none()
    return None if row is None else (row.user_id, row.email)


def use_former(session: orm.Session, token: str) -> Former | None:
    deleted = sa.delete(FormerAddress).where(is_valid(FormerAddress, token))
    columns = (FormerAddress.user_id, FormerAddress.email, FormerAddress.changed)
    row = session.execute(deleted.returning(*columns)).one_or_none()
    return None if row is None else Former(*row)


def add_former(session: orm.Session, user_id: int, email: str, lasts: timedelta) -> str:
    """Remember an address that somebody had until now; returns the token of the link that gives it back."""
    token, now = make_token(), datetime.now(UTC)
    session.execute(
        sa.insert(FormerAddress).values(
            token_hash=hash_token(token), user_id=user_id, email=email, changed=now, expires=now + lasts
        )
    )
    return token


def delete_former_since(session: orm.Session, user_id: int, moment: datetime) -> None:
    """The ways back to addresses that the person has had after that moment are closed."""
    later = sa.and_(FormerAddress.user_id == user_id, FormerAddress.changed >= moment)
    session.execute(sa.delete(FormerAddress).where(later))


def lock_address(session: orm.Session, user_id: int) -> str | None:
    """The present address, which no other transaction changes until ours ends."""
    query = sa.select(User.email).where(User.id == user_id).with_for_update(key_share=True)
    email: str | None = session.scalar(query)
    return email


def set_address(session: orm.Session, user_id: int, email: str) -> None:
    """
    :raises EmailTaken: when it is somebody else's, also when another transaction took it first.
    :raises StaleData: when the person was deleted.
    """
    others = sa.select(User.id).where(User.email_key.in_(list_email_keys(email)), User.id != user_id)
    if session.scalar(others.limit(1)) is not None:
        raise EmailTaken(email)
    values = {"email": email, "email_key": make_email_key(email)}
    own = sa.update(User).where(User.id == user_id, sa.not_(User.is_gone))
    try:
        with session.begin_nested():
            changed = session.execute(own.values(**values))
    except sa.exc.IntegrityError:
        raise EmailTaken(email) from None
    require_changed(changed)


def forget_password(session: orm.Session, user_id: int) -> None:
    """Nobody can log in until there is a new one."""
    session.execute(sa.update(User).where(User.id == user_id).values(password_hash=None))
