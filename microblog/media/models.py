"""Pictures: what is known of their files.

What a post or a profile shows is in its own row, so that a list costs no statement more; here is whose a
picture is, how much room it takes, and whether anything needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id

NAME_CHARACTERS = 22
# In the order in which storages list their files, whatever the language of the server is.
Name = sa.String(NAME_CHARACTERS).with_variant(sa.String(NAME_CHARACTERS, collation="C"), "postgresql")
PURPOSE_CHARACTERS = 10
CHECKSUMS_CHARACTERS = 400  # six sizes


class Picture(Base):
    """A picture: its files are `{name}-0.webp`, the largest, `{name}-1.webp`, and so on, as many as it has
    `checksums` (SHA-256, hexadecimal, with a space between them). `bytes` is the size of all of them, `width`
    and `height` that of the largest in pixels, `color` its mean colour, as `#rrggbb`.

    `waits_since` (milliseconds since 1970) is NULL once a post or a profile shows it. The id has the time at
    which it was sent.
    """

    __tablename__ = "pictures"
    __table_args__ = (
        sa.Index("ix_pictures_user_id_id", "user_id", "id"),
        sa.Index("ix_pictures_post_id", "post_id"),
        sa.Index(
            "ix_pictures_waits_since",
            "waits_since",
            sqlite_where=sa.text("waits_since IS NOT NULL"),
            postgresql_where=sa.text("waits_since IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Name, unique=True)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(sa.String(PURPOSE_CHARACTERS))
    post_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("posts.id", ondelete="CASCADE"))
    width: Mapped[int] = mapped_column(sa.Integer)
    height: Mapped[int] = mapped_column(sa.Integer)
    color: Mapped[str] = mapped_column(sa.String(7))
    bytes: Mapped[int] = mapped_column(sa.BigInteger)
    checksums: Mapped[str] = mapped_column(sa.String(CHECKSUMS_CHARACTERS))
    waits_since: Mapped[int | None] = mapped_column(sa.BigInteger)


class PictureFilesToDelete(Base):
    """The files of a picture that is gone: the worker deletes them, then the row. A trigger writes it, so
    that bulk statements and cascades leave it, too. `files` is how many there are; `since` is in
    milliseconds.
    """

    __tablename__ = "picture_files_to_delete"

    name: Mapped[str] = mapped_column(Name, primary_key=True)
    files: Mapped[int] = mapped_column(sa.Integer)
    since: Mapped[int] = mapped_column(sa.BigInteger)
