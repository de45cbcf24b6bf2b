"""Telling the admins that something which runs at night has failed: nobody reads its output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from microblog.alerts.interfaces import get_alerts
from microblog.console.sentences import explain_error
from microblog.console.site import Site
from microblog.settings import SettingsError

KIND = "command"
REMEMBERED = ".microblog-failed"  # a file in the folder of backups: the last one has failed


@contextmanager
def mailed(site: Site, what: str, folder: Path | None) -> Iterator[None]:
    """Mail the admins a failure before the command ends; where there is a `folder`, also the next success."""
    memory = None if folder is None else folder / f"{REMEMBERED}-{what.rsplit(maxsplit=1)[-1]}"
    try:
        yield
    except Exception as error:
        sentence = explain_error(error) or f"{type(error).__name__}: {error}"
        with suppress(OSError):  # the disk may be what is wrong
            if memory is not None:
                memory.touch()
        tell(site, f"{what} has failed", sentence)
        raise
    if memory is not None and memory.exists():
        memory.unlink()
        tell(site, f"{what} works again", "It has succeeded.")


def warn(site: Site, subject: str, sentence: str) -> None:
    """On standard error, and by mail."""
    click.echo(f"Warning: {sentence}", err=True)
    tell(site, subject, sentence)


def tell(site: Site, subject: str, sentence: str) -> None:
    """Mail it, in groups like all alerts; sent when this returns, or counted for the next mail."""
    try:
        alerts = get_alerts(site.registry)
    except SettingsError:  # then nobody knows who the admins are
        return
    command = click.get_current_context().command_path
    alerts.report(
        KIND, subject, subject, f"{sentence}\n\nThis was said by `{command}` with {site.ini.absolute()}."
    )
    alerts.work()
