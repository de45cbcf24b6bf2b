"""Actions on accounts, in the transaction of the caller.

They take hashes of passwords, which are computed before the transaction opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import orm

from microblog.accounts import departure_queries, queries
from microblog.accounts.events import (
    AccountCreated,
    AccountDeleted,
    AccountKept,
    AccountLeaving,
    ProfileChanged,
    Renamed,
    RoleChanged,
)
from microblog.events import notify
from microblog.media import actions as media

ADMIN, MODERATOR = ROLES = ("admin", "moderator")


class ChosenPictures(NamedTuple):
    """The names of pictures that a person has chosen, and wants no longer, by purpose
    (`microblog.media.plans`)."""

    new: Mapping[str, str]
    removed: Mapping[str, str]


NO_PICTURES = ChosenPictures({}, {})


class LastAdmin(Exception):
    """Without this person nobody would be an admin."""


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
    pictures: ChosenPictures = NO_PICTURES,
    imported: bool = False,
) -> None:
    """Change what a person says of themselves, and their pictures.

    A picture is removed unless another one has taken its place meanwhile.

    :raises NicknameTaken, TooManyNicknames: when it is or was somebody else's, or one too many.
    :raises PictureGone: when a new picture does not wait any longer.
    :raises StaleData: when the person was deleted.
    """
    profile = queries.Profile(nickname, display_name, about_me)
    former, portraits = queries.change_profile(session, user_id, profile)
    present = portraits._asdict()
    changes: dict[str, str | None] = {
        purpose: name for purpose, name in pictures.new.items() if present[purpose] != name
    }
    changes |= {purpose: None for purpose, name in pictures.removed.items() if present[purpose] == name}
    for purpose, name in changes.items():
        media.set_portrait(session, user_id, purpose, name)
    if former != profile or changes:
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


def remove_portrait(session: orm.Session, user_id: int, purpose: str) -> bool:
    """Remove the avatar or header of a person; False when they have none.

    :raises StaleData: when the person was deleted.
    """
    if queries.lock_portraits(session, user_id)._asdict()[purpose] is None:
        return False
    media.set_portrait(session, user_id, purpose, None)
    notify(ProfileChanged(session=session, imported=False, user_id=user_id))
    return True


def set_password(session: orm.Session, user_id: int, password_hash: str) -> None:
    """Set a new password: the person has to log in again everywhere.

    :raises StaleData: when the person was deleted.
    """
    queries.set_password(session, user_id, password_hash)


def set_admin(session: orm.Session, user_id: int, *, is_admin: bool) -> None:
    """Grant or revoke the role `admin`.

    :raises StaleData: when the person was deleted.
    """
    queries.set_admin(session, user_id, is_admin=is_admin)
    notify(RoleChanged(session=session, user_id=user_id, role=ADMIN, is_granted=is_admin))


def set_moderator(session: orm.Session, user_id: int, *, is_moderator: bool) -> None:
    """Grant or revoke the role `moderator`.

    :raises StaleData: when the person was deleted.
    """
    queries.set_moderator(session, user_id, is_moderator=is_moderator)
    notify(RoleChanged(session=session, user_id=user_id, role=MODERATOR, is_granted=is_moderator))


def leave(session: orm.Session, user_id: int, *, days: int, verified: str | None = None) -> datetime:
    """Log somebody out everywhere, and delete their account in so many days unless they log in until then.

    Returns when that is. `verified` is the hash of the password that was verified, if any.

    :raises LastAdmin: when nobody else is an admin who stays.
    :raises StaleData: when the hash has changed, or the person was deleted.
    """
    if departure_queries.is_admin(session, user_id):
        departure_queries.lock_admins(session)
        if departure_queries.is_last_admin(session, user_id):
            raise LastAdmin
    asked = datetime.now(UTC)
    due = asked + timedelta(days=days)
    departure_queries.add_departure(session, user_id, asked, due, verified=verified)
    notify(AccountLeaving(session=session, user_id=user_id, due=due))
    return due


def stay(session: orm.Session, user_id: int) -> bool:
    """Keep an account that was to be deleted; False when it was not, or when it is too late."""
    stays = departure_queries.cancel_departure(session, user_id)
    if stays:
        notify(AccountKept(session=session, user_id=user_id))
    return stays


def go(session: orm.Session, user_id: int) -> bool:
    """Delete the account of somebody who leaves and whose time has come; False otherwise.

    Nobody sees or reaches them from now on; the worker removes what is left (`departures.py`).
    """
    goes = departure_queries.make_unreachable(session, user_id, datetime.now(UTC))
    if goes:
        notify(AccountDeleted(session=session, user_id=user_id))
    return goes
