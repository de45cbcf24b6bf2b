"""`microblog settings`: what is in force, and where it comes from."""

from __future__ import annotations

import re
from typing import Any

import click

from microblog.commands.site import Site, pass_site
from microblog.settings import Setting

# Of an address; the name before it is none.
PASSWORD = re.compile(r"(://[^/@:\s]*:)[^/@\s]+(?=@)")


@click.command()
@pass_site
def settings(site: Site) -> None:
    """Every setting in force, its source, and what it means."""
    in_force = site.registry.microblog
    for setting in sorted(in_force, key=lambda setting: setting.key):
        click.echo(f"{setting.key} = {shown(setting, in_force[setting])}")
        click.echo(f"    from: {in_force.source(setting)}")
        click.echo(f"    {setting.help}")


def shown(setting: Setting[Any], value: Any) -> str:
    """As the ini file spells it; a secret only says whether it is set."""
    if setting.secret:
        return "(secret)" if value else "(not set)"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else PASSWORD.sub(r"\1***", str(value))
