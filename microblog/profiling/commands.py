"""`microblog profile`: print the signed value with which a request is profiled."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

import click

from microblog.console.site import DEFAULT_LISTEN, SERVER_SECTION, Site, pass_site
from microblog.profiling.profiles import COOKIE, HEADER, sign_pattern
from microblog.profiling.settings import PROFILER, PROFILER_DIRECTORY
from microblog.security.settings import PUBLIC_URL, SECRET

MOST_MINUTES = 24 * 60


@click.command()
@click.option(
    "--minutes",
    type=click.IntRange(1, MOST_MINUTES),
    default=10,
    show_default=True,
    help="How long the value is valid.",
)
@click.option(
    "--path",
    "pattern",
    default="/*",
    show_default=True,
    help="Profile requests for this path only; * stands for any characters, ? for one.",
)
@pass_site
def profile(site: Site, *, minutes: int, pattern: str) -> None:
    """Print a signed header and cookie with which a request is profiled.

    The site has to run with microblog.profiler = on_demand. No other request is profiled.
    """
    if not pattern.startswith("/"):
        raise click.BadParameter(
            f"{pattern!r} is no path: it has to begin with a slash.", param_hint="--path"
        )
    settings = site.registry.microblog
    if settings[PROFILER] != "on_demand":
        click.echo(
            f"Warning: {PROFILER.key} is {settings[PROFILER]} in {site.ini}: "
            "set it to on_demand and restart the server, or the value does nothing.",
            err=True,
        )
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    value = sign_pattern(settings[SECRET], pattern, int(until.timestamp()))
    folder = settings[PROFILER_DIRECTORY]
    click.echo(f"Valid for requests to {pattern} until {until:%H:%M} UTC, {minutes} min from now.")
    click.echo(f"Profiles go to the log{f' and to {folder}' if folder else ''}.\n")
    click.echo(f"Header:  {HEADER}: {value}")
    click.echo(f"Cookie:  {COOKIE}={value}\n")
    click.echo("With curl:")
    header = shlex.quote(f"{HEADER}: {value}")
    click.echo(f"  curl -s -o /dev/null -D - -H {header} {shlex.quote(build_example_url(site, pattern))}\n")
    click.echo("In a browser, as the person logged in there: in its console, on a page of the site,")
    click.echo(f'  document.cookie = "{COOKIE}={value}; path=/; max-age={minutes * 60}; samesite=lax"')


def build_example_url(site: Site, pattern: str) -> str:
    """A URL that matches the pattern, with … where something has to be filled in."""
    listen = site.read_section(SERVER_SECTION).get("listen", DEFAULT_LISTEN).split()[0]
    beginning = pattern.partition("*")[0].partition("?")[0].partition("[")[0]
    path = beginning if fnmatchcase(beginning, pattern) else f"{beginning}…"
    return f"{site.registry.microblog[PUBLIC_URL] or f'http://{listen}'}{path}"
