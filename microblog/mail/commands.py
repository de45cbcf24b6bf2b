"""`microblog mail`: test mail; and `microblog outbox … --kind mail` in the words of mails to people."""

from __future__ import annotations

import click

from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from microblog.mail import actions, queries
from microblog.mail.describing import describe_state
from microblog.mail.interfaces import get_transport
from microblog.mail.messages import make_message
from microblog.mail.queries import KIND, STATES, MailRow
from microblog.outbox import inspection
from microblog.outbox.commands import format_time, shorten
from microblog.outbox.queries import measure_depth
from microblog.web.pages import SITE_NAME

MAILS_SHOWN = 20
IDS = click.argument("ids", metavar="[ID]...", type=int, nargs=-1)


@click.group()
def mail() -> None:
    """Test whether mail can be sent; list what became of mails to people, retry or drop them."""


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


@mail.command()
@click.option("--state", type=click.Choice(STATES), help="Only mails of this state.")
@click.option("--most", type=click.IntRange(1), default=MAILS_SHOWN, help="How many mails.  [default: 20]")
@pass_site
def queue(site: Site, *, state: str | None, most: int) -> None:
    """How many mails wait, whether the mail server is waited for, and the newest mails."""
    with site.require_database().read() as session:
        depth = measure_depth(session, KIND)
        pauses = inspection.list_pauses(session, KIND)
        mails = queries.list_mails(session, state, most)
    oldest = f", the oldest for {depth.lag_seconds:,.0f} seconds" if depth.waiting else ""
    click.echo(f"{depth.waiting:,} mails wait{oldest}; {depth.dead_letters:,} were refused.")
    for _name, _destination, until, error in pauses:
        click.echo(f"No mail is sent before {format_time(until)}: {error}")
    for each in mails:
        answer = f"  {shorten(each.answer)}" if each.answer else ""
        click.echo(f"{each.id}  {each.kind}  {each.address}  {describe(each)}{answer}")


@mail.command()
@click.argument("mail_id", metavar="ID", type=int)
@pass_site
def show(site: Site, *, mail_id: int) -> None:
    """Show one mail: to whom and why, what became of it, and its text unless that has a secret link."""
    with site.require_database().read() as session:
        found = queries.get_mail(session, mail_id)
    if found is None:
        raise OperatorError(f"There is no mail {mail_id}: it is gone, or there never was one.")
    kind = site.registry.mail_kinds.get(found.kind)
    is_secret = kind is None or kind.is_secret
    text = "(has a secret link)" if found.text and is_secret else found.text or "(deleted)"
    for name, value in (
        ("id", found.id),
        ("address", found.address),
        ("subject", found.subject),
        ("kind", found.kind),
        ("cause", found.cause),
        ("written", format_time(found.created)),
        ("state", describe(found)),
        ("finished", "-" if found.finished is None else format_time(found.finished)),
        ("answer", found.answer or "-"),
        ("attempts", found.attempts or 0),
        ("Message-ID", found.message_id),
        ("text", text),
    ):
        click.echo(f"{name}: {value}")


@mail.command()
@IDS
@click.option("--all", "all_of_them", is_flag=True, help="All that wait, or were refused.")
@pass_site
def retry(site: Site, *, ids: tuple[int, ...], all_of_them: bool) -> None:
    """Send these mails in the worker's next round, also those that were refused."""
    if bool(ids) == all_of_them:
        raise click.UsageError("Name either mails by their ids, or --all.")
    with site.require_database().write() as session:
        count = actions.retry_all(session) if all_of_them else actions.retry(session, ids)
    click.echo(f"{count:,} mails will be sent in the worker's next round.")


@mail.command()
@click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
@pass_site
def drop(site: Site, *, ids: tuple[int, ...]) -> None:
    """Never send these mails."""
    with site.require_database().write() as session:
        count = actions.drop(session, ids)
    click.echo(f"{count:,} mails are dropped.")


def describe(mail: MailRow) -> str:
    return f"{describe_state(mail)}{', perhaps sent twice' if mail.is_perhaps_twice else ''}"
