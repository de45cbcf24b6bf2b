"""Reporting, and what moderators do with reports, in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import orm

from microblog.db import StaleData
from microblog.ids import get_now
from microblog.mail.actions import write_mail
from microblog.moderation import actions, audit, queries
from microblog.moderation import report_queries as reports
from microblog.moderation.actions import Case
from microblog.moderation.models import PERSON, PICTURE, POST
from microblog.moderation.queries import Deed
from microblog.moderation.report_queries import CaseRow, Subject
from microblog.posts.events import PostHeld
from microblog.posts.queries import PostRow
from microblog.security.identity import Identity

ANSWER = "report"  # the kind of mails


def name_person(user_id: int) -> Subject:
    return Subject(f"{PERSON}:{user_id}", user_id)


def name_post(post: PostRow, picture: int | None = None) -> Subject:
    """A post, or one of its pictures, by its number from 1."""
    name = f"{POST}:{post.id}" if picture is None else f"{PICTURE}:{post.id}/{picture}"
    return Subject(name, post.author_id, post.id, post.body)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What somebody says who reports something."""

    reason: str
    note: str
    wants_answer: bool


def report(session: orm.Session, reporter_id: int, subject: Subject, complaint: Complaint) -> bool:
    """Report something; False when they have reported it before, and it is still open."""
    case_id = reports.open_case(session, subject)
    if reports.has_reported(session, case_id, reporter_id):
        return False
    reports.add_report(
        session,
        case_id,
        reporter_id,
        complaint.reason,
        complaint.note,
        wants_answer=complaint.wants_answer,
    )
    return True


def open_held(event: PostHeld) -> None:
    """A post that a rule holds is a case, too."""
    subject = Subject(f"{POST}:{event.post_id}", event.author_id, event.post_id, event.body)
    case_id = reports.open_case(event.session, subject)
    reports.add_report(event.session, case_id, None, "", event.reason, wants_answer=False)


# What moderators do


def claim(session: orm.Session, me: Identity, case: CaseRow) -> None:
    """:raises StaleData: when it is closed, or somebody else has claimed it."""
    reports.claim(session, case.id, me.id)
    record(session, me, case, audit.CLAIM)


def give_back(session: orm.Session, me: Identity, case: CaseRow) -> None:
    """:raises StaleData: when it is closed, or nobody has claimed it."""
    reports.give_back(session, case.id)
    record(session, me, case, audit.GIVE_BACK)


def reopen(session: orm.Session, me: Identity, case: CaseRow) -> None:
    """:raises StaleData: when it is open, or there is a new case about the same."""
    reports.reopen(session, case.id, me.id)
    record(session, me, case, audit.REOPEN)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a case is closed: `reason` is for moderators, `said` for whom it is about, `decision` for whoever
    has reported it and wants to know."""

    reason: str
    said: str
    decision: str


ChangePosts = Callable[[orm.Session, Case, Sequence[int]], int]
POST_DEEDS: dict[str, ChangePosts] = {
    "hide": actions.hide_posts,
    "show": actions.show_posts,
    "delete": actions.delete_posts,
}


def close(session: orm.Session, me: Identity, case: CaseRow, ending: Ending, deed: str | None = None) -> None:
    """Close it, after the post was changed by a `deed` of `POST_DEEDS`; the reporters are told by mail.

    :raises StaleData: when it is closed, or somebody else has claimed it.
    :raises Refused: when I may not act on this person.
    """
    now = get_now()
    reports.close(session, case.id, me.id, now=now, decision=ending.decision)
    if deed is not None and case.post_id is not None:
        acted = Case(me, case.person_id, ending.reason, ending.said)
        if not POST_DEEDS[deed](session, acted, [case.post_id]):
            raise StaleData("The post is not any more as it was.")
    record(session, me, case, audit.CLOSE, reason=ending.reason, said=ending.decision)
    values = {"nickname": case.nickname, "is_about": case.kind, "decision": ending.decision}
    for user_id in reports.list_who_want_answers(session, case.id):
        write_mail(session, kind=ANSWER, user_id=user_id, values=values, cause=f"case {case.id} {now}")


def record(
    session: orm.Session, me: Identity, case: CaseRow, action: str, *, reason: str = "", said: str = ""
) -> None:
    """About whom the case is, in the audit trail."""
    deed = Deed(
        action=action,
        actor_id=me.id,
        person_id=case.person_id,
        subject=case.subject,
        reason=reason,
        said=said,
    )
    queries.record(session, deed)
