"""Who follows, blocks and mutes whom."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id


class Follow(Base):
    """`since` is a time-ordered id like a post's (`microblog.ids`), for paging."""

    __tablename__ = "follows"
    __table_args__ = (
        sa.CheckConstraint("follower_id <> followee_id", name="not_oneself"),
        sa.Index(None, "followee_id", "since"),
        sa.Index(None, "follower_id", "since"),
        {"sqlite_with_rowid": False},
    )

    follower_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    followee_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    since: Mapped[int] = mapped_column(sa.BigInteger)


class Block(Base):
    """Neither of the two sees the other (`microblog/people/visibility.py`)."""

    __tablename__ = "blocks"
    __table_args__ = (
        sa.CheckConstraint("blocker_id <> blocked_id", name="not_oneself"),
        sa.Index(None, "blocker_id", "since"),
        sa.Index(None, "blocked_id"),
        {"sqlite_with_rowid": False},
    )

    blocker_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    blocked_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    since: Mapped[int] = mapped_column(sa.BigInteger)


class Mute(Base):
    """The posts of the one are in no list of the other."""

    __tablename__ = "mutes"
    __table_args__ = (
        sa.CheckConstraint("muter_id <> muted_id", name="not_oneself"),
        sa.Index(None, "muter_id", "since"),
        sa.Index(None, "muted_id"),
        {"sqlite_with_rowid": False},
    )

    muter_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    muted_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[int] = mapped_column(sa.BigInteger)
