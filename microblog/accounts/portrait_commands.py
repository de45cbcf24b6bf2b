"""`microblog user remove-picture`: an avatar or a header that must not be shown."""

from __future__ import annotations

import click

from microblog.accounts import actions
from microblog.accounts.command_lines import report_deleted_person, require_person
from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from microblog.media.plans import AVATAR, HEADER


@click.command("remove-picture")
@click.argument("nickname")
@click.argument("picture", type=click.Choice([AVATAR, HEADER]))
@pass_site
def remove_picture(site: Site, *, nickname: str, picture: str) -> None:
    """Remove the avatar or the header of NICKNAME; the worker deletes its files."""
    with site.require_database().write() as session:
        person = require_person(session, nickname)
        with report_deleted_person(person):
            is_removed = actions.remove_portrait(session, person.id, picture)
        if not is_removed:
            raise OperatorError(f"{person.nickname} has no {picture} of their own: nothing was changed.")
    click.echo(f"The {picture} of {person.nickname} is removed.")
