"""Another address for an account, in the transaction of the caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import orm

from microblog.accounts import queries as account_queries
from microblog.accounts.by_mail.actions import RESET_FOR, LinkInvalid, make_cause
from microblog.accounts.by_mail.queries import RESET, add_token, find_owner, is_confirmed, mark_confirmed
from microblog.accounts.new_address import queries
from microblog.mail.actions import write_mail

# What the mails say.
CHANGE_FOR = timedelta(days=2)
BACK_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Restored:
    """Somebody has their former address back, and chooses a new password by this token."""

    user_id: int
    token: str


def ask_for_change(
    session: orm.Session, user_id: int, nickname: str, email: str, *, language: str | None = None
) -> None:
    """Mail a link to the new address, and change nothing before it is opened. Whoever has an account with it
    is told by mail instead; the person cannot see the difference."""
    token = queries.put_change(session, user_id, email, CHANGE_FOR)
    owner = find_owner(session, email)
    if owner is None or owner.user_id == user_id:
        write_mail(
            session,
            kind="new_address",
            user_id=user_id,
            email=email,
            values={"token": token, "nickname": nickname},
            cause=make_cause(token),
            language=language,
        )
    else:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        values = {"nickname": owner.nickname}
        write_mail(session, kind="address_taken", user_id=owner.user_id, values=values, cause=today)


def change_address(session: orm.Session, token: str) -> int:
    """The address is the person's now, and confirmed; returns their id. The address that they had is told,
    and gets a way back, if it was confirmed: else nobody knows whose it is.

    :raises LinkInvalid: when the link was used, has expired, or they have asked for another one since.
    :raises EmailTaken: when it is somebody else's by now.
    """
    found = queries.use_change(session, token)
    if found is None:
        raise LinkInvalid
    user_id, email = found
    tell_former_address(session, user_id, email)
    queries.set_address(session, user_id, email)
    mark_confirmed(session, user_id)
    return user_id


def give_address(session: orm.Session, user_id: int, email: str) -> None:
    """An operator gives the person another address, which counts as confirmed.

    :raises EmailTaken: when it is somebody else's.
    :raises StaleData: when the person was deleted.
    """
    queries.delete_change(session, user_id)
    tell_former_address(session, user_id, email)
    queries.set_address(session, user_id, email)
    mark_confirmed(session, user_id)


def tell_former_address(session: orm.Session, user_id: int, email: str) -> None:
    former = queries.lock_address(session, user_id)
    if not former or former == email or not is_confirmed(session, user_id):
        return
    token = queries.add_former(session, user_id, former, BACK_FOR)
    write_mail(
        session,
        kind="address_changed",
        user_id=user_id,
        email=former,
        values={"token": token},
        cause=make_cause(token),
    )


def restore_address(session: orm.Session, token: str) -> Restored:
    """The person has their former address again. All their sessions end, and nobody can log in before they
    have chosen a new password: somebody else may know the present one.

    :raises LinkInvalid: when the link was used, or has expired.
    :raises EmailTaken: when the address is somebody else's by now.
    """
    former = queries.use_former(session, token)
    if former is None:
        raise LinkInvalid
    queries.set_address(session, former.user_id, former.email)
    queries.forget_password(session, former.user_id)
    # After the update, which waits for log-ins under way, so that their sessions end, too.
    account_queries.end_all_sessions(session, former.user_id)
    account_queries.delete_links(session, former.user_id)
    queries.delete_former_since(session, former.user_id, former.changed)
    mark_confirmed(session, former.user_id)
    fresh = add_token(session, RESET, former.user_id, RESET_FOR)
    return Restored(former.user_id, str(fresh))
