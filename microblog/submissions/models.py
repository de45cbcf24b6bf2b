"""The tables of kept forms and of the results of forms."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.db import Base, Id, UTCDateTime


class KeptForm(Base):
    """A form that was sent after the session had ended; after the log-in it is shown filled in.

    `fields` are pairs of names and values, as JSON. `token_hash` is the SHA-256 of the token in the address.
    """

    __tablename__ = "kept_forms"
    __table_args__ = {"info": {"copied": False}}  # a browser waits for it, just now

    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True, info={"secret": True})
    user_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    path: Mapped[str] = mapped_column(sa.Text)
    fields: Mapped[str] = mapped_column(sa.Text, info={"secret": True})
    created: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class FormResult(Base):
    """The answer to a form, to be repeated when the same form comes again.

    `messages` are the pairs of `request.flash`, as JSON. The last three are set by a form that logs in: the
    person, whether to remember them, and the SHA-256 of the password hash that was verified.
    """

    __tablename__ = "form_results"
    __table_args__ = {"info": {"copied": False}}  # a browser waits for it, just now

    fingerprint: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    created: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    location: Mapped[str] = mapped_column(sa.Text)
    messages: Mapped[str] = mapped_column(sa.Text)
    user_id: Mapped[int | None] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    remembered: Mapped[bool | None]
    password_digest: Mapped[str | None] = mapped_column(sa.String(64), info={"secret": True})
