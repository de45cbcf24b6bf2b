"""Private messages: everything is there twice, once for each of the two (docs/adr/0053-messages.md)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id

SENDERS_CHARACTERS = 10


class MessageThread(Base):
    """A thread, as one of its two people has it: `owner_id`, whose row and messages nobody else reads.

    The other one has a row with the same `id`, until they delete it. `person_id` is the other one, NULL when
    their account is gone. The ids of messages that follow are kept by what writes and deletes messages:
    `last_id` is the newest one here; `sent_id` and `received_id` are the newest that the owner wrote, and
    got, in this thread, deleted ones included; up to `read_id` the owner has read. 0 is none.
    """

    __tablename__ = "message_threads"
    __table_args__ = (
        sa.UniqueConstraint("owner_id", "person_id"),
        sa.Index("ix_message_threads_person_id", "person_id"),
        sa.Index("ix_message_threads_owner_id_last_id", "owner_id", "last_id"),
        sa.Index(
            "ix_message_threads_unread",
            *("owner_id", "last_id"),
            sqlite_where=sa.text("received_id > read_id"),
            postgresql_where=sa.text("received_id > read_id"),
        ),
        {"sqlite_with_rowid": False},
    )

    owner_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    person_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="SET NULL"))
    last_id: Mapped[int] = mapped_column(sa.BigInteger)
    sent_id: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    received_id: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    read_id: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")


class Message(Base):
    """A message, as one of the two has it. `id` is like a post's, and the same for both.

    The name of the column of its text is no other column's: what is secret is known by its name.
    """

    __tablename__ = "messages"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["owner_id", "thread_id"],
            ["message_threads.owner_id", "message_threads.id"],
            ondelete="CASCADE",
        ),
        {"sqlite_with_rowid": False},
    )

    owner_id: Mapped[int] = mapped_column(Id, primary_key=True)
    thread_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    is_mine: Mapped[bool]  # written by the owner
    message_text: Mapped[str] = mapped_column(sa.Text, info={"secret": True})


class MessageSenders(Base):
    """Who may begin to write to somebody: a row of those who do not let everybody."""

    __tablename__ = "message_senders"
    __table_args__ = ({"sqlite_with_rowid": False},)

    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    senders: Mapped[str] = mapped_column(sa.String(SENDERS_CHARACTERS))
