"""`microblog backup` and `microblog restore`."""

from __future__ import annotations

from pathlib import Path

import click

from microblog.commands.site import Site, pass_site


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_site
def backup(site: Site, *, file: Path) -> None:
    """Write the whole database to FILE."""
    raise click.ClickException("This command is not made yet.")  # pragma: no cover  # in the next commit


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_site
def restore(site: Site, *, file: Path) -> None:
    """Load a backup."""
    raise click.ClickException("This command is not made yet.")  # pragma: no cover  # in the next commit
