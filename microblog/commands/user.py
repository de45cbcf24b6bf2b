"""`microblog user`: accounts, where nobody can or may sign up in the browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import orm

from microblog.accounts import passwords, queries
from microblog.accounts.forms import TAKEN_EMAIL, TAKEN_NICKNAME, RegisterForm
from microblog.commands.site import Site, pass_site
from microblog.db import StaleData
from microblog.people.queries import PersonRow, person_of
from microblog.request import Request

password_stdin = click.option(
    "--password-stdin",
    "from_stdin",
    is_flag=True,
    help="Read the password from the first line of standard input.",
)
right = click.argument("right", type=click.Choice(["admin"]))


@click.group()
def user() -> None:
    """Add people, set passwords, grant rights."""


@user.command()
@click.argument("nickname")
@click.option("--email", help="Their e-mail address.")
@click.option("--admin", is_flag=True, help="Give them the right admin, too.")
@password_stdin
@pass_site
def add(site: Site, *, nickname: str, email: str | None, admin: bool, from_stdin: bool) -> None:
    """Add a person called NICKNAME."""
    database = site.require_database()
    nickname, email = nickname.strip(), email and email.strip()
    given = {"nickname": nickname} | ({} if email is None else {"email": email})
    with database.read() as session:
        refuse_wrong(session, given)
        if queries.owner_of_nickname(session, nickname) is not None:
            refuse_nickname(session, nickname, TAKEN_NICKNAME)
    password_hash = asked_password(from_stdin=from_stdin)
    try:
        with database.write() as session:
            queries.add_user(session, nickname, email=email, password_hash=password_hash, is_admin=admin)
    except queries.NicknameTaken:  # since we looked
        raise click.ClickException(f"{TAKEN_NICKNAME} Try again with another.") from None
    except queries.EmailTaken:
        raise click.ClickException(f"{TAKEN_EMAIL} Give another with --email.") from None
    click.echo(f"{nickname} can log in now{', and is an admin' if admin else ''}.")


@user.command()
@click.argument("nickname")
@password_stdin
@pass_site
def password(site: Site, *, nickname: str, from_stdin: bool) -> None:
    """Set the password of NICKNAME, and log them out everywhere."""
    database = site.require_database()
    with database.read() as session:
        person = existing(session, nickname)
    password_hash = asked_password(from_stdin=from_stdin)
    with still_there(person), database.write() as session:
        queries.set_password(session, person.id, password_hash)
    click.echo(f"The password of {person.nickname} is set; they have to log in again everywhere.")


@user.command()
@click.argument("nickname")
@right
@pass_site
def grant(site: Site, *, nickname: str, right: str) -> None:
    """Give a right to NICKNAME."""
    change_right(site, nickname, right, granted=True)


@user.command()
@click.argument("nickname")
@right
@pass_site
def revoke(site: Site, *, nickname: str, right: str) -> None:
    """Take a right from NICKNAME."""
    change_right(site, nickname, right, granted=False)


def change_right(site: Site, nickname: str, right: str, *, granted: bool) -> None:
    with site.require_database().write() as session:
        person = existing(session, nickname)
        with still_there(person):
            queries.set_admin(session, person.id, is_admin=granted)
    click.echo(f"{person.nickname} is {'now' if granted else 'no longer'} {right}.")


def existing(session: orm.Session, nickname: str) -> PersonRow:
    person = person_of(session, nickname)
    if person is None:
        raise click.ClickException(
            f"Nobody here is called {nickname}: look at /users/ for the right nickname, "
            "or add them with `microblog user add`."
        )
    return person


@contextmanager
def still_there(person: PersonRow) -> Iterator[None]:
    """:raises click.ClickException: when somebody has deleted the person since we looked."""
    try:
        yield
    except StaleData:
        raise click.ClickException(f"{person.nickname} was deleted meanwhile: nothing was changed.") from None


def asked_password(*, from_stdin: bool) -> str:
    """The hash of the password that is typed, or comes in; made before any transaction opens."""
    if from_stdin:
        typed = sys.stdin.readline().rstrip("\r\n")
    else:
        try:
            typed = click.prompt("Password", hide_input=True, confirmation_prompt="Once more")
        except click.Abort:
            raise click.ClickException("No password was given: type one, or use --password-stdin.") from None
    problem = problems_of({"password": typed}).get("password")
    if problem is not None:
        raise click.ClickException(f"{problem} Try again with another.")
    return passwords.hash_password(typed)


def refuse_wrong(session: orm.Session, given: dict[str, str]) -> None:
    """:raises click.ClickException: when the sign-up page would refuse one of these."""
    problems = problems_of(given)
    if "nickname" in problems:
        refuse_nickname(session, given["nickname"], problems["nickname"])
    for problem in problems.values():
        raise click.ClickException(f"{problem} Try again with another.")


def refuse_nickname(session: orm.Session, nickname: str, problem: str) -> None:
    free = queries.make_unique_nickname(session, nickname)
    raise click.ClickException(f"{problem} {free} would be free.")


def problems_of(given: dict[str, str]) -> dict[str, str]:
    """What the sign-up page says about these fields, by their names."""
    try:
        request: Request = Request.blank("/", POST=given)
    except UnicodeEncodeError:
        raise click.ClickException("What was typed is not UTF-8: type it again.") from None
    form = RegisterForm(request)
    form.validate()
    return {name: str(form[name].errors[0]) for name in given if form[name].errors}
