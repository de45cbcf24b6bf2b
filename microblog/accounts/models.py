"""People's accounts, the nicknames they have and had, and their sessions."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id, UTCDateTime
from microblog.media.models import NAME_CHARACTERS

NICKNAME_LENGTH = 30
EMAIL_LENGTH = 254  # RFC 5321
ABOUT_ME_CODE_POINTS = 1400  # 140 graphemes of at most 10 each
DISPLAY_NAME_CODE_POINTS = 300  # 60 graphemes, many of them of several code points
PREFERENCES_CHARACTERS = 500
PURPOSE_CHARACTERS = 20
CONFIRM, RESET = "confirm", "reset"  # purposes of a link
MUTED_WORDS_CODE_POINTS = 2000
LANGUAGE_CHARACTERS = 35
BROWSER_CHARACTERS = 250
ADDRESS_CHARACTERS = 45

# Nicknames are ASCII; "C" lets PostgreSQL answer a prefix search from the index.
NicknameKey = sa.String(NICKNAME_LENGTH).with_variant(sa.String(NICKNAME_LENGTH, collation="C"), "postgresql")


class User(Base):
    """A person. Without a password hash they cannot log in (authors of imported posts).

    The counts are kept by triggers of the database, so that bulk statements and cascades count too.
    """

    __tablename__ = "users"
    __table_args__ = (
        # As each database writes the condition: a partial index serves a query with the very same one.
        sa.Index(
            "ix_users_id_admins",
            "id",
            sqlite_where=sa.text("is_admin = 1"),
            postgresql_where=sa.text("is_admin"),
        ),
        sa.Index(
            "ix_users_id_moderators",
            "id",
            sqlite_where=sa.text("is_moderator = 1"),
            postgresql_where=sa.text("is_moderator"),
        ),
        sa.Index(
            "ix_users_id_gone",
            "id",
            sqlite_where=sa.text("is_gone = 1"),
            postgresql_where=sa.text("is_gone"),
        ),
        sa.Index(
            "ix_users_id_limited",
            "id",
            sqlite_where=sa.text("is_limited = 1"),
            postgresql_where=sa.text("is_limited"),
        ),
        sa.Index("ix_users_member_since", "member_since"),
        {"sqlite_autoincrement": True},  # ids are never reused
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    nickname: Mapped[str] = mapped_column(sa.String(NICKNAME_LENGTH))
    email: Mapped[str | None] = mapped_column(sa.String(EMAIL_LENGTH), info={"secret": True})
    email_key: Mapped[str | None] = mapped_column(sa.String(EMAIL_LENGTH), unique=True, info={"secret": True})
    # Its statements have what somebody typed, perhaps into the wrong field: all their parameters are hidden.
    password_hash: Mapped[str | None] = mapped_column(sa.String(255), info={"secret": True, "verifies": True})
    is_admin: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    is_moderator: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    about_me: Mapped[str] = mapped_column(
        sa.String(ABOUT_ME_CODE_POINTS), server_default=sa.text("''"), default=""
    )
    # Empty for those who are called by their nickname.
    display_name: Mapped[str] = mapped_column(
        sa.String(DISPLAY_NAME_CODE_POINTS), server_default=sa.text("''"), default=""
    )
    # The names of their pictures (`microblog/media`), and how many bytes all of their pictures have.
    avatar: Mapped[str | None] = mapped_column(sa.String(NAME_CHARACTERS))
    header: Mapped[str | None] = mapped_column(sa.String(NAME_CHARACTERS))
    pictures_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    # How they want to see the pages: `language=de&colors=dark` (`microblog/web/languages.py`).
    preferences: Mapped[str] = mapped_column(
        sa.String(PREFERENCES_CHARACTERS), server_default=sa.text("''"), default=""
    )
    # What they leave out of their home timeline: words, one on a line, and languages that they do not read.
    muted_words: Mapped[str] = mapped_column(
        sa.String(MUTED_WORDS_CODE_POINTS), server_default=sa.text("''"), default=""
    )
    only_read_languages: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    # By whom they want to be found (`microblog/people/privacy.py`).
    is_indexed: Mapped[bool] = mapped_column(server_default=sa.true(), default=True)
    is_listed: Mapped[bool] = mapped_column(server_default=sa.true(), default=True)
    shows_last_seen: Mapped[bool] = mapped_column(server_default=sa.true(), default=True)
    # Nothing of them is seen: a moderator has suspended them, or their account was deleted, and the worker
    # removes what is left (`Departure`).
    is_gone: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    # A moderator has taken them out of the lists of everybody's posts and people, and out of search.
    is_limited: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    member_since: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen: Mapped[datetime | None] = mapped_column(UTCDateTime)
    posts_count: Mapped[int] = mapped_column(server_default="0", default=0)
    followers_count: Mapped[int] = mapped_column(server_default="0", default=0)
    following_count: Mapped[int] = mapped_column(server_default="0", default=0)


class Nickname(Base):
    """Every present and former nickname, in lower case; a former one stays reserved for its person."""

    __tablename__ = "nicknames"

    key: Mapped[str] = mapped_column(NicknameKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)


class GoneNickname(Base):
    """A nickname that nobody else gets, since whoever had it has deleted their account."""

    __tablename__ = "gone_nicknames"

    key: Mapped[str] = mapped_column(NicknameKey, primary_key=True)


class Departure(Base):
    """Somebody deletes their account. No foreign key: it is left when the person is gone.

    Until `due` they are as before, and whoever logs in stays. From `gone` on nobody sees them any more. At
    `ended` the last row of them is removed.
    """

    __tablename__ = "departures"

    user_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    asked: Mapped[datetime] = mapped_column(UTCDateTime)
    due: Mapped[datetime] = mapped_column(UTCDateTime)
    gone: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended: Mapped[datetime | None] = mapped_column(UTCDateTime)


class LoginSession(Base):
    """A browser that is logged in; only the SHA-256 of its token is stored."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info={"secret": True})
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    seen: Mapped[datetime] = mapped_column(UTCDateTime)
    idle_seconds: Mapped[int]
    idle_until: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    expires: Mapped[datetime] = mapped_column(UTCDateTime)
    # What its person recognizes it by: what the browser said of itself, and a part of its address
    # (`microblog/accounts/browsers.py`). None of sessions from before version 0025 of the tables.
    browser: Mapped[str | None] = mapped_column(sa.String(BROWSER_CHARACTERS))
    address: Mapped[str | None] = mapped_column(sa.String(ADDRESS_CHARACTERS))


