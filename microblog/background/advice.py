"""What to do when nobody does the work of the background."""

from __future__ import annotations

from microblog.background.settings import WORKER
from microblog.checks import CheckedSite

LATE_SECONDS = 60  # a worker that runs is never so late


def get_advice(site: CheckedSite) -> str:
    """What an operator does about work that nobody does."""
    if site.registry.microblog[WORKER] == "separate":
        return f"Look whether `{site.command('worker')}` runs, and what it logs."
    return "Look whether the server runs (its worker is a thread of it), and what it logs."
