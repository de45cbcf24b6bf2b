"""Who follows whom."""

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
