"""What to do when background work is not being done."""

from __future__ import annotations

from microblog.background.settings import WORKER
from microblog.checks import CheckedSite

LATE_SECONDS = 60  # a running worker is never this late


def get_advice(site: CheckedSite) -> str:
    """A sentence for the operator whose worker does not seem to run."""
    if site.registry.microblog[WORKER] == "separate":
        return f"Check whether `{site.command('worker')}` runs, and what it logs."
    return "Check whether the server runs (the worker is one of its threads), and what it logs."
