"""`microblog worker`: the worker as a process of its own."""

from __future__ import annotations

import signal
import threading

import click

from microblog.alerts.interfaces import get_alerts
from microblog.background.settings import WORKER
from microblog.console.processes import exempt_from_collections
from microblog.console.site import Site, pass_site

ENDING = {signal.SIGINT, signal.SIGTERM}


@click.command()
@pass_site
def worker(site: Site) -> None:
    """Do the work of the background until Ctrl-C or SIGTERM."""
    for problem in site.find_problems():
        click.echo(f"Warning: {problem}", err=True)
    if site.registry.microblog[WORKER] == "inline":
        click.echo(
            "Warning: the server does this work itself (microblog.worker = inline): set it to separate.",
            err=True,
        )
    site.setup_logging()
    site.database.guard()
    exempt_from_collections()
    # The worker's thread inherits the mask, so that only sigwait receives the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    thread = threading.Thread(target=site.registry.worker.run, name="microblog-worker")
    thread.start()
    get_alerts(site.registry).start()
    click.echo("The worker runs (Ctrl-C stops it).")
    signal.sigwait(ENDING)
    site.registry.worker.stop()
    thread.join()
    get_alerts(site.registry).close()
