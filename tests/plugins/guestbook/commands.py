"""`microblog guestbook`: what operators do with it."""

from __future__ import annotations

from typing import Any

import click

from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from tests.plugins.guestbook import queries
from tests.plugins.guestbook.models import Signature


@click.group()
def guestbook() -> None:
    """Make the guestbook, and read it."""


@guestbook.command()
@pass_site
def install(site: Site) -> None:
    """Make its table, which no migration of microblog makes."""
    table: Any = Signature.__table__
    table.create(site.require_database().engine, checkfirst=True)
    click.echo("The guestbook is there.")


@guestbook.command("list")
@pass_site
def list_signatures(site: Site) -> None:
    """Print what was signed, the newest first."""
    with site.require_database().read() as session:
        signatures = queries.list_signatures(session)
    if not signatures:
        raise OperatorError("Nobody has signed the guestbook yet: be the first.")
    for nickname, text, _ in signatures:
        click.echo(f"{nickname}: {text}")
