"""`microblog doctor`: check everything, and say what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import click

from microblog.checks import DATABASE, FAULT, OK, WARNING, Finding, HealthCheck, NotAsked, get_health_checks
from microblog.console.sentences import explain_error
from microblog.console.site import Site, pass_site
from microblog.probes import Probe
from microblog.settings import SettingsError

SECONDS_FOR_A_CHECK = 20.0


@click.command()
@click.option("--full", is_flag=True, help="Also read all of the database and of the search index.")
@pass_site
def doctor(site: Site, *, full: bool) -> None:
    """Check every part of the site; exit status 1 when one is at fault."""
    levels: Counter[str] = Counter()
    for name, finding in examine(site, full=full):
        levels[finding.level] += 1
        click.echo(f"{finding.level:<8}{name}: {' '.join(finding.sentence.split())}")
    click.echo(f"{levels[FAULT]} faults, {levels[WARNING]} warnings, {levels[OK]} are well.")
    if levels[FAULT]:
        click.get_current_context().exit(1)


def examine(site: Site, *, full: bool) -> Iterator[tuple[str, Finding]]:
    """(name of the check, finding) for each; checks that need the database are run only when it answers."""
    try:
        checks = get_health_checks(site.registry)
    except SettingsError as error:
        yield from (("settings", Finding(FAULT, fault)) for fault in str(error).splitlines())
        return
    has_database = True
    for check in checks:
        if not check.in_doctor or (check.full and not full) or (check.needs_database and not has_database):
            continue
        # No time limit for checks that read everything.
        found = list(collect_findings(site, check, seconds=None if check.full else SECONDS_FOR_A_CHECK))
        yield from ((check.name, finding) for finding in found)
        if check.name == DATABASE:
            has_database = all(finding.level != FAULT for finding in found)


def collect_findings(
    site: Site, check: HealthCheck, seconds: float | None = SECONDS_FOR_A_CHECK
) -> Iterator[Finding]:
    """What a check finds; when it fails or hangs, that is a finding, and the others are run nevertheless."""
    try:
        yield from Probe(lambda: list(describe_check(site, check))).ask(seconds)
    except TimeoutError:
        yield Finding(FAULT, f"no answer within {seconds:g} seconds: check whether it hangs.")
    except Exception as error:
        sentence = explain_error(error) or f"could not be checked: {type(error).__name__}: {error}"
        yield Finding(FAULT, sentence)


def describe_check(site: Site, check: HealthCheck) -> Iterator[Finding]:
    """The details of the check, if it has any; else what `/health/ready` says."""
    if check.details is not None:
        yield from check.details(site)
    elif check.check is not None:
        with suppress(NotAsked):
            problem = check.check(site.registry)
            yield Finding(OK, "It works.") if problem is None else Finding(FAULT, f"{problem}.")
