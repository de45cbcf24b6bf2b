"""Tags, by their normal form (`microblog/posts/tags.py`)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id
from microblog.posts.tags import LONGEST_TAG

# They are compared for equality only, so PostgreSQL need not know the order of any language.
TagKey = sa.String(LONGEST_TAG).with_variant(sa.String(LONGEST_TAG, collation="C"), "postgresql")


class PostTag(Base):
    """A post has a tag. The primary key is the list of the posts of a tag."""

    __tablename__ = "post_tags"
    __table_args__ = (sa.Index(None, "post_id"), {"sqlite_with_rowid": False})

    tag: Mapped[str] = mapped_column(TagKey, primary_key=True)
    post_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)


class FollowedTag(Base):
    """Somebody follows a tag, whose posts are in their home timeline. The primary key is the list of them."""

    __tablename__ = "followed_tags"
    __table_args__ = ({"sqlite_with_rowid": False},)

    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(TagKey, primary_key=True)


class WeeklyTag(Base):
    """One of the tags that most people have used within a week, as the worker has counted them."""

    __tablename__ = "weekly_tags"
    __table_args__ = ({"sqlite_with_rowid": False},)

    tag: Mapped[str] = mapped_column(TagKey, primary_key=True)
    people: Mapped[int]
