"""Every SQL statement about accounts and sessions."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.browsers import NOWHERE, Origin
from microblog.accounts.models import (
    NICKNAME_LENGTH,
    RESET,
    AccountToken,
    AddressChange,
    Departure,
    GoneNickname,
    LoginSession,
    Nickname,
    User,
)
from microblog.accounts.nicknames import list_candidates, make_nickname_key
from microblog.addresses import list_email_keys, make_email_key
from microblog.db import StaleData, build_insert, require_changed, select_once
from microblog.security.identity import Identity

# The limit of a remembered session that is used all the time.
LONGEST_SESSION = timedelta(days=365)
LONG_NUMBER = 9  # digits
MOST_NICKNAMES = 10  # of one person, former ones included
GONE = 0  # the id of whoever had a nickname and has deleted their account

# Every request runs these. They are built once, from tables: building takes longer than running.
users, sessions = User.__table__, LoginSession.__table__
FIND_IDENTITY: Any = (
    sa.select(
        *(users.c.id, users.c.nickname, users.c.email, users.c.is_admin),
        *(sessions.c.token_hash, sessions.c.seen, users.c.preferences),
        *(users.c.muted_words, users.c.only_read_languages, users.c.avatar, users.c.is_moderator),
    )
    .join_from(sessions, users, users.c.id == sessions.c.user_id)
    .where(
        sessions.c.token_hash == sa.bindparam("token_hash"),
        sessions.c.idle_until > sa.bindparam("now"),
        sessions.c.expires > sa.bindparam("now"),
    )
)
HOLD_SESSION = (
    sa.select(users.c.id)
    .join_from(users, sessions, sessions.c.user_id == users.c.id)
    .where(users.c.id == sa.bindparam("person"), sessions.c.token_hash == sa.bindparam("token_hash"))
    # The weakest lock: only the deletion of the person waits for it.
    .with_for_update(read=True, key_share=True, of=users)
)


def find_identity(session: orm.Session, token_hash: str) -> Identity | None:
    """The identity of a session that has not ended; one statement."""
    values = {"token_hash": token_hash, "now": datetime.now(UTC)}
    row = session.execute(FIND_IDENTITY, values).one_or_none()
    return None if row is None else Identity(*row)


def hold_session(session: orm.Session, identity: Identity) -> None:
    """Check that the session has not ended, and keep its person from being deleted by another transaction.

    :raises StaleData: when the session has ended, or the person was deleted.
    """
    if session.scalar(HOLD_SESSION, {"person": identity.id, "token_hash": identity.session}) is None:
        raise StaleData("The session has ended.")


def start_session(
    session: orm.Session,
    user_id: int,
    token_hash: str,
    idle: timedelta,
    *,
    verified: str | None = None,
    origin: Origin = NOWHERE,
) -> None:
    """Start a session that ends after `idle` without a request.

    `verified` is the hash of the password that was verified, if any. A change of the password waits for this
    transaction, and then ends the new session with the others.

    :raises StaleData: when the hash has changed, or the person was deleted.
    """
    now = datetime.now(UTC)
    values = {
        LoginSession.token_hash: token_hash,
        LoginSession.created: now,
        LoginSession.seen: now,
        LoginSession.idle_seconds: int(idle.total_seconds()),
        LoginSession.idle_until: now + idle,
        LoginSession.expires: now + LONGEST_SESSION,
        LoginSession.browser: origin.browser,
        LoginSession.address: origin.address,
    }
    # By their names, the log knows which of them are secret.
    parameters = [sa.bindparam(column.key, value, column.type) for column, value in values.items()]
    person = sa.select(User.id, *parameters).where(User.id == user_id, sa.not_(User.is_gone))
    person = person.with_for_update(read=True)
    if verified is not None:
        person = person.where(User.password_hash == verified)
    insert = sa.insert(LoginSession).from_select([LoginSession.user_id, *values], person)
    require_changed(session.execute(insert.execution_options(preserve_rowcount=True)))


def end_session(session: orm.Session, token_hash: str) -> None:
    session.execute(sa.delete(LoginSession).where(LoginSession.token_hash == token_hash))


def end_all_sessions(session: orm.Session, user_id: int) -> None:
    session.execute(sa.delete(LoginSession).where(LoginSession.user_id == user_id))


def delete_expired_sessions(session: orm.Session) -> int:
    """The number of sessions that were deleted."""
    now = datetime.now(UTC)
    expired = sa.or_(LoginSession.idle_until <= now, LoginSession.expires <= now)
    # Skip those that other transactions lock, as two orders of locking could end in a deadlock.
    unlocked = sa.select(LoginSession.token_hash).where(expired).with_for_update(skip_locked=True)
    deleted = sa.delete(LoginSession).where(LoginSession.token_hash.in_(select_once(unlocked)))
    return len(session.scalars(deleted.returning(LoginSession.user_id)).all())


def mark_seen(session: orm.Session, identity: Identity) -> None:
    """The person and their session were seen now."""
    now = datetime.now(UTC)
    session.execute(sa.update(User).where(User.id == identity.id).values(last_seen=now))
    idle_seconds = session.scalar(
        sa.select(LoginSession.idle_seconds).where(LoginSession.token_hash == identity.session)
    )
    if idle_seconds is not None:
        session.execute(
            sa.update(LoginSession)
            .where(LoginSession.token_hash == identity.session)
            .values(seen=now, idle_until=now + timedelta(seconds=idle_seconds))
        )


def make_login_key(login: str) -> str:
    """The one form of what somebody logs in by, whether or not anybody has this nickname or address."""
    return make_email_key(login) if "@" in login else make_nickname_key(login)


def get_credentials(session: orm.Session, login: str) -> tuple[int, str | None] | None:
    """(id, password hash) of the person with this nickname (not a former one) or e-mail address."""
    query = sa.select(User.id, User.password_hash, User.email_key)
    if "@" in login:
        keys = list_email_keys(login)
        rows = session.execute(query.where(User.email_key.in_(keys))).all()
        row = min(rows, key=lambda row: keys.index(row.email_key), default=None)
    else:
        key = make_nickname_key(login)
        query = query.join(Nickname, Nickname.user_id == User.id).where(
            Nickname.key == key, sa.func.lower(User.nickname) == key
        )
        row = session.execute(query).one_or_none()
    return None if row is None else (row.id, row.password_hash)


def get_password_hash(session: orm.Session, user_id: int) -> str | None:
    """None when the person has no password, or was deleted."""
    password_hash: str | None = session.scalar(sa.select(User.password_hash).where(User.id == user_id))
    return password_hash


def find_owner_id(session: orm.Session, nickname: str) -> int | None:
    """The id of the person who has or had this nickname; `GONE` when they have deleted their account."""
    # By one statement: between two, the person could go.
    return session.scalar(OWNER, {"key": make_nickname_key(nickname)})


OWNER = sa.union_all(
    sa.select(Nickname.user_id).where(Nickname.key == sa.bindparam("key")),
    sa.select(sa.literal(GONE, sa.BigInteger)).where(GoneNickname.key == sa.bindparam("key")),
)


def find_gone_nicknames(session: orm.Session, names: Collection[str]) -> set[str]:
    """The keys of those of these nicknames that somebody had who has deleted their account."""
    keys = {make_nickname_key(name) for name in names}
    return set(session.scalars(sa.select(GoneNickname.key).where(GoneNickname.key.in_(keys))))


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a nickname, with their present one."""

    id: int
    nickname: str
    email: str | None


