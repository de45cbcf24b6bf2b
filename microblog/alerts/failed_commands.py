"""Mails the admins when a scheduled command has failed, as nobody reads its output."""

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
MARKER = ".microblog-failed"  # a file in the folder of backups, which says that the last one failed


@contextmanager
def mail_failures(site: Site, what: str, folder: Path | None) -> Iterator[None]:
    """Mail a failure to the admins before the command ends; with a `folder`, also the next success."""
    marker = None if folder is None else folder / f"{MARKER}-{what.rsplit(maxsplit=1)[-1]}"
    try:
        yield
    except Exception as error:
        sentence = explain_error(error) or f"{type(error).__name__}: {error}"
        with suppress(OSError):  # the disk may be what is wrong
            if marker is not None:
                marker.touch()
        send_alert(site, f"{what} has failed", sentence)
        raise
    if marker is not None and marker.exists():
        marker.unlink()
        send_alert(site, f"{what} works again", "It has succeeded.")


def warn(site: Site, subject: str, sentence: str) -> None:
    """On standard error, and by mail."""
    click.echo(f"Warning: {sentence}", err=True)
    send_alert(site, subject, sentence)


def send_alert(site: Site, subject: str, sentence: str) -> None:
    """Mail it, grouped like all alerts; when this returns, it is sent or counted for the next mail."""
    try:
        alerts = get_alerts(site.registry)
    except SettingsError:  # then the admins are not known
        return
    command = click.get_current_context().command_path
    alerts.report(
        KIND, subject, subject, f"{sentence}\n\nThis was reported by `{command}` with {site.ini.absolute()}."
    )
    alerts.work()
