"""Who has signed the guestbook."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id, UTCDateTime


class Signature(Base):
    __tablename__ = "guestbook_signatures"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(sa.String(200))
    signed: Mapped[datetime] = mapped_column(UTCDateTime)
