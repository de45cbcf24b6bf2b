"""People's accounts, the nicknames they have and had, and their sessions."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id, UTCDateTime

NICKNAME_LENGTH = 30
EMAIL_LENGTH = 254  # RFC 5321
ABOUT_ME_CODE_POINTS = 1400  # 140 graphemes of at most 10 each
DISPLAY_NAME_CODE_POINTS = 300  # 60 graphemes, many of them of several code points
PREFERENCES_CHARACTERS = 500
MUTED_WORDS_CODE_POINTS = 2000
BROWSER_CHARACTERS = 250
ADDRESS_CHARACTERS = 45

# Nicknames are ASCII; "C" lets PostgreSQL answer a prefix search from the index.
NicknameKey = sa.String(NICKNAME_LENGTH).with_variant(sa.String(NICKNAME_LENGTH, collation="C"), "postgresql")


class User(Base):
    """A person. Without a password hash they cannot log in (authors of imported posts).

    The counts are kept by triggers of the database, so that bulk statements and cascades count too.
    """

    __tablename__ = "users"
    __table_args__ = ({"sqlite_autoincrement": True},)  # ids are never reused

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    nickname: Mapped[str] = mapped_column(sa.String(NICKNAME_LENGTH))
    email: Mapped[str | None] = mapped_column(sa.String(EMAIL_LENGTH), info={"secret": True})
    email_key: Mapped[str | None] = mapped_column(sa.String(EMAIL_LENGTH), unique=True, info={"secret": True})
    # Its statements have what somebody typed, perhaps into the wrong field: all their parameters are hidden.
    password_hash: Mapped[str | None] = mapped_column(sa.String(255), info={"secret": True, "verifies": True})
    is_admin: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    about_me: Mapped[str] = mapped_column(
        sa.String(ABOUT_ME_CODE_POINTS), server_default=sa.text("''"), default=""
    )
    # Empty for those who are called by their nickname.
    display_name: Mapped[str] = mapped_column(
        sa.String(DISPLAY_NAME_CODE_POINTS), server_default=sa.text("''"), default=""
    )
    # How they want to see the pages: `language=de&colors=dark` (`microblog/web/languages.py`).
    preferences: Mapped[str] = mapped_column(
        sa.String(PREFERENCES_CHARACTERS), server_default=sa.text("''"), default=""
    )
    # What they leave out of their home timeline: words, one on a line, and languages that they do not read.
    muted_words: Mapped[str] = mapped_column(
        sa.String(MUTED_WORDS_CODE_POINTS), server_default=sa.text("''"), default=""
    )
    only_read_languages: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    # Their account was deleted: nothing of them is seen, and the worker removes what is left (`Departure`).
    is_gone: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
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
