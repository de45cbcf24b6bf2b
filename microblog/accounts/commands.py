"""`microblog user`: manage accounts from the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import click
from sqlalchemy import orm

from microblog.accounts import (
    actions,
    departure_commands,
    departure_queries,
    passwords,
    portrait_commands,
    queries,
    rules,
    session_queries,
)
from microblog.accounts.browsers import describe_browser
from microblog.accounts.by_mail.queries import is_confirmed
from microblog.accounts.command_lines import MINUTE, report_deleted_person, require_person
from microblog.accounts.forms import TAKEN_EMAIL, TAKEN_NICKNAME
from microblog.accounts.new_address import queries as address_queries
from microblog.accounts.new_address.actions import give_address
from microblog.accounts.registrations import actions as registrations
from microblog.accounts.registrations import queries as waiting
from microblog.accounts.registrations.forms import MOST_DAYS, MOST_USES
from microblog.console.site import OpenGroup, Site, pass_site
from microblog.errors import OperatorError
from microblog.security.settings import PUBLIC_URL
from microblog.texts import InvalidText
from microblog.web.pages import SITE_NAME

password_stdin = click.option(
    "--password-stdin",
    "from_stdin",
    is_flag=True,
    help="Read the password from the first line of standard input.",
)
right = click.argument("right", type=click.Choice(actions.ROLES))


@click.group(cls=OpenGroup)
def user() -> None:
    """Add people, set passwords and addresses, grant rights, approve who waits, remove pictures, delete
    accounts."""


for command in (
    departure_commands.delete,
    departure_commands.keep,
    departure_commands.list_departures,
    portrait_commands.remove_picture,
):
    user.add_command(command)


@user.command()
@click.argument("nickname")
@click.option("--email", help="Their e-mail address.")
@click.option("--display-name", default="", help="The name that is shown before their nickname.")
@click.option("--admin", is_flag=True, help="Also grant the right admin.")
@password_stdin
@pass_site
def add(
    site: Site, *, nickname: str, email: str | None, display_name: str, admin: bool, from_stdin: bool
) -> None:
    """Add a person called NICKNAME."""
    database = site.require_database()
    nickname, email = nickname.strip(), email and email.strip()
    display_name = require_display_name(display_name)
    with database.read() as session:
        check_details(session, nickname, email)
        if queries.find_owner_id(session, nickname) is not None:
            refuse_nickname(session, nickname, TAKEN_NICKNAME)
    password_hash = ask_password_hash(site, nickname, email, from_stdin=from_stdin)
    try:
        with database.write() as session:
            user_id = actions.create_account(
                session, nickname, email=email, password_hash=password_hash, is_admin=admin
            )
            if display_name:
                actions.set_display_name(session, user_id, display_name)
    except queries.NicknameTaken:  # since the check above
        raise OperatorError(f"{TAKEN_NICKNAME} Try again with another.") from None
    except queries.EmailTaken:
        raise OperatorError(f"{TAKEN_EMAIL} Give another with --email.") from None
    click.echo(f"{nickname} can log in now{', and is an admin' if admin else ''}.")


@user.command()
@click.argument("nickname")
@password_stdin
@pass_site
def password(site: Site, *, nickname: str, from_stdin: bool) -> None:
    """Set the password of NICKNAME, and log them out everywhere."""
    database = site.require_database()
    with database.read() as session:
        person = require_person(session, nickname)
    password_hash = ask_password_hash(site, person.nickname, person.email, from_stdin=from_stdin)
    with report_deleted_person(person), database.write() as session:
        actions.set_password(session, person.id, password_hash)
    click.echo(f"The password of {person.nickname} is set; they have to log in again everywhere.")


@user.command("display-name")
@click.argument("nickname")
@click.argument("name", metavar="NAME")
@pass_site
def set_display_name(site: Site, *, nickname: str, name: str) -> None:
    """Set the display name of NICKNAME, or remove it when NAME is empty ("")."""
    name = require_display_name(name)
    with site.require_database().write() as session:
        person = require_person(session, nickname)
        with report_deleted_person(person):
            actions.set_display_name(session, person.id, name)
    click.echo(
        f"{person.nickname} is shown as {name}." if name else f"{person.nickname} has no display name."
    )


@user.command()
@click.argument("nickname")
@right
@pass_site
def grant(site: Site, *, nickname: str, right: str) -> None:
    """Make NICKNAME an admin, or a moderator."""
    change_right(site, nickname, right, granted=True)


@user.command()
@click.argument("nickname")
@right
@pass_site
def revoke(site: Site, *, nickname: str, right: str) -> None:
    """Revoke a right of NICKNAME."""
    change_right(site, nickname, right, granted=False)


@user.command("email")
@click.argument("nickname")
@click.argument("address")
@pass_site
def set_email(site: Site, *, nickname: str, address: str) -> None:
    """Set the e-mail address of NICKNAME, at once; it counts as confirmed."""
    address = address.strip()
    check_text(address, rules.EMAIL_MISSING, rules.check_email)
    with site.require_database().write() as session:
        person = require_person(session, nickname)
        try:
            with report_deleted_person(person):
                give_address(session, person.id, address)
        except queries.EmailTaken:
            raise OperatorError(f"Somebody else has the address {address}: nothing was changed.") from None
    click.echo(f"{person.nickname} has the address {address} now.")


@user.command("nickname")
@click.argument("nickname")
@click.argument("new")
@pass_site
def set_nickname(site: Site, *, nickname: str, new: str) -> None:
    """Give NICKNAME the nickname NEW; the former one still leads to them."""
    new = new.strip()
    with site.require_database().write() as session:
        person = require_person(session, nickname)
        check_details(session, new, None)
        with report_deleted_person(person):
            profile = queries.get_profile(session, person.id)
        try:
            actions.change_profile(
                session,
                person.id,
                nickname=new,
                display_name=profile.display_name,
                about_me=profile.about_me,
            )
        except queries.NicknameTaken:
            refuse_nickname(session, new, TAKEN_NICKNAME)
        except queries.TooManyNicknames:
            raise OperatorError(
                f"{person.nickname} has had {queries.MOST_NICKNAMES} nicknames, which are all that one "
                "person may have: choose one of them."
            ) from None
    click.echo(f"{person.nickname} is {new} now.")


@user.command()
@click.argument("nickname")
@click.option("--end", is_flag=True, help="Log them out everywhere.")
@pass_site
def sessions(site: Site, *, nickname: str, end: bool) -> None:
    """List where NICKNAME is logged in, or end all of it."""
    with site.require_database().write() as session:
        person = require_person(session, nickname)
        rows = session_queries.list_sessions(session, person.id, "")
        if end:
            queries.end_all_sessions(session, person.id)
    for row in rows:
        browser = describe_browser(row.browser)
        click.echo(f"{browser}, {row.address or 'no address'}, last used {row.seen:%Y-%m-%d %H:%M} UTC")
    if end:
        click.echo(f"{person.nickname} is logged out everywhere.")
    elif not rows:
        click.echo(f"{person.nickname} is logged in nowhere.")


@user.command()
@click.argument("nickname")
@pass_site
def show(site: Site, *, nickname: str) -> None:
    """Show what is known of NICKNAME: their address, their state and how often they are logged in."""
    with site.require_database().read() as session:
        owner = queries.get_owner(session, nickname)
        waits = None if owner else waiting.find_registration(session, nickname)
        if waits is not None:
            click.echo(f"{waits.nickname} waits for an admin since {waits.asked:{MINUTE}}.")
            click.echo(f"Address: {waits.email}, {'confirmed' if waits.is_confirmed else 'not confirmed'}")
            return
        person = require_person(session, nickname)
        confirmed = is_confirmed(session, person.id)
        has_password = queries.get_password_hash(session, person.id) is not None
        wanted = address_queries.find_wanted(session, person.id)
        count = len(session_queries.list_sessions(session, person.id, ""))
        is_admin = person.id in waiting.list_admin_ids(session)
        departure = departure_queries.get_departure(session, person.id)
    address = f"{person.email}, {'confirmed' if confirmed else 'not confirmed'}" if person.email else "none"
    click.echo(f"{person.nickname}, number {person.id}{', an admin' if is_admin else ''}")
    click.echo(f"Address: {address}")
    if wanted is not None:
        click.echo(f"Wants the address: {wanted.email}, until {wanted.expires:{MINUTE}}")
    click.echo(f"Password: {'yes' if has_password else 'none, so they cannot log in'}")
    click.echo(f"Logged in: in {count} browsers" if count != 1 else "Logged in: in one browser")
    if departure is not None:
        click.echo(f"Account: {departure_commands.describe_state(departure)}, unless they log in before")


@user.command()
@click.argument("nickname")
@pass_site
def approve(site: Site, *, nickname: str) -> None:
    """Approve NICKNAME, who has signed up and waits; they get a mail."""
    with site.require_database().write() as session:
        row = require_waiting(session, nickname)
        try:
            created = registrations.approve(session, row.id)
        except queries.EmailTaken:
            raise OperatorError(
                f"There is an account with the address of {row.nickname} already: refuse them."
            ) from None
    click.echo(f"{created.nickname} can log in now.")


@user.command()
@click.argument("nickname")
@pass_site
def refuse(site: Site, *, nickname: str) -> None:
    """Refuse NICKNAME, who has signed up and waits; they get a mail, and are forgotten."""
    with site.require_database().write() as session:
        refused = registrations.refuse(session, require_waiting(session, nickname).id)
    click.echo(f"{refused} is refused.")


@user.command()
@click.option("--uses", type=click.IntRange(1, MOST_USES), default=1, help="For how many people; 1.")
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=7, help="For how many days; 7.")
@pass_site
def invite(site: Site, *, uses: int, days: int) -> None:
    """Make an invitation, and print its link, which is shown only now."""
    with site.require_database().write() as session:
        token = waiting.add_invitation(session, uses, timedelta(days=days))
    url = site.registry.microblog[PUBLIC_URL] or ""
    click.echo(f"{url.rstrip('/')}/register?invite={token}")


def require_waiting(session: orm.Session, nickname: str) -> waiting.RegistrationRow:
    """:raises OperatorError: when nobody waits with this nickname."""
    row = waiting.find_registration(session, nickname)
    if row is None:
        raise OperatorError(f"Nobody called {nickname} waits: see /admin/registrations/ for who does.")
    return row


def change_right(site: Site, nickname: str, right: str, *, granted: bool) -> None:
    with site.require_database().write() as session:
        person = require_person(session, nickname)
        with report_deleted_person(person):
            if right == actions.ADMIN:
                actions.set_admin(session, person.id, is_admin=granted)
            else:
                actions.set_moderator(session, person.id, is_moderator=granted)
    click.echo(f"{person.nickname} is {'now' if granted else 'no longer'} {right}.")


def ask_password_hash(site: Site, nickname: str, email: str | None, *, from_stdin: bool) -> str:
    """Read the password, and return its hash; called before any transaction opens."""
    if from_stdin:
        typed = sys.stdin.readline().rstrip("\r\n")
    else:
        try:
            typed = click.prompt("Password", hide_input=True, confirmation_prompt="Once more")
        except click.Abort:
            raise OperatorError("No password was given: type one, or use --password-stdin.") from None
    known = rules.get_known_words(nickname, email, site.registry.microblog[SITE_NAME])
    check_text(typed, rules.PASSWORD_MISSING, partial(rules.check_password, known=known))
    return passwords.hash_password(typed)


def check_details(session: orm.Session, nickname: str, email: str | None) -> None:
    """:raises OperatorError: when the sign-up page would refuse the nickname or the address."""
    require_unicode(nickname)
    if nickname:
        try:
            rules.check_nickname(nickname, session.info["registry"].reserved_nicknames)
        except InvalidText as error:
            refuse_nickname(session, nickname, str(error))
    else:
        refuse_nickname(session, nickname, rules.NICKNAME_MISSING)
    if email is not None:
        check_text(email, rules.EMAIL_MISSING, rules.check_email)


def require_display_name(text: str) -> str:
    """The display name as it is kept.

    :raises OperatorError: when the page of a profile would refuse it.
    """
    name = rules.tidy_display_name(text)
    require_unicode(name)
    try:
        rules.check_display_name(name)
    except InvalidText as error:
        raise OperatorError(f"{error} Try again with another display name.") from None
    return name


def refuse_nickname(session: orm.Session, nickname: str, problem: str) -> None:
    free = queries.make_unique_nickname(session, nickname)
    raise OperatorError(f"{problem} {free} would be free.")


def check_text(text: str, missing: str, check: Callable[[str], None]) -> None:
    """:raises OperatorError: when the text is empty, or a rule refuses it."""
    require_unicode(text)
    try:
        if not text:
            raise InvalidText(missing)
        check(text)
    except InvalidText as error:
        raise OperatorError(f"{error} Try again with another.") from None


def require_unicode(text: str) -> None:
    """On the command line, bytes that are not UTF-8 become surrogates.

    :raises OperatorError: when the text has any.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise OperatorError("What was typed is not UTF-8: type it again.") from None
