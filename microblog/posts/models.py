"""Posts."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id


class Post(Base):
    """A post. Its id has the time of its creation (`microblog.ids`).

    By its `form_key` an import recognizes a line that it has loaded. Posts that were written on a page have
    none, or in older versions a hash of their form, which is no longer used (see `microblog.submissions`).
    """

    __tablename__ = "posts"
    __table_args__ = (
        sa.Index("ix_posts_user_id_id", "user_id", "id"),
        sa.Index("ix_posts_language_id", "language", "id"),
        sa.UniqueConstraint("user_id", "form_key"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"))
    body: Mapped[str] = mapped_column(sa.Text)
    language: Mapped[str | None] = mapped_column(sa.String(35))  # BCP 47
    form_key: Mapped[str | None] = mapped_column(sa.String(64))
