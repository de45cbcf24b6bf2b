"""Actions on accounts, in the transaction of the caller.

They take hashes of passwords, which are computed before the transaction opens.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import orm

from microblog.accounts import queries
from microblog.accounts.events import AccountCreated, Renamed
from microblog.events import notify


def create_account(
    session: orm.Session,
    nickname: str,
    *,
    email: str | None = None,
    password_hash: str | None = None,
    is_admin: bool = False,
    member_since: datetime | None = None,
    imported: bool = False,
) -> int:
    """Add a person, whose names have passed `rules`; returns their id.

    :raises NicknameTaken, EmailTaken: also when another transaction took them first.
    """
    user_id = queries.add_user(
        session,
        nickname,
        email=email,
        password_hash=password_hash,
        is_admin=is_admin,
        member_since=member_since,
    )
    notify(AccountCreated(session=session, imported=imported, user_id=user_id, nickname=nickname))
    return user_id


def change_profile(
    session: orm.Session, user_id: int, *, nickname: str, about_me: str, imported: bool = False
) -> None:
    """
    :raises NicknameTaken, TooManyNicknames: when it is or was somebody else's, or one too many.
    :raises StaleData: when the person was deleted.
    """
    former = queries.change_profile(session, user_id, nickname=nickname, about_me=about_me)
    if former != nickname:
        notify(Renamed(session=session, imported=imported, user_id=user_id, former=former, nickname=nickname))


def set_password(session: orm.Session, user_id: int, password_hash: str) -> None:
    """Set a new password: the person has to log in again everywhere.

    :raises StaleData: when the person was deleted.
    """
    queries.set_password(session, user_id, password_hash)


def set_admin(session: orm.Session, user_id: int, *, is_admin: bool) -> None:
    """Grant or revoke the right `admin`.

    :raises StaleData: when the person was deleted.
    """
    queries.set_admin(session, user_id, is_admin=is_admin)
