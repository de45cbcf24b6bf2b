"""Telling people what others did, in the transaction of the caller, by a constant number of statements."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import orm

from microblog.ids import new_id
from microblog.mail.actions import Letter, write_mails
from microblog.notifications import queries
from microblog.notifications.queries import Recipient
from microblog.notifications.rules import get_day, name_cause


def tell(
    session: orm.Session,
    kind: str,
    actor_id: int,
    user_id: int,
    *,
    cause: int = 0,
    post_id: int | None = None,
) -> None:
    """Tell a person what the actor did, unless they do not want this kind, or do not see the actor.

    The kind is one of `config.add_notification_kind`. Where nobody did it (an export is ready), the actor is
    the person: see `tell_about_oneself`.
    """
    recipients = queries.find_recipients(session, kind, actor_id, user_id)
    _write(session, recipients, actor_id, cause=cause, post_id=post_id)


def tell_about_oneself(session: orm.Session, kind: str, user_id: int, *, cause: int = 0) -> None:
    """Tell a person what nobody else did: an export is ready."""
    recipients = queries.find_oneself(session, kind, user_id)
    _write(session, recipients, user_id, cause=cause)


def tell_author(session: orm.Session, kind: str, actor_id: int, post_id: int) -> None:
    """Tell the author of a post what the actor did with it."""
    recipients = queries.find_author(session, kind, actor_id, post_id)
    _write(session, recipients, actor_id, cause=post_id, post_id=post_id)


def tell_people_of_post(session: orm.Session, post_id: int, author_id: int) -> None:
    """Tell whom a published post answers and mentions: each of them once."""
    recipients = queries.find_people_of_post(session, post_id, author_id)
    _write(session, recipients, author_id, cause=post_id, post_id=post_id)


def tell_people_mentioned_since(
    session: orm.Session, post_id: int, author_id: int, keys: Collection[str]
) -> None:
    """Tell whom an edit has mentioned by these keys of nicknames."""
    recipients = queries.find_people_mentioned_since(session, post_id, author_id, keys)
    _write(session, recipients, author_id, cause=post_id, post_id=post_id)


def _write(
    session: orm.Session,
    recipients: Sequence[Recipient],
    actor_id: int,
    *,
    cause: int,
    post_id: int | None = None,
) -> None:
    _write_rows(
        session, [each for each in recipients if each.on_site], actor_id, cause=cause, post_id=post_id
    )
    _write_mails(session, recipients, actor_id, cause=cause, post_id=post_id)


def _write_mails(
    session: orm.Session,
    recipients: Sequence[Recipient],
    actor_id: int,
    *,
    cause: int,
    post_id: int | None,
) -> None:
    """Not to whom a digest lists it. The actor is of the cause: two who follow are two mails, and one who
    follows again is one."""
    kinds = session.info["registry"].notification_kinds
    mailed = [
        each
        for each in recipients
        if kinds[each.kind].mail is not None and not (each.has_digest and each.on_site)
    ]
    if mailed:
        values = queries.get_values_of_mail(session, actor_id, post_id)
        name = name_cause(cause, actor_id)
        write_mails(session, [Letter(each.kind, each.id, values, name) for each in mailed])


def _write_rows(
    session: orm.Session,
    recipients: Sequence[Recipient],
    actor_id: int,
    *,
    cause: int,
    post_id: int | None,
) -> None:
    if not recipients:
        return
    kinds = session.info["registry"].notification_kinds
    now = new_id()
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "user_id": recipient.id,
            "kind": recipient.kind,
            "cause": cause,
            "day": get_day(recipient.preferences, now) if kinds[recipient.kind].folded else 0,
            "post_id": post_id,
            "latest": now,
        }
        for recipient in recipients
    ]
    groups = queries.keep_groups(session, rows)
    added = queries.keep_notifications(
        session, [{"group_id": group_id, "actor_id": actor_id, "id": now} for group_id in groups]
    )
    older = [group_id for group_id, latest in groups.items() if latest < now and added[group_id] == now]
    if older:
        queries.move_up(session, older, now)


def save_choices(session: orm.Session, user_id: int, choices: dict[tuple[str, str], bool]) -> None:
    """Keep what a person wants to be told about, by channel and kind."""
    queries.save_choices(session, user_id, choices)


def mark_read(session: orm.Session, user_id: int, group_id: int, until: int) -> None:
    """A person has seen what a line of their list said up to this id. Doing it twice is the same as once."""
    queries.mark_read(session, user_id, group_id, until)


def mark_all_read(session: orm.Session, user_id: int, until: int) -> None:
    """A person has seen what their list said up to this id."""
    queries.mark_all_read(session, user_id, until)
