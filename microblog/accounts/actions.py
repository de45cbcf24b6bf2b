"""Actions on accounts, in the transaction of the caller.

They take hashes of passwords, which are computed before the transaction opens.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import orm

from microblog.accounts import queries
from microblog.accounts.events import AccountCreated, ProfileChanged, Renamed
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
    session: orm.Session,
    user_id: int,
    *,
    nickname: str,
    display_name: str,
    about_me: str,
    imported: bool = False,
) -> None:
    """
    :raises NicknameTaken, TooManyNicknames: when it is or was somebody else's, or one too many.
    :raises StaleData: when the person was deleted.
    """
    profile = queries.Profile(nickname, display_name, about_me)
    former = queries.change_profile(session, user_id, profile)
    if former != profile:
        notify(ProfileChanged(session=session, imported=imported, user_id=user_id))
    if former.nickname != nickname:
        renamed = {"former": former.nickname, "nickname": nickname}
        notify(Renamed(session=session, imported=imported, user_id=user_id, **renamed))


def set_display_name(session: orm.Session, user_id: int, name: str, *, imported: bool = False) -> None:
    """Set the display name, which has passed `rules`, or remove it when it is empty.

    :raises StaleData: when the person was deleted.
    """
    queries.set_display_name(session, user_id, name)
    notify(ProfileChanged(session=session, imported=imported, user_id=user_id))


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
