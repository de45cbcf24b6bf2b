"""`microblog user delete|keep|departures`: deleting an account, and changing one's mind."""

from __future__ import annotations

import time

import click

from microblog.accounts import actions, departure_queries, departures
from microblog.accounts.command_lines import MINUTE, report_deleted_person, require_person
from microblog.accounts.settings import DELETION_DAYS
from microblog.console.progress import Progress
from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError

SECONDS_BETWEEN_LOOKS = 0.05


@click.command()
@click.argument("nickname")
@click.option("--now", "at_once", is_flag=True, help="Do not wait: they cannot change their mind.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_site
def delete(site: Site, *, nickname: str, at_once: bool, yes: bool) -> None:
    """Delete the account of NICKNAME, with all that they have written.

    They are logged out everywhere. Without --now they can change their mind by logging in, as if they had
    deleted it themselves. With it nothing is left when the command ends; if that is interrupted, the worker
    goes on.
    """
    database = site.require_database()
    with database.read() as session:
        person = require_person(session, nickname)
    days = 0 if at_once else site.registry.microblog[DELETION_DAYS]
    when = f"in {days} days" if days else "now, for ever"
    if not yes and not ask(f"Delete the account of {person.nickname} {when}?"):
        raise OperatorError("Nothing was changed.")
    try:
        with report_deleted_person(person), database.write() as session:
            due = actions.leave(session, person.id, days=days)
    except actions.LastAdmin:
        raise OperatorError(
            f"{person.nickname} is the only admin who stays: say `microblog user grant NICKNAME admin` first."
        ) from None
    if days:
        click.echo(
            f"{person.nickname} is logged out, and will be deleted on {due:{MINUTE}} unless they log in "
            f"before. `{site.command(f'user keep {person.nickname}')}` keeps them."
        )
        return
    departures.go(site.registry, person.id)
    remove_all(site, person.id)
    click.echo(f"{person.nickname} is deleted, and nothing is left of them.")


def ask(question: str) -> bool:
    """:raises OperatorError: when nobody is there to answer."""
    try:
        return click.confirm(question)
    except click.Abort:
        raise OperatorError("Nothing was changed: say yes, or use --yes.") from None


def remove_all(site: Site, user_id: int) -> None:
    """Remove what is left of somebody who is gone. What another worker removes now is waited for."""
    database = site.registry.database
    with database.read() as session:
        found = departure_queries.get_departure(session, user_id)
    total = 0 if found is None else found.left
    progress = Progress(total, "posts and follows")
    removal = departures.Removal(site.registry, user_id)
    while found is not None and found.ended is None:
        if not removal.remove_some():  # nothing is left, or a worker removes it
            time.sleep(SECONDS_BETWEEN_LOOKS)
        with database.read() as session:
            found = departure_queries.get_departure(session, user_id)
        progress.update(total - found.left if found else total, total - found.left if found else total)
    progress.finish()


@click.command()
@click.argument("nickname")
@pass_site
def keep(site: Site, *, nickname: str) -> None:
    """Keep the account of NICKNAME, which was to be deleted."""
    with site.require_database().write() as session:
        person = require_person(session, nickname)
        if not actions.stay(session, person.id):
            raise OperatorError(
                f"The account of {person.nickname} was not to be deleted: nothing was changed."
            )
    click.echo(f"{person.nickname} is kept, and can log in as before.")


@click.command("departures")
@pass_site
def list_departures(site: Site) -> None:
    """List accounts that are being deleted, or were within 30 days.

    Of whom is gone only the id is known.
    """
    with site.require_database().read() as session:
        found = departure_queries.list_departures(session)
    for departure in found:
        who = departure.nickname or f"user {departure.user_id}"
        click.echo(f"{who:<30} {describe_state(departure)}")
    if not found:
        click.echo("No account is being deleted.")


def describe_state(departure: departure_queries.DepartureRow) -> str:
    if departure.ended is not None:
        return f"deleted on {departure.ended:{MINUTE}}"
    if departure.gone is not None:
        return f"being deleted since {departure.gone:{MINUTE}}, {departure.left:,} posts and follows left"
    return f"asked on {departure.asked:{MINUTE}}, to be deleted on {departure.due:{MINUTE}}"