class AddressConfirmation(Base):
    """Whether a person has shown that the address is theirs: `confirmed` is when, and NULL is not yet.

    Without a row it is confirmed: accounts from before, and those that an operator made.
    """

    __tablename__ = "address_confirmations"

    user_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    confirmed: Mapped[datetime | None] = mapped_column(UTCDateTime)


class AccountToken(Base):
    """A link that was mailed to `email_key`, of which only the SHA-256 of its token is stored.

    `purpose` says what it opens. It is worth nothing when the person has another address by then.
    """

    __tablename__ = "account_tokens"
    __table_args__ = {"info": {"copied": False}}  # the links lead to the site from which it is copied

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info={"secret": True})
    purpose: Mapped[str] = mapped_column(sa.String(PURPOSE_CHARACTERS))
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email_key: Mapped[str] = mapped_column(sa.String(EMAIL_LENGTH), info={"secret": True})
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class PendingSignUp(Base):
    """Somebody who has signed up where mail reaches people: they become a person when they open the link that
    was mailed to them. So nobody learns by signing up whether an address has an account."""

    __tablename__ = "pending_sign_ups"
    __table_args__ = {"info": {"copied": False}}

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info={"secret": True})
    nickname: Mapped[str] = mapped_column(sa.String(NICKNAME_LENGTH))
    email: Mapped[str] = mapped_column(sa.String(EMAIL_LENGTH), info={"secret": True})
    password_hash: Mapped[str] = mapped_column(sa.String(255), info={"secret": True})
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class AddressChange(Base):
    """The address that a person wants to have, until they open the link that was mailed to it.

    One for each person: who asks again has changed their mind, and the link before is worth nothing.
    """

    __tablename__ = "address_changes"
    __table_args__ = {"info": {"copied": False}}

    user_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True, info={"secret": True})
    email: Mapped[str] = mapped_column(sa.String(EMAIL_LENGTH), info={"secret": True})
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class FormerAddress(Base):
    """An address that a person had until `changed`, to which a link was mailed that gives it back."""

    __tablename__ = "former_addresses"
    __table_args__ = {"info": {"copied": False}}

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info={"secret": True})
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(sa.String(EMAIL_LENGTH), info={"secret": True})
    changed: Mapped[datetime] = mapped_column(UTCDateTime)
    expires: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class Registration(Base):
    """Somebody who has signed up where an admin approves each account, and waits for that.

    They are no person yet: nobody sees them, and they cannot log in.
    """

    __tablename__ = "registrations"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    nickname: Mapped[str] = mapped_column(sa.String(NICKNAME_LENGTH))
    nickname_key: Mapped[str] = mapped_column(sa.String(NICKNAME_LENGTH), unique=True)
    email: Mapped[str] = mapped_column(sa.String(EMAIL_LENGTH), info={"secret": True})
    email_key: Mapped[str] = mapped_column(sa.String(EMAIL_LENGTH), unique=True, info={"secret": True})
    password_hash: Mapped[str] = mapped_column(sa.String(255), info={"secret": True})
    is_confirmed: Mapped[bool]
    language: Mapped[str] = mapped_column(sa.String(LANGUAGE_CHARACTERS))
    asked: Mapped[datetime] = mapped_column(UTCDateTime)


class Invitation(Base):
    """A link by which so many people may sign up until it expires."""

    __tablename__ = "invitations"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True, info={"secret": True})
    uses: Mapped[int]
    used: Mapped[int] = mapped_column(server_default="0", default=0)
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    expires: Mapped[datetime] = mapped_column(UTCDateTime)
