"""The outbox, and the destinations that are paused."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id

KIND_CHARACTERS = 20
KEY_CHARACTERS = 255
# SQLite does not enforce lengths, and would have to rewrite the table to change the declared one.
KEY = sa.String(KEY_CHARACTERS).with_variant(sa.String(64), "sqlite")
WAITS_ALONE = sa.text("is_unique AND lease_until = 0 AND NOT set_aside")


class Entry(Base):
    """Something that must leave the process, written in the transaction of its cause.

    `kind` decides which function delivers it, `key` is what it is about, `payload` is JSON, and `destination`
    the other side, for kinds that have several. Ids always grow, even after the outbox was emptied, and those
    about one key grow in the order of its changes. Times are milliseconds since 1970: an entry is due at
    `next_at`; `not_before` is the time at which the other side asked for a retry, and success with other
    entries does not make it earlier. An entry that was refused for good is a dead letter. While an entry with
    `is_unique` waits, it is the only one of its kind and key; once it is leased, the next change writes
    another one.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index(None, "kind", "key"),
        sa.Index(None, "kind", "set_aside", "id"),
        sa.Index(
            "uq_outbox_kind_key_waiting",
            "kind",
            "key",
            unique=True,
            sqlite_where=WAITS_ALONE,
            postgresql_where=WAITS_ALONE,
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(KIND_CHARACTERS))
    key: Mapped[str] = mapped_column(KEY)
    payload: Mapped[str | None] = mapped_column(sa.Text, info={"secret": True})
    created: Mapped[int] = mapped_column(sa.BigInteger)
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    next_at: Mapped[int] = mapped_column(sa.BigInteger, server_default="0", default=0)
    not_before: Mapped[int] = mapped_column(sa.BigInteger, server_default="0", default=0)
    lease_until: Mapped[int] = mapped_column(sa.BigInteger, server_default="0", default=0)
    # The column has its name from the first version, which may still be running while this one starts.
    is_dead_letter: Mapped[bool] = mapped_column("set_aside", server_default=sa.false(), default=False)
    error: Mapped[str | None] = mapped_column(sa.Text)
    destination: Mapped[str | None] = mapped_column(sa.String(KEY_CHARACTERS))
    is_unique: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)


class Pause(Base):
    """Nothing is sent to this destination before `until` (milliseconds since 1970), since it failed
    `failures` times in a row."""

    __tablename__ = "outbox_pauses"
    __table_args__ = {"info": {"copied": False}}  # a pause is over before a copy is

    kind: Mapped[str] = mapped_column(sa.String(KIND_CHARACTERS), primary_key=True)
    destination: Mapped[str] = mapped_column(sa.String(KEY_CHARACTERS), primary_key=True)
    until: Mapped[int] = mapped_column(sa.BigInteger)
    failures: Mapped[int]
    error: Mapped[str | None] = mapped_column(sa.Text)
