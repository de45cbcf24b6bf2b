"""What is counted, for limits."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base

KEY_CHARACTERS = 32

# "C" is the order in which Python sorts: whoever locks several rows does it in that order.
Key = sa.String(KEY_CHARACTERS).with_variant(sa.String(KEY_CHARACTERS, collation="C"), "postgresql")


class LimitCount(Base):
    """How often something was done of late (rules.py). The key tells nobody whose count it is.

    `times` is how often it was done since the row was made, or had last expired; `counted` is when it was
    done last. All but `times` are milliseconds since 1970.
    """

    __tablename__ = "limit_counts"
    __table_args__ = {"info": {"copied": False}}  # as in a restart that takes a quarter of an hour

    key: Mapped[str] = mapped_column(Key, primary_key=True)
    timestamp: Mapped[int] = mapped_column(sa.BigInteger)
    times: Mapped[int] = mapped_column(sa.BigInteger)
    counted: Mapped[int] = mapped_column(sa.BigInteger)
    expires: Mapped[int] = mapped_column(sa.BigInteger, index=True)
