"""`microblog database`: make, upgrade and check the database."""

from __future__ import annotations

import click

from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from microblog.operations import migrating
from microblog.search.interfaces import get_search_index


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
    """Check whether the database is as this version needs it; exit status 1 when it is not."""
    problems = list(site.find_problems())
    if site.find_database_problem() is None:
        problems += [
            f"The database differs from what microblog made ({difference}): undo that change by hand."
            for difference in map(migrating.describe_difference, migrating.find_differences(site.database))
        ]
    if problems:
        raise OperatorError("\n".join(problems))
    with site.database.read() as session:
        status = get_search_index(site.registry).status(session)
    click.echo(f"The database is as it should be (revision {migrating.get_head()}).")
    click.echo(f"Search ({status.adapter}): {status.documents:,} posts indexed, {status.pending:,} wait.")
