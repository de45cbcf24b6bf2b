"""`microblog copy-database FROM TO`."""

from __future__ import annotations

import click


@click.command("copy-database")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy_database(source: str, target: str) -> None:
    """Copy everything to another database."""
    raise click.ClickException("This command is not made yet.")  # pragma: no cover  # in the next commit
