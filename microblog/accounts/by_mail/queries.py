"""The SQL statements about links that were mailed, and what they open."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import (
    CONFIRM,
    RESET,
    AccountToken,
    AddressChange,
    AddressConfirmation,
    FormerAddress,
    PendingSignUp,
    User,
)
from microblog.addresses import list_email_keys
from microblog.db import build_insert, select_once
from microblog.security.identity import hash_token

BYTES_OF_A_TOKEN = 32


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose link it is."""

    user_id: int
    nickname: str
    email: str


@dataclass(frozen=True, slots=True)
class SignUp:
    """What somebody has typed who waits for the mail."""

    nickname: str
    email: str
    password_hash: str


def make_token() -> str:
    return secrets.token_urlsafe(BYTES_OF_A_TOKEN)


def find_owner(session: orm.Session, email: str) -> Owner | None:
    """Whose address it is; the mail goes to the account's own spelling of it."""
    keys = list_email_keys(email)
    query = sa.select(User.id, User.nickname, User.email, User.email_key).where(User.email_key.in_(keys))
    row = min(session.execute(query), key=lambda row: keys.index(row.email_key), default=None)
    return None if row is None else Owner(row.id, row.nickname, row.email)


# Links


def add_token(session: orm.Session, purpose: str, user_id: int, lasts: timedelta) -> str | None:
    """A new token that stands for the person's present address; None when they have none."""
    token = make_token()
    values = {
        AccountToken.token_hash: sa.bindparam("token_hash", hash_token(token)),
        AccountToken.purpose: sa.literal(purpose),
        AccountToken.user_id: User.id,
        AccountToken.email_key: User.email_key,
        AccountToken.expires: sa.literal(datetime.now(UTC) + lasts, AccountToken.expires.type),
    }
    source = sa.select(*values.values()).where(User.id == user_id, User.email_key.is_not(None))
    insert = sa.insert(AccountToken).from_select([*values], source).execution_options(preserve_rowcount=True)
    added: Any = session.execute(insert)
    return token if added.rowcount else None


def is_valid(purpose: str, token: str) -> Any:
    """The condition of a link that is not used, has not expired, and was sent to the present address."""
    person = orm.aliased(User)
    return sa.and_(
        AccountToken.token_hash == sa.bindparam("token_hash", hash_token(token)),
        AccountToken.purpose == purpose,
        AccountToken.expires > datetime.now(UTC),
        sa.exists().where(person.id == AccountToken.user_id, person.email_key == AccountToken.email_key),
    )


def find_link(session: orm.Session, purpose: str, token: str) -> Owner | None:
    query = (
        sa.select(User.id, User.nickname, User.email)
        .join(AccountToken, AccountToken.user_id == User.id)
        .where(is_valid(purpose, token))
    )
    row = session.execute(query).one_or_none()
    return None if row is None else Owner(row.id, row.nickname, row.email or "")


def use_link(session: orm.Session, purpose: str, token: str) -> int | None:
    """Delete the link, and return whose it was; of two transactions at once only one gets it."""
    deleted = sa.delete(AccountToken).where(is_valid(purpose, token)).returning(AccountToken.user_id)
    found: int | None = session.scalar(deleted)
    return found


# Confirmations


def mark_unconfirmed(session: orm.Session, user_id: int) -> None:
    insert = build_insert(session, AddressConfirmation).values(user_id=user_id, confirmed=None)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=[AddressConfirmation.user_id], set_={"confirmed": insert.excluded.confirmed}
        )
    )


def mark_confirmed(session: orm.Session, user_id: int) -> None:
    session.execute(
        sa.update(AddressConfirmation)
        .where(AddressConfirmation.user_id == user_id, AddressConfirmation.confirmed.is_(None))
        .values(confirmed=datetime.now(UTC))
    )


def is_confirmed(session: orm.Session, user_id: int) -> bool:
    query = sa.select(AddressConfirmation.user_id).where(
        AddressConfirmation.user_id == user_id, AddressConfirmation.confirmed.is_(None)
    )
    return session.scalar(query) is None


# People who have signed up, and wait for their mail


def add_sign_up(session: orm.Session, sign_up: SignUp, lasts: timedelta) -> str:
    token = make_token()
    session.execute(
        sa.insert(PendingSignUp).values(
            token_hash=hash_token(token),
            nickname=sign_up.nickname,
            email=sign_up.email,
            password_hash=sign_up.password_hash,
            expires=datetime.now(UTC) + lasts,
        )
    )
    return token


SIGN_UP_COLUMNS = (PendingSignUp.nickname, PendingSignUp.email, PendingSignUp.password_hash)


def is_pending(token: str) -> Any:
    token_hash: Any = sa.bindparam("token_hash", hash_token(token))
    return sa.and_(PendingSignUp.token_hash == token_hash, PendingSignUp.expires > datetime.now(UTC))


def find_sign_up(session: orm.Session, token: str) -> SignUp | None:
    row = session.execute(sa.select(*SIGN_UP_COLUMNS).where(is_pending(token))).one_or_none()
    return None if row is None else SignUp(*row)


def use_sign_up(session: orm.Session, token: str) -> SignUp | None:
    """Delete the sign-up, and return it; of two transactions at once only one gets it."""
    deleted = sa.delete(PendingSignUp).where(is_pending(token)).returning(*SIGN_UP_COLUMNS)
    row = session.execute(deleted).one_or_none()
    return None if row is None else SignUp(*row)


def delete_expired(session: orm.Session, limit: int) -> bool:
    """Delete links that have expired, at most `limit` of each table; were those all?"""
    counts = []
    for model in (AccountToken, PendingSignUp, AddressChange, FormerAddress):
        old = (
            sa.select(model.token_hash)
            .where(model.expires <= datetime.now(UTC))
            .order_by(model.expires)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        delete = sa.delete(model).where(model.token_hash.in_(select_once(old))).returning(model.token_hash)
        counts.append(len(session.scalars(delete).all()))
    return max(counts) < limit


__all__ = ["CONFIRM", "RESET"]
