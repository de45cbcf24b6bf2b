"""What moderators did, and whom they have suspended."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from microblog.accounts.models import NICKNAME_LENGTH
from microblog.db import Base, Id

ACTION_CHARACTERS = 40
SUBJECT_CHARACTERS = 60


class AuditEntry(Base):
    """Who did what to whom. Its id has the time (`microblog.ids`).

    It is kept when these people are deleted, so it has their nicknames of that time, in lower case, and its
    ids are no foreign keys. `actor_id` is NULL for the command line. `subject` is what it was about besides
    the person (`post:123`), or empty. `reason` is for moderators, `said` what the person was told; `before`
    and `after` are JSON. Triggers refuse every change.
    """

    __tablename__ = "audit_entries"
    __table_args__ = tuple(
        sa.Index(f"ix_audit_entries_{column}_id", column, "id")
        for column in ("actor_id", "actor", "person_id", "person", "action")
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    actor_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    actor: Mapped[str] = mapped_column(sa.String(NICKNAME_LENGTH))
    action: Mapped[str] = mapped_column(sa.String(ACTION_CHARACTERS))
    person_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    person: Mapped[str] = mapped_column(sa.String(NICKNAME_LENGTH))
    subject: Mapped[str] = mapped_column(sa.String(SUBJECT_CHARACTERS))
    reason: Mapped[str] = mapped_column(sa.Text)
    said: Mapped[str] = mapped_column(sa.Text)
    before: Mapped[str] = mapped_column(sa.Text)
    after: Mapped[str] = mapped_column(sa.Text)


REASON_CHARACTERS = 100
PERSON, POST, PICTURE = "person", "post", "picture"  # what a case is about


class ReportCase(Base):
    """What people have reported, or a post that is held: all reports of one thing until it is closed.

    `subject` is `post:123`, `person:45`, or `picture:123/2` of a post. `text` is the post's when it was first
    reported. `claimed_by` and `closed_by` are ids of moderators, and no foreign keys, since a case stays when
    they are gone; `closed` is when (milliseconds since 1970), and `decision` what the reporters are told.
    """

    __tablename__ = "report_cases"
    __table_args__ = (
        sa.Index(
            "uq_report_cases_subject",
            "subject",
            unique=True,
            sqlite_where=sa.text("closed IS NULL"),
            postgresql_where=sa.text("closed IS NULL"),
        ),
        sa.Index(
            "ix_report_cases_id_open",
            "id",
            sqlite_where=sa.text("closed IS NULL"),
            postgresql_where=sa.text("closed IS NULL"),
        ),
        sa.Index(
            "ix_report_cases_claimed_by_id_open",
            "claimed_by",
            "id",
            sqlite_where=sa.text("closed IS NULL"),
            postgresql_where=sa.text("closed IS NULL"),
        ),
        sa.Index("ix_report_cases_person_id_id", "person_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(sa.String(SUBJECT_CHARACTERS))
    person_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"))
    post_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    text: Mapped[str] = mapped_column(sa.Text)
    claimed_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    closed: Mapped[int | None] = mapped_column(sa.BigInteger)
    closed_by: Mapped[int | None] = mapped_column(sa.BigInteger)
    decision: Mapped[str] = mapped_column(sa.Text, default="", server_default=sa.text("''"))


class Report(Base):
    """Who has reported it, and why; without a reporter a rule holds the post (`note` says which)."""

    __tablename__ = "reports"
    __table_args__ = (sa.Index("ix_reports_case_id_id", "case_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    case_id: Mapped[int] = mapped_column(Id, sa.ForeignKey("report_cases.id", ondelete="CASCADE"))
    reporter_id: Mapped[int | None] = mapped_column(
        Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    reason: Mapped[str] = mapped_column(sa.String(REASON_CHARACTERS))
    note: Mapped[str] = mapped_column(sa.Text)
    wants_answer: Mapped[bool]


# Of a suspension: the worker hides what counts of somebody, all of it is hidden, or the worker gives it back,
# and they are no longer suspended.
HIDES, HIDDEN, RETURNS = 0, 1, 2


class Suspension(Base):
    """Somebody is suspended `since` (milliseconds since 1970), and was told what is in `said`. The worker has
    marked their posts up to the id `position`.
    """

    __tablename__ = "suspensions"
    __table_args__ = (sa.Index("ix_suspensions_state_user_id", "state", "user_id"),)

    user_id: Mapped[int] = mapped_column(
        Id, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    since: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    said: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[int] = mapped_column(sa.SmallInteger, default=HIDES, server_default=sa.text("0"))
    position: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default=sa.text("0"))


def refer_to_suspended() -> Mapped[int]:
    return mapped_column(Id, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)


class WithheldFollow(Base):
    """A row of `follows` while `of_id`, one of the two, is suspended. The other one may be gone meanwhile."""

    __tablename__ = "withheld_follows"

    follower_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    followee_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    since: Mapped[int] = mapped_column(sa.BigInteger)
    of_id: Mapped[int] = refer_to_suspended()


class WithheldLike(Base):
    """A row of `likes` of somebody who is suspended. The post may be gone meanwhile."""

    __tablename__ = "withheld_likes"

    user_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(sa.BigInteger)
    of_id: Mapped[int] = refer_to_suspended()


class WithheldBoost(Base):
    """A row of `boosts`, likewise."""

    __tablename__ = "withheld_boosts"

    user_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(sa.BigInteger)
    of_id: Mapped[int] = refer_to_suspended()
