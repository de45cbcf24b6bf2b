"""`microblog audit`: the audit trail for other programs."""

from __future__ import annotations

import json

import click

from microblog.console.site import Site, pass_site
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
