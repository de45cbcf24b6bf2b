"""Signing up, confirming an address, and a new password, by a link in a mail.

In the transaction of the caller, which has computed the hash of the password before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import orm

from microblog.accounts import actions
from microblog.accounts.by_mail import queries
from microblog.accounts.by_mail.queries import CONFIRM, RESET, SignUp
from microblog.accounts.queries import EmailTaken, NicknameTaken, make_unique_nickname
from microblog.mail.actions import write_mail
from microblog.security.identity import hash_token

# What the mails say.
CONFIRM_FOR = timedelta(days=7)
SIGN_UP_FOR = timedelta(days=2)
RESET_FOR = timedelta(hours=1)
CAUSE_CHARACTERS = 20  # of the hash of a token, which are enough to tell links apart


class LinkInvalid(Exception):
    """The link was used, has expired, or was none of ours."""


@dataclass(frozen=True, slots=True)
class Created:
    """A person who signed up by mail; they wanted to be called `wanted`."""

    user_id: int
    nickname: str
    wanted: str


def make_cause(token: str) -> str:
    """What the mail with this token is about; the token cannot be found from it."""
    return hash_token(token)[:CAUSE_CHARACTERS]


def write_confirmation(session: orm.Session, user_id: int, *, language: str | None = None) -> None:
    """Mail the person a link that confirms their address; until then they get no other mail."""
    queries.mark_unconfirmed(session, user_id)
    token = queries.add_token(session, CONFIRM, user_id, CONFIRM_FOR)
    if token is not None:
        values = {"token": token}
        cause = make_cause(token)
        write_mail(session, kind="confirm", user_id=user_id, values=values, cause=cause, language=language)


def confirm_address(session: orm.Session, token: str) -> int:
    """The address is the person's; returns their id. The link can be opened again.

    :raises LinkInvalid: when it has expired, or was sent to another address than they have now.
    """
    owner = queries.find_link(session, CONFIRM, token)
    if owner is None:
        raise LinkInvalid
    queries.mark_confirmed(session, owner.user_id)
    return owner.user_id


def sign_up(session: orm.Session, wanted: SignUp, *, language: str) -> None:
    """Mail a link by which they become a person. Who has an account with this address is told so by mail,
    once a day, and nothing else happens."""
    owner = queries.find_owner(session, wanted.email)
    if owner is None:
        token = queries.add_sign_up(session, wanted, SIGN_UP_FOR)
        values = {"token": token, "nickname": wanted.nickname}
        write_mail(
            session,
            kind="sign_up",
            user_id=None,
            email=wanted.email,
            values=values,
            cause=make_cause(token),
            language=language,
        )
    else:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        values = {"nickname": owner.nickname}
        write_mail(session, kind="taken", user_id=owner.user_id, values=values, cause=today)


def finish_sign_up(session: orm.Session, token: str) -> Created:
    """They become a person, whose address is confirmed. When somebody has taken their nickname meanwhile,
    they get one like it.

    :raises LinkInvalid: when it was used, or has expired.
    :raises EmailTaken: when there is an account with their address by now.
    """
    wanted = queries.use_sign_up(session, token)
    if wanted is None:
        raise LinkInvalid
    return admit(session, wanted, is_confirmed=True)


def admit(session: orm.Session, wanted: SignUp, *, is_confirmed: bool) -> Created:
    """
    :raises EmailTaken: when there is an account with this address by now.
    """
    nickname = wanted.nickname
    while True:
        try:
            user_id = actions.create_account(
                session, nickname, email=wanted.email, password_hash=wanted.password_hash
            )
        except NicknameTaken:
            nickname = make_unique_nickname(session, wanted.nickname)
        else:
            break
    queries.mark_unconfirmed(session, user_id)
    if is_confirmed:
        queries.mark_confirmed(session, user_id)
    return Created(user_id, nickname, wanted.nickname)


def write_reset(session: orm.Session, email: str, *, language: str | None = None) -> bool:
    """Mail a link for a new password to whose address it is; False when it is nobody's."""
    owner = queries.find_owner(session, email)
    token = None if owner is None else queries.add_token(session, RESET, owner.user_id, RESET_FOR)
    if owner is None or token is None:
        return False
    values = {"token": token, "nickname": owner.nickname}
    cause = make_cause(token)
    write_mail(session, kind="reset", user_id=owner.user_id, values=values, cause=cause, language=language)
    return True


def reset_password(session: orm.Session, token: str, password_hash: str) -> int:
    """Set a new password by a link, once; returns whose. All their sessions end, their other links for a new
    password are worth nothing, and their address is confirmed.

    :raises LinkInvalid: when it was used, has expired, or was sent to another address than they have now.
    """
    user_id = queries.use_link(session, RESET, token)
    if user_id is None:
        raise LinkInvalid
    actions.set_password(session, user_id, password_hash)
    queries.mark_confirmed(session, user_id)
    return user_id


__all__ = ["EmailTaken", "SignUp"]
