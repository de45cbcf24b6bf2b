"""Posts."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id

KEYS_CHARACTERS = 400  # ten nicknames of one person, with a space between them


class Post(Base):
    """A post. Its id has the time of its creation (`microblog.ids`).

    A reply has the id of the post that it answers, `reply_to`, and of its author, also when these are
    deleted: neither is a foreign key. Its `thread` is the id of the post that the conversation began with.
    Triggers keep the numbers of direct replies, likes and boosts, so that bulk statements and cascades count
    too.

    `pictures` is a JSON text that says what its pictures show and are called (`microblog/media/shown.py`).

    `version` is the number of the text that it has now, and `edited` when it got it (milliseconds since 1970;
    NULL for the first one).

    By its `form_key` an import recognizes a line that it has loaded. Posts that were written on a page have
    none, or in older versions a hash of their form, which is no longer used (see `microblog.submissions`).
    """

    __tablename__ = "posts"
    __table_args__ = (
        sa.Index("ix_posts_user_id_id", "user_id", "id"),
        sa.Index("ix_posts_language_id", "language", "id"),
        sa.Index(
            "ix_posts_user_id_id_no_reply",
            *("user_id", "id"),
            sqlite_where=sa.text("reply_to IS NULL"),
            postgresql_where=sa.text("reply_to IS NULL"),
        ),
        sa.Index(
            "ix_posts_reply_to_id",
            *("reply_to", "id"),
            sqlite_where=sa.text("reply_to IS NOT NULL"),
            postgresql_where=sa.text("reply_to IS NOT NULL"),
        ),
        sa.UniqueConstraint("user_id", "form_key"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"))
    body: Mapped[str] = mapped_column(sa.Text)
    language: Mapped[str | None] = mapped_column(sa.String(35))  # BCP 47
    form_key: Mapped[str | None] = mapped_column(sa.String(64))
    reply_to: Mapped[int | None] = mapped_column(sa.BigInteger)
    reply_to_author: Mapped[int | None] = mapped_column(sa.BigInteger)
    thread: Mapped[int | None] = mapped_column(sa.BigInteger)
    replies_count: Mapped[int] = mapped_column(sa.Integer, default=0, server_default="0")
    likes_count: Mapped[int] = mapped_column(sa.Integer, default=0, server_default="0")
    boosts_count: Mapped[int] = mapped_column(sa.Integer, default=0, server_default="0")
    version: Mapped[int] = mapped_column(sa.Integer, default=1, server_default="1")
    edited: Mapped[int | None] = mapped_column(sa.BigInteger)
    pictures: Mapped[str | None] = mapped_column(sa.Text)
    # Nobody sees it, and it counts nowhere: by a moderator (1), since its author is suspended (2), or until a
    # moderator has looked at it (3).
    hidden: Mapped[int | None] = mapped_column(sa.SmallInteger)


class PostVersion(Base):
    """An earlier version of an edited post; `written` is when the post got it (milliseconds since 1970)."""

    __tablename__ = "post_versions"

    post_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    body: Mapped[str] = mapped_column(sa.Text)
    language: Mapped[str | None] = mapped_column(sa.String(35))
    written: Mapped[int] = mapped_column(sa.BigInteger)


class DeletedPost(Base):
    """What is left of a deleted post: its id, its thread, and when it was deleted (milliseconds since 1970).

    A trigger writes it, so that bulk statements and cascades leave it, too.
    """

    __tablename__ = "deleted_posts"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    thread: Mapped[int] = mapped_column(sa.BigInteger)
    deleted: Mapped[int] = mapped_column(sa.BigInteger)


class Mention(Base):
    """Somebody is mentioned in a post. `keys` are the keys of the nicknames by which the text calls them,
    present or former ones, with a space between them.
    """

    __tablename__ = "mentions"
    __table_args__ = (sa.Index(None, "user_id", "post_id"), {"sqlite_with_rowid": False})

    post_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    keys: Mapped[str] = mapped_column(sa.String(KEYS_CHARACTERS))


class Backfill(Base):
    """What is not yet known of posts that are older than it: of those below the id `before` (see
    `backfilling.py`). A migration adds a row; when nothing is left, the row is deleted.
    """

    __tablename__ = "backfills"

    name: Mapped[str] = mapped_column(sa.String(50), primary_key=True)
    before: Mapped[int] = mapped_column(sa.BigInteger)
