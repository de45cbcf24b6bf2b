"""The tables by which people are found."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id

WORD_LENGTH = 40  # characters that are kept of a longer word

# "C" orders words by their code points, as SQLite does: those with the same beginning are one range.
Word = sa.String(WORD_LENGTH).with_variant(sa.String(WORD_LENGTH, collation="C"), "postgresql")


class PersonWord(Base):
    """A word of a nickname, a display name or an "about me", in the normal form of search.

    `rank` is a `Rank`: a word that is in several of them has the best.
    """

    __tablename__ = "person_words"
    __table_args__ = (
        sa.Index(None, "rank", "word", "user_id"),
        # Derived from people: a copy of the database makes its own.
        {"sqlite_with_rowid": False, "info": {"copied": False}},
    )

    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(Word, primary_key=True)
    rank: Mapped[int] = mapped_column(sa.SmallInteger)


class PersonWalk(Base):
    """How far the worker has come with comparing everybody's words, by the version of their rule.

    Times are in milliseconds.
    """

    __tablename__ = "person_walks"
    __table_args__ = {"info": {"copied": False}}

    rule: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    last_id: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    started: Mapped[int] = mapped_column(sa.BigInteger)
    finished: Mapped[int | None] = mapped_column(sa.BigInteger)
