"""`microblog guestbook`: what is in it, without a browser."""

from __future__ import annotations

import click

from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from tests.plugins.guestbook import queries


@click.command()
@pass_site
def guestbook(site: Site) -> None:
    """List the signatures of the guestbook."""
    with site.require_database().read() as session:
        found = queries.list_signatures(session)
    if not found:
        raise OperatorError("Nobody has signed the guestbook yet: be the first.")
    for signature in found:
        click.echo(f"{signature.nickname}: {signature.text}")
