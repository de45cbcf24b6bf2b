"""What people are told about (docs/adr/0052-notifications.md, docs/adr/0055-digests.md)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id, UTCDateTime

KIND_LENGTH = 30
CHANNEL_LENGTH = 20
EVERY_LENGTH = 10


class NotificationGroup(Base):
    """What somebody is told in one line: notifications of one kind, with one cause, of one day.

    `cause` is what it is about, such as the id of a post; 0 where the kind says all. `day` is that of the
    recipient, as Python counts days, and 0 for kinds that are not folded. `latest` is the time-ordered id of
    the latest notification, by which the group stands in the list, and up to `read_until` they are read.
    """

    __tablename__ = "notification_groups"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "kind", "cause", "day"),
        sa.Index("ix_notification_groups_user_id_latest", "user_id", "latest"),
        sa.Index(
            "ix_notification_groups_user_id_latest_unread",
            *("user_id", "latest"),
            sqlite_where=sa.text("latest > read_until"),
            postgresql_where=sa.text("latest > read_until"),
        ),
        sa.Index(None, "post_id"),  # for the deletion of a post
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.String(KIND_LENGTH))
    cause: Mapped[int] = mapped_column(sa.BigInteger)
    day: Mapped[int] = mapped_column(sa.Integer)
    post_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("posts.id", ondelete="CASCADE"))
    latest: Mapped[int] = mapped_column(sa.BigInteger)
    read_until: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")


class Notification(Base):
    """Somebody did what the group says: `id` is when, a time-ordered id like a post's.

    Where nobody else did it (an export is ready), the actor is the recipient. One that was taken back is
    `withdrawn`, not deleted: done again on the same day, it is the same, and as read as it was.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        sa.Index("ix_notifications_group_id_id", "group_id", "id"),
        sa.Index("ix_notifications_actor_id", "actor_id"),  # for the deletion of a person
        {"sqlite_with_rowid": False},
    )

    group_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("notification_groups.id", ondelete="CASCADE"), primary_key=True
    )
    actor_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(sa.BigInteger)
    withdrawn: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)


class NoticeChoice(Base):
    """Whether somebody wants to be told about things of a kind, by a channel. Without a row they are told as
    the channel does by itself."""

    __tablename__ = "notice_choices"
    __table_args__ = ({"sqlite_with_rowid": False},)

    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(KIND_LENGTH), primary_key=True)
    channel: Mapped[str] = mapped_column(sa.String(CHANNEL_LENGTH), primary_key=True)
    wanted: Mapped[bool]


class Digest(Base):
    """Somebody wants one mail `every` day or week, instead of one for each notification.

    The next one is `due` then. `since` is the time-ordered id up to which they were told, by the last one or
    by single mails.
    """

    __tablename__ = "digests"

    user_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    every: Mapped[str] = mapped_column(sa.String(EVERY_LENGTH))
    due: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    since: Mapped[int] = mapped_column(sa.BigInteger)