def get_owner(session: orm.Session, nickname: str) -> Owner | None:
    """The person who has or had this nickname."""
    row = session.execute(
        sa.select(User.id, User.nickname, User.email)
        .join(Nickname, Nickname.user_id == User.id)
        .where(Nickname.key == make_nickname_key(nickname))
    ).one_or_none()
    return None if row is None else Owner(*row)


def is_email_taken(session: orm.Session, email: str) -> bool:
    query = sa.select(User.id).where(User.email_key.in_(list_email_keys(email))).limit(1)
    return session.scalar(query) is not None


def make_unique_nickname(
    session: orm.Session,
    nickname: str,
    own_id: int | None = None,
    *,
    draw: Callable[[int], int] = secrets.randbelow,
) -> str:
    """The nickname when it is free, else a free variant (`john2`).

    Present and former nicknames of the person `own_id` count as free. `draw(below)` draws a number.
    """
    names = list_candidates(nickname, session.info["registry"].reserved_nicknames)
    query = sa.select(Nickname.key).where(Nickname.key.in_([make_nickname_key(name) for name in names]))
    if own_id is not None:
        query = query.where(Nickname.user_id != own_id)
    taken = set(session.scalars(query)) | find_gone_nicknames(session, names)
    for name in names:
        if make_nickname_key(name) not in taken:
            return name
    while True:  # all variants are taken: use a random number
        name = f"{names[0][: NICKNAME_LENGTH - LONG_NUMBER]}{draw(10**LONG_NUMBER):0{LONG_NUMBER}}"
        if find_owner_id(session, name) is None:
            return name


