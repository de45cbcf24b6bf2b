"""`microblog settings`: every setting in force, and where it comes from."""

from __future__ import annotations

from typing import Any

import click

from microblog.console.site import Site, pass_site
from microblog.db import DATABASE_URL, mask_password
from microblog.redaction import hide_passwords
from microblog.settings import Setting


@click.command()
@pass_site
def settings(site: Site) -> None:
    """Every setting in force, its source, and what it means."""
    in_force = site.registry.microblog
    for setting in sorted(in_force, key=lambda setting: setting.key):
        source = in_force.get_source(setting)
        if not in_force.is_in_use(setting):
            if source == "default":
                continue
            source += " (not in use)"
        click.echo(f"{setting.key} = {format_setting(setting, in_force[setting])}")
        click.echo(f"    from: {source}")
        click.echo(f"    {setting.help}")
    for warning in in_force.warnings:
        click.echo(f"Warning: {warning}", err=True)


def format_setting(setting: Setting[Any], value: Any) -> str:
    """The value as the ini file spells it; for a secret only whether it is set."""
    if setting is DATABASE_URL:
        return mask_password(value)
    if setting.secret:
        return "(secret)" if value else "(not set)"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    return hide_passwords(str(value))
