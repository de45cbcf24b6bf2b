"""Translations that are kept: they are derived from posts, and can be made again."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id

LANGUAGE_CHARACTERS = 35  # BCP 47


class Translation(Base):
    """A post in another language.

    `digest` is that of the text, and its language, which were translated: of a post that was changed it is
    another one. `translator` is who did it, as people know it.
    """

    __tablename__ = "translations"

    post_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    language: Mapped[str] = mapped_column(sa.String(LANGUAGE_CHARACTERS), primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(64))
    translator: Mapped[str] = mapped_column(sa.String(100))
    body: Mapped[str] = mapped_column(sa.Text)
