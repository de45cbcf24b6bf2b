"""Who likes, boosts and bookmarks which posts."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id


class Like(Base):
    """`id` is a time-ordered id like a post's (`microblog.ids`). Triggers keep `Post.likes_count`."""

    __tablename__ = "likes"
    __table_args__ = (
        sa.Index("ix_likes_post_id_id", "post_id", "id"),
        sa.Index("ix_likes_user_id_id", "user_id", "id"),
        {"sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    post_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(sa.BigInteger)


class Boost(Base):
    """A post that somebody shows to their followers, at the time of `id`, in one order with the ids of posts.

    Triggers keep `Post.boosts_count`.
    """

    __tablename__ = "boosts"
    __table_args__ = (
        sa.Index("ix_boosts_post_id_id", "post_id", "id"),
        # Home reads the newest boosts of somebody from it alone; on SQLite it has the primary key by itself.
        sa.Index("ix_boosts_user_id_id", "user_id", "id", postgresql_include=["post_id"]),
        {"sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    post_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(sa.BigInteger)


class Bookmark(Base):
    """A post that somebody keeps for themselves; nobody else sees it."""

    __tablename__ = "bookmarks"
    __table_args__ = (
        sa.Index("ix_bookmarks_post_id", "post_id"),  # for the deletion of a post
        sa.Index("ix_bookmarks_user_id_id", "user_id", "id"),
        {"sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    post_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(sa.BigInteger)
