"""The table of the workers' heartbeats."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base


class Heartbeat(Base):
    """When a worker was last seen (milliseconds since 1970); one that stops properly removes its row.

    `padding` is used to test whether anything can be written at all (`Database.probe`).
    """

    __tablename__ = "heartbeats"
    __table_args__ = {"info": {"copied": False}}  # the copy has other workers

    name: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    seen: Mapped[int] = mapped_column(sa.BigInteger)
    padding: Mapped[str | None] = mapped_column(sa.Text)
