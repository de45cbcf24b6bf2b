"""`microblog database`: make it, upgrade it, look whether it is as it should be."""

from __future__ import annotations

from typing import Any

import click

from microblog.console.site import Site, pass_site
from microblog.operations import migrating


@click.group()
def database() -> None:
    """Make, upgrade and check the database."""


@database.command()
@pass_site
def upgrade(site: Site) -> None:
    """Bring the database, and the tables of search, up to date."""
    click.echo(site.upgrade())


@database.command()
@pass_site
def check(site: Site) -> None:
    """Look whether the database is as this version needs it; exit status 1 when it is not."""
    problems = list(site.problems())
    if site.problem_of_database() is None:
        problems += [
            f"The database differs from what microblog made ({difference}): undo that change by hand."
            for difference in map(described, migrating.differences(site.database))
        ]
    if problems:
        raise click.ClickException("\n".join(problems))
    with site.database.read() as session:
        status = site.registry.search.status(session)
    click.echo(f"The database is as it should be (revision {migrating.head()}).")
    click.echo(f"Search ({status.adapter}): {status.documents:,} posts indexed, {status.pending:,} wait.")


def described(difference: Any) -> str:
    """One of Alembic's differences, on one line; changed columns come as lists of such."""
    first = difference[0] if isinstance(difference, list) else difference
    return " ".join(str(part) for part in first if part is not None)
