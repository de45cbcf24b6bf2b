"""The tables of mails to people, and of the kinds that somebody has switched off."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id

KIND_CHARACTERS = 30
CAUSE_CHARACTERS = 200
ADDRESS_CHARACTERS = 254  # RFC 5321
MESSAGE_ID_CHARACTERS = 300
STATE_CHARACTERS = 10


class Mail(Base):
    """A mail to a person, or to an address that is nobody's yet (`user_id` is NULL).

    `cause` says to whom and why (`12/follow 5`): there is one mail of a kind for each. Times are milliseconds
    since 1970. `begun` is when a worker began to send it, and NULL when that worker has said what became of
    it: a worker that finds it set repeats what another one may have sent, and notes `is_perhaps_twice`.
    The text is deleted when the mail is sent or dropped. `answer` is what the server said last, or why it
    was dropped.
    """

    __tablename__ = "mails"
    __table_args__ = (
        sa.UniqueConstraint("kind", "cause"),
        sa.Index(None, "user_id"),
        sa.Index(None, "state", "id"),
        sa.Index(None, "state", "finished"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(KIND_CHARACTERS))
    cause: Mapped[str] = mapped_column(sa.String(CAUSE_CHARACTERS))
    user_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"))
    # As it was when the mail was written; a mail to another address than that of the account says so.
    address: Mapped[str] = mapped_column(sa.String(ADDRESS_CHARACTERS), info={"secret": True})
    is_own_address: Mapped[bool]
    message_id: Mapped[str] = mapped_column(sa.String(MESSAGE_ID_CHARACTERS))
    subject: Mapped[str] = mapped_column(sa.Text, info={"secret": True})
    text: Mapped[str | None] = mapped_column(sa.Text, info={"secret": True})
    html: Mapped[str | None] = mapped_column(sa.Text, info={"secret": True})
    created: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[str] = mapped_column(sa.String(STATE_CHARACTERS))
    begun: Mapped[int | None] = mapped_column(sa.BigInteger)
    finished: Mapped[int | None] = mapped_column(sa.BigInteger)
    answer: Mapped[str | None] = mapped_column(sa.Text)
    is_perhaps_twice: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)


class MailRefusal(Base):
    """A person has switched off this kind of mails."""

    __tablename__ = "mail_refusals"
    __table_args__ = {"sqlite_with_rowid": False}

    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(KIND_CHARACTERS), primary_key=True)
