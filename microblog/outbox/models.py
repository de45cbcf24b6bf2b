"""The outbox."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id


class Entry(Base):
    """Something that must leave the process, written in the transaction of its cause.

    `kind` says who delivers it, and `key` what it is about. Ids only grow, also when the outbox was
    emptied in between, and those about one key grow in the order of its changes. `created`, `next_at` and
    `lease_until` are milliseconds since 1970. An entry that was refused for good is `set_aside`.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index(None, "kind", "key"),
        sa.Index(None, "kind", "set_aside", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    key: Mapped[str] = mapped_column(sa.String(64))
    payload: Mapped[str | None] = mapped_column(sa.Text)
    created: Mapped[int] = mapped_column(sa.BigInteger)
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    next_at: Mapped[int] = mapped_column(sa.BigInteger, server_default="0", default=0)
    lease_until: Mapped[int] = mapped_column(sa.BigInteger, server_default="0", default=0)
    set_aside: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    error: Mapped[str | None] = mapped_column(sa.Text)
