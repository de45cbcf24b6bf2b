"""The table with the state of each adapter's index."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base

KIND = "search"  # of the outbox's entries


class IndexState(Base):
    """The last verify of an adapter's index, and the rebuild that is running; times in milliseconds.

    In the database and not in a file, so that each machine sees what cron found on another one.
    `rebuild` is a random token of the rebuild that began last; a rebuild that finds another token
    here has been replaced, and stops.

    `rule` is the version of the rule by which the index was made (`get_rule` in text.py).
    """

    __tablename__ = "index_states"
    __table_args__ = {"info": {"copied": False}}  # another index is in another state

    adapter: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    verified_at: Mapped[int | None] = mapped_column(sa.BigInteger)
    missing: Mapped[int] = mapped_column(server_default="0")
    stale: Mapped[int] = mapped_column(server_default="0")
    ghosts: Mapped[int] = mapped_column(server_default="0")
    rebuild: Mapped[str | None] = mapped_column(sa.String(32))
    rebuild_seen_at: Mapped[int | None] = mapped_column(sa.BigInteger)
    rebuilt: Mapped[int] = mapped_column(server_default="0")
    rule: Mapped[str | None] = mapped_column(sa.String(64))
