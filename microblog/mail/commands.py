"""`microblog mail`: test mail."""

from __future__ import annotations

import click

from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from microblog.mail.interfaces import get_transport
from microblog.mail.messages import make_message
from microblog.web.pages import SITE_NAME


@click.group()
def mail() -> None:
    """Test whether mail can be sent."""


@mail.command()
@click.argument("address")
@pass_site
def test(site: Site, *, address: str) -> None:
    """Send one mail to ADDRESS, as the settings say."""
    settings = site.registry.microblog
    name = settings[SITE_NAME]
    try:
        message = make_message(
            settings,
            address,
            f"[{name}] Mail works",
            f"This is the mail that `microblog mail test` sends.\nSince you read it, {name} can send mail.\n",
        )
    except ValueError:
        raise OperatorError("This is not an e-mail address: give one such as admin@example.org.") from None
    click.echo(get_transport(site.registry).send(message))
