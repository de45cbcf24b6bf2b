"""Every SQL statement about reports and their cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.db import build_insert, require_changed
from microblog.ids import get_timestamp, new_id, to_timestamp
from microblog.moderation.models import Report, ReportCase
from microblog.paging import Cursor, select_page
from microblog.posts.held import HELD
from microblog.posts.models import Post

OPEN, MINE, CLOSED = "open", "mine", "closed"
Actor = orm.aliased(User)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """See `ReportCase`. `claimer` is the nickname of whoever has claimed it, None when nobody has, or they
    are gone."""

    id: int
    subject: str
    person_id: int
    nickname: str
    post_id: int | None
    text: str
    claimed_by: int | None
    claimer: str | None
    closed_at: int | None
    decision: str
    is_held: bool

    @property
    def opened(self) -> datetime:
        return get_timestamp(self.id)

    @property
    def closed(self) -> datetime | None:
        return None if self.closed_at is None else to_timestamp(self.closed_at)

    @property
    def kind(self) -> str:
        return self.subject.partition(":")[0]

    @property
    def picture(self) -> str:
        """The number of the picture that it is about; empty when it is about none."""
        return self.subject.partition("/")[2]


IS_HELD = sa.func.coalesce(
    sa.select(Post.hidden == HELD).where(Post.id == ReportCase.post_id).scalar_subquery(), sa.false()
)
CASE_COLUMNS = (
    *(ReportCase.id, ReportCase.subject, ReportCase.person_id, User.nickname, ReportCase.post_id),
    *(ReportCase.text, ReportCase.claimed_by, Actor.nickname.label("claimer"), ReportCase.closed),
    *(ReportCase.decision, IS_HELD.label("is_held")),
)


def select_cases() -> Any:
    query = sa.select(*CASE_COLUMNS).join(User, User.id == ReportCase.person_id)
    return query.outerjoin(Actor, Actor.id == ReportCase.claimed_by)


def list_cases(session: orm.Session, state: str, me: int, cursor: Cursor, limit: int) -> list[CaseRow]:
    """A page of the cases that are open, that I have claimed, or that are closed, the latest first.

    None about myself.
    """
    query = select_cases().where(ReportCase.person_id != me)
    if state == CLOSED:
        query = query.where(ReportCase.closed.is_not(None))
    else:
        query = query.where(ReportCase.closed.is_(None))
        if state == MINE:
            query = query.where(ReportCase.claimed_by == me)
    return [CaseRow(*row) for row in session.execute(select_page(query, ReportCase.id, cursor, limit))]


def list_cases_of(session: orm.Session, user_id: int, limit: int) -> list[CaseRow]:
    """The latest cases about somebody."""
    query = select_cases().where(ReportCase.person_id == user_id).order_by(ReportCase.id.desc())
    return [CaseRow(*row) for row in session.execute(query.limit(limit))]


def get_case(session: orm.Session, case_id: int) -> CaseRow | None:
    row = session.execute(select_cases().where(ReportCase.id == case_id)).one_or_none()
    return None if row is None else CaseRow(*row)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """Who has reported it, by their nickname; None for a rule that holds a post."""

    id: int
    reporter_id: int | None
    reporter: str | None
    reason: str
    note: str
    wants_answer: bool

    @property
    def written(self) -> datetime:
        return get_timestamp(self.id)


REPORT_COLUMNS = (
    *(Report.id, Report.reporter_id, User.nickname, Report.reason, Report.note, Report.wants_answer),
)


def list_reports(session: orm.Session, case_id: int, cursor: Cursor, limit: int) -> list[ReportRow]:
    """The reports of a case, the latest first."""
    query = sa.select(*REPORT_COLUMNS).outerjoin(User, User.id == Report.reporter_id)
    page = select_page(query.where(Report.case_id == case_id), Report.id, cursor, limit)
    return [ReportRow(*row) for row in session.execute(page)]


def list_who_want_answers(session: orm.Session, case_id: int) -> Sequence[int]:
    wanted = sa.select(Report.reporter_id).where(Report.case_id == case_id, Report.wants_answer)
    found = session.scalars(wanted.order_by(Report.id))
    return [reporter_id for reporter_id in found if reporter_id is not None]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is reported: its name (see `ReportCase`), whose it is, and the text of the post."""

    name: str
    person_id: int
    post_id: int | None = None
    text: str = ""


def open_case(session: orm.Session, subject: Subject) -> int:
    """The id of the open case about this, a new one if there is none."""
    values = {
        "id": new_id(),
        "subject": subject.name,
        "person_id": subject.person_id,
        "post_id": subject.post_id,
        "text": subject.text,
    }
    is_open = sa.text("closed IS NULL")
    insert = build_insert(session, ReportCase).values(values)
    # It changes nothing, and finds the case that is there.
    insert = insert.on_conflict_do_update(
        index_elements=[ReportCase.subject], index_where=is_open, set_={"subject": subject.name}
    )
    return int(session.scalar(insert.returning(ReportCase.id)) or 0)


def has_reported(session: orm.Session, case_id: int, reporter_id: int) -> bool:
    mine = sa.select(Report.id).where(Report.reporter_id == reporter_id, Report.case_id == case_id)
    return session.scalar(mine.limit(1)) is not None


def add_report(
    session: orm.Session, case_id: int, reporter_id: int | None, reason: str, note: str, *, wants_answer: bool
) -> None:
    values = {"case_id": case_id, "reporter_id": reporter_id, "reason": reason, "note": note}
    session.execute(sa.insert(Report).values(id=new_id(), wants_answer=wants_answer, **values))


def claim(session: orm.Session, case_id: int, me: int) -> None:
    """:raises StaleData: when it is closed, or somebody else has claimed it."""
    free = sa.or_(ReportCase.claimed_by.is_(None), ReportCase.claimed_by == me)
    change(session, case_id, ReportCase.closed.is_(None), free, claimed_by=me)


def give_back(session: orm.Session, case_id: int) -> None:
    """:raises StaleData: when it is closed, or nobody has claimed it."""
    claimed = ReportCase.claimed_by.is_not(None)
    change(session, case_id, ReportCase.closed.is_(None), claimed, claimed_by=None)


def close(session: orm.Session, case_id: int, me: int, *, now: int, decision: str) -> None:
    """:raises StaleData: when it is closed, or somebody else has claimed it."""
    free = sa.or_(ReportCase.claimed_by.is_(None), ReportCase.claimed_by == me)
    values = {"closed": now, "closed_by": me, "decision": decision}
    change(session, case_id, ReportCase.closed.is_(None), free, **values)


def reopen(session: orm.Session, case_id: int, me: int) -> None:
    """:raises StaleData: when it is open, or there is a new case about the same."""
    other = orm.aliased(ReportCase)
    same = sa.select(other.id).where(other.subject == ReportCase.subject, other.closed.is_(None))
    is_free = ~same.correlate(ReportCase).exists()
    values = {"closed": None, "closed_by": None, "claimed_by": me}
    change(session, case_id, ReportCase.closed.is_not(None), is_free, **values)


def change(session: orm.Session, case_id: int, *conditions: Any, **values: Any) -> None:
    query = sa.update(ReportCase).where(ReportCase.id == case_id, *conditions).values(**values)
    require_changed(session.execute(query.execution_options(synchronize_session=False)))
