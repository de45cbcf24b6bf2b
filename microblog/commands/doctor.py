"""`microblog doctor`: the whole picture, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import click

from microblog.commands import checks
from microblog.commands.checks import FAULT, OK, WARNING, Check, Finding
from microblog.console.site import Site, pass_site, sentence_about
from microblog.health.probes import Probe
from microblog.settings import SettingsError

SECONDS_FOR_A_CHECK = 20.0


@click.command()
@click.option("--full", is_flag=True, help="Also read all of the database and of the search index.")
@pass_site
def doctor(site: Site, *, full: bool) -> None:
    """Look at every part of the site; exit status 1 when one is at fault."""
    levels: Counter[str] = Counter()
    for name, finding in examined(site, full=full):
        levels[finding.level] += 1
        click.echo(f"{finding.level:<8}{name}: {' '.join(finding.sentence.split())}")
    click.echo(f"{levels[FAULT]} faults, {levels[WARNING]} warnings, {levels[OK]} are well.")
    if levels[FAULT]:
        click.get_current_context().exit(1)


def examined(site: Site, *, full: bool) -> Iterator[tuple[str, Finding]]:
    """(part, finding) for each check; what needs a database is asked when it answers."""
    try:
        site.registry  # noqa: B018
    except SettingsError as error:
        yield from (("settings", Finding(FAULT, fault)) for fault in str(error).splitlines())
        return
    for name, check in checks.WITHOUT_DATABASE.items():
        yield from findings(site, name, check)
    of_database = list(findings(site, checks.DATABASE, checks.database))
    yield from of_database
    if any(finding.level == FAULT for _, finding in of_database):
        return
    for name, check in (checks.WITH_DATABASE | (checks.FULL if full else {})).items():
        # What reads everything takes as long as it takes.
        yield from findings(site, name, check, seconds=None if name in checks.FULL else SECONDS_FOR_A_CHECK)


def findings(
    site: Site, name: str, check: Check, seconds: float | None = SECONDS_FOR_A_CHECK
) -> Iterator[tuple[str, Finding]]:
    """What a check finds; it may fail or hang, and the others are asked all the same."""
    try:
        found = Probe(lambda: list(check(site))).ask(seconds)
    except TimeoutError:
        found = [Finding(FAULT, f"no answer within {seconds:g} seconds: look whether it hangs.")]
    except Exception as error:
        sentence = sentence_about(error) or f"could not be looked at: {type(error).__name__}: {error}"
        found = [Finding(FAULT, sentence)]
    yield from ((name, finding) for finding in found)
