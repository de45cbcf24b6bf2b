"""The tables of imported files and of their authors."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id, UTCDateTime

AUTHOR_LENGTH = 200
FILE_NAME_LENGTH = 255


class Import(Base):
    """The progress of the import of a file; written in the transaction of the posts themselves.

    The file is identified by its content: `digest` is its SHA-256. `lines` and `position` (in bytes) are
    done; of these lines `posts` became posts, `present` existed already, `refused` were invalid.
    """

    __tablename__ = "imports"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    file_name: Mapped[str] = mapped_column(sa.String(FILE_NAME_LENGTH))
    lines: Mapped[int] = mapped_column(sa.BigInteger)
    position: Mapped[int] = mapped_column(sa.BigInteger)
    posts: Mapped[int] = mapped_column(sa.BigInteger)
    present: Mapped[int] = mapped_column(sa.BigInteger)
    refused: Mapped[int] = mapped_column(sa.BigInteger)
    started: Mapped[datetime] = mapped_column(UTCDateTime)
    finished: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ImportedAuthor(Base):
    """An author whose name cannot be a nickname, and the account that was made for them."""

    __tablename__ = "imported_authors"

    name: Mapped[str] = mapped_column(sa.String(AUTHOR_LENGTH), primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