class NicknameTaken(Exception):
    """Somebody else has or had this nickname."""


class TooManyNicknames(Exception):
    """This person has as many nicknames, former ones included, as one person may have."""


class EmailTaken(Exception):
    """Somebody else has this e-mail address."""


def add_user(
    session: orm.Session,
    nickname: str,
    *,
    email: str | None = None,
    password_hash: str | None = None,
    is_admin: bool = False,
    member_since: datetime | None = None,
) -> int:
    """Add a person; returns their id.

    :raises NicknameTaken, EmailTaken: also when another transaction took them first.
    """
    if email is not None and is_email_taken(session, email):
        raise EmailTaken(email)
    with session.begin_nested():  # if the nickname is taken, the row of the person is undone
        try:
            with session.begin_nested():
                user_id = session.scalars(
                    sa.insert(User)
                    .values(
                        nickname=nickname,
                        email=email,
                        email_key=None if email is None else make_email_key(email),
                        password_hash=password_hash,
                        is_admin=is_admin,
                        member_since=member_since or datetime.now(UTC),
                    )
                    .returning(User.id)
                ).one()
        except sa.exc.IntegrityError:
            raise EmailTaken(email) from None
        claim_nickname(session, user_id, nickname)
    return int(user_id)


def claim_nickname(session: orm.Session, user_id: int, nickname: str) -> None:
    """:raises NicknameTaken: when it is or was somebody else's."""
    owner = find_owner_id(session, nickname)
    if owner is None:
        insert = build_insert(session, Nickname).values(key=make_nickname_key(nickname), user_id=user_id)
        added: Any = session.execute(insert.on_conflict_do_nothing().returning(Nickname.user_id)).all()
        # Another transaction may have been quicker, perhaps of the same person after a double click.
        owner = user_id if added else find_owner_id(session, nickname)
    if owner != user_id:
        raise NicknameTaken(nickname)


class Profile(NamedTuple):
    """What a person says of themselves, as the form of their profile has it."""

    nickname: str
    display_name: str
    about_me: str


class Portraits(NamedTuple):
    """The names of the pictures that a person has chosen."""

    avatar: str | None
    header: str | None


def change_profile(session: orm.Session, user_id: int, profile: Profile) -> tuple[Profile, Portraits]:
    """Change the profile; returns the former one, and their pictures, which stay.

    :raises NicknameTaken, TooManyNicknames: when it is or was somebody else's, or one too many.
    :raises StaleData: when the person was deleted.
    """
    # The lock serializes changes of a profile, as the nicknames are counted before one is added.
    person = sa.select(User.nickname, User.display_name, User.about_me, User.avatar, User.header)
    person = person.where(User.id == user_id, sa.not_(User.is_gone))
    former = session.execute(person.with_for_update(key_share=True)).one_or_none()
    if former is None:
        raise StaleData("The person was deleted.")
    mine = session.scalars(sa.select(Nickname.key).where(Nickname.user_id == user_id)).all()
    if make_nickname_key(profile.nickname) not in mine and len(mine) >= MOST_NICKNAMES:
        raise TooManyNicknames(profile.nickname)
    claim_nickname(session, user_id, profile.nickname)
    session.execute(sa.update(User).where(User.id == user_id).values(**profile._asdict()))
    return Profile(*former[:3]), Portraits(*former[3:])


