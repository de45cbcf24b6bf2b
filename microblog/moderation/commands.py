"""`microblog audit`: the audit trail for other programs; `microblog user warn|hide|suspend` and so on."""

from __future__ import annotations

import json
from collections.abc import Callable

import click
from sqlalchemy import orm

from microblog.accounts.command_lines import require_person
from microblog.console.site import Site, pass_site
from microblog.db import StaleData
from microblog.errors import OperatorError
from microblog.moderation import actions
from microblog.moderation.actions import Case, Refused
from microblog.moderation.queries import AuditRow, walk_audit


@click.group()
def audit() -> None:
    """What admins and moderators did; nothing of it can be changed."""


@audit.command()
@pass_site
def export(site: Site) -> None:
    """Write all entries as lines of JSON, the first ones first."""
    for row in walk_audit(site.require_database()):
        click.echo(make_line(row))


def make_line(row: AuditRow) -> str:
    """An entry as a line of JSON, with its time in UTC."""
    return json.dumps(
        {
            "id": row.id,
            "time": row.done.isoformat(timespec="milliseconds"),
            "actor": row.actor or None,
            "actor_id": row.actor_id,
            "action": row.action,
            "person": row.person or None,
            "person_id": row.person_id,
            "subject": row.subject or None,
            "reason": row.reason,
            "said": row.said,
            "before": json.loads(row.before),
            "after": json.loads(row.after),
        },
        ensure_ascii=False,
    )


nickname = click.argument("nickname")
reason = click.option("--reason", required=True, help="Why, for the audit trail.")
said = click.option("--say", "said", default="", help="What NICKNAME is told.")


@click.command()
@nickname
@reason
@said
@pass_site
def warn(site: Site, *, nickname: str, reason: str, said: str) -> None:
    """Tell NICKNAME by mail what they did wrong."""
    person = act(site, nickname, reason, said, actions.warn)
    click.echo(f"{person} is warned.")


@click.command()
@nickname
@reason
@said
@pass_site
def hide(site: Site, *, nickname: str, reason: str, said: str) -> None:
    """Take NICKNAME out of the lists of everybody's posts and people, and out of search."""
    person = act(site, nickname, reason, said, actions.limit, "is suspended, or in no lists already")
    click.echo(f"{person} is in no list of everybody; `{site.command('user unhide')}` undoes it.")


@click.command()
@nickname
@reason
@said
@pass_site
def unhide(site: Site, *, nickname: str, reason: str, said: str) -> None:
    """Let NICKNAME be in the lists of everybody and in search again."""
    person = act(site, nickname, reason, said, actions.unlimit, "is suspended, or in lists already")
    click.echo(f"{person} is in lists again.")


@click.command()
@nickname
@reason
@said
@pass_site
def suspend(site: Site, *, nickname: str, reason: str, said: str) -> None:
    """Let nobody see anything of NICKNAME, who cannot log in; nothing is deleted."""
    person = act(site, nickname, reason, said, actions.suspend, "is suspended already")
    click.echo(f"{person} is suspended; `{site.command('user unsuspend')}` undoes it.")


@click.command()
@nickname
@reason
@said
@pass_site
def unsuspend(site: Site, *, nickname: str, reason: str, said: str) -> None:
    """End the suspension of NICKNAME: everything is as it was."""
    person = act(site, nickname, reason, said, actions.unsuspend, "is not suspended")
    click.echo(f"{person} is there again.")


def act(
    site: Site,
    nickname: str,
    reason: str,
    said: str,
    action: Callable[[orm.Session, Case], None],
    unchanged: str = "was deleted meanwhile",
) -> str:
    """Do it, and return the nickname.

    :raises OperatorError: when it may not be done, or nothing would change (`unchanged` says why).
    """
    if not reason.strip():
        raise OperatorError("Say why: other moderators read it later.")
    with site.require_database().write() as session:
        person = require_person(session, nickname)
        try:
            action(session, Case(None, person.id, reason.strip(), said.strip()))
        except Refused as refused:
            raise OperatorError(str(refused.sentence)) from None
        except StaleData:
            raise OperatorError(f"{person.nickname} {unchanged}: nothing was changed.") from None
    return person.nickname