def lock_portraits(session: orm.Session, user_id: int) -> Portraits:
    """The pictures of a person, which nobody else changes before this transaction ends.

    :raises StaleData: when the person was deleted.
    """
    own = sa.select(User.avatar, User.header).where(User.id == user_id, sa.not_(User.is_gone))
    row = session.execute(own.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise StaleData("The person was deleted.")
    return Portraits(*row)


def set_display_name(session: orm.Session, user_id: int, name: str) -> None:
    """:raises StaleData: when the person was deleted."""
    own = sa.update(User).where(User.id == user_id, sa.not_(User.is_gone))
    require_changed(session.execute(own.values(display_name=name)))


def lock_people(session: orm.Session, ids: Collection[int]) -> None:
    """Keep other transactions from changing these people and their counts until ours ends.

    :raises StaleData: when one of them was deleted.
    """
    people = sa.select(User.id).where(User.id.in_(ids), sa.not_(User.is_gone)).order_by(User.id)
    people = people.with_for_update(key_share=True)
    if len(session.scalars(people).all()) < len(set(ids)):
        raise StaleData("A person was deleted.")


def get_email(session: orm.Session, user_id: int) -> str | None:
    """The address of a person; None when they have none, or are gone."""
    return session.scalar(sa.select(User.email).where(User.id == user_id))


def get_profile(session: orm.Session, user_id: int) -> Profile:
    """
    :raises StaleData: when the person was deleted.
    """
    return get_whole_profile(session, user_id)[0]


def get_whole_profile(session: orm.Session, user_id: int) -> tuple[Profile, Portraits]:
    """
    :raises StaleData: when the person was deleted.
    """
    columns = (User.nickname, User.display_name, User.about_me, User.avatar, User.header)
    row = session.execute(sa.select(*columns).where(User.id == user_id)).one_or_none()
    if row is None:
        raise StaleData("The person was deleted.")
    return Profile(*row[:3]), Portraits(*row[3:])


def set_password(session: orm.Session, user_id: int, password_hash: str) -> None:
    """Set a new password, and end all sessions, those of log-ins under way included.

    :raises StaleData: when the person was deleted.
    """
    own = sa.update(User).where(User.id == user_id, sa.not_(User.is_gone))
    require_changed(session.execute(own.values(password_hash=password_hash)))
    # After the update, which waits for log-ins under way, so that their sessions end, too.
    end_all_sessions(session, user_id)
    delete_links(session, user_id)


def delete_links(session: orm.Session, user_id: int) -> None:
    """With a new password, what somebody has asked for who knew the old one is worth nothing any more: links
    for another password, and a change of the address."""
    delete_reset_links(session, user_id)
    session.execute(sa.delete(AddressChange).where(AddressChange.user_id == user_id))


def delete_reset_links(session: orm.Session, user_id: int) -> None:
    """The links for a new password that were mailed are worth nothing any more."""
    links = sa.delete(AccountToken).where(AccountToken.user_id == user_id, AccountToken.purpose == RESET)
    session.execute(links)


def replace_hash(session: orm.Session, user_id: int, *, verified: str, fresh: str) -> None:
    """Replace the hash by another one of the same password.

    :raises StaleData: when the hash has changed, or the person was deleted.
    """
    same = sa.and_(User.id == user_id, User.password_hash == verified)
    require_changed(session.execute(sa.update(User).where(same).values(password_hash=fresh)))


def set_aside(session: orm.Session, user_id: int) -> None:
    """From now on nothing of somebody is seen, and they are logged out; nothing is deleted.

    Log-ins under way are waited for.

    :raises StaleData: when the person was deleted, or set aside before.
    """
    session.execute(sa.select(User.id).where(User.id == user_id).with_for_update()).all()
    there = sa.update(User).where(User.id == user_id, sa.not_(User.is_gone))
    require_changed(session.execute(there.values(is_gone=True)))
    end_all_sessions(session, user_id)


def take_back(session: orm.Session, user_id: int) -> None:
    """Somebody who was set aside is seen again.

    :raises StaleData: when they were not, or have deleted their account.
    """
    deleted = sa.select(Departure.user_id).where(Departure.user_id == user_id, Departure.gone.is_not(None))
    aside = sa.update(User).where(User.id == user_id, User.is_gone, ~deleted.exists())
    require_changed(session.execute(aside.values(is_gone=False)))


def clear_password(session: orm.Session, user_id: int) -> None:
    """Nobody can log in to this account until it has a new password, by a link that is mailed.

    :raises StaleData: when the person was deleted.
    """
    own = sa.update(User).where(User.id == user_id, sa.not_(User.is_gone))
    require_changed(session.execute(own.values(password_hash=None)))
    end_all_sessions(session, user_id)
    delete_links(session, user_id)


def set_limited(session: orm.Session, user_id: int, *, is_limited: bool) -> None:
    """Take somebody out of the lists of everybody, or put them there again.

    :raises StaleData: when they were deleted, or nothing changes.
    """
    own = sa.update(User).where(User.id == user_id, sa.not_(User.is_gone), User.is_limited != is_limited)
    require_changed(session.execute(own.values(is_limited=is_limited)))


def set_moderator(session: orm.Session, user_id: int, *, is_moderator: bool) -> None:
    """:raises StaleData: when the person was deleted."""
    own = sa.update(User).where(User.id == user_id, sa.not_(User.is_gone))
    require_changed(session.execute(own.values(is_moderator=is_moderator)))


def set_admin(session: orm.Session, user_id: int, *, is_admin: bool) -> None:
    """:raises StaleData: when the person was deleted."""
    own = sa.update(User).where(User.id == user_id, sa.not_(User.is_gone))
    require_changed(session.execute(own.values(is_admin=is_admin)))
