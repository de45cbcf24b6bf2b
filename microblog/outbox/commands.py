"""`microblog outbox`: list, show, retry and drop entries."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from microblog.ids import get_now
from microblog.outbox import inspection, queries
from microblog.outbox.models import Entry
from microblog.outbox.payloads import decode

ENTRIES_SHOWN = 20
ERROR_CHARACTERS_SHOWN = 100
OF_A_KIND = click.option("--kind", metavar="KIND", help="Only entries of this kind.")


@click.group()
def outbox() -> None:
    """List what waits to be delivered; retry it, or drop it."""


@outbox.command("list")
@OF_A_KIND
@click.option(
    "--most", type=click.IntRange(1), default=ENTRIES_SHOWN, help="How many entries.  [default: 20]"
)
@pass_site
def list_entries(site: Site, *, kind: str | None, most: int) -> None:
    """How much waits of each kind, destinations that are paused, and the oldest entries."""
    with site.require_database().read() as session:
        depths = (
            queries.measure_depths(session) if kind is None else {kind: queries.measure_depth(session, kind)}
        )
        pauses = inspection.list_pauses(session, kind)
        entries = inspection.list_entries(session, kind, most)
    for name in sorted(site.registry.outbox.kinds.keys() | depths.keys() if kind is None else depths):
        depth = depths.get(name, queries.Depth(0, 0, 0.0))
        click.echo(f"{name}: {depth.waiting:,} wait, {depth.dead_letters:,} dead letters.")
        if name not in site.registry.outbox.kinds:
            click.echo(f"  Nothing delivers “{name}” with these settings.")
    for name, destination, until, error in pauses:
        click.echo(f"{name} to {destination}: nothing is sent before {format_time(until)}: {error}")
    for entry in entries:
        error = f"  {shorten(entry.error)}" if entry.error else ""
        click.echo(f"{entry.id}  {entry.kind}  {entry.key}  {describe_state(entry)}{error}")


@outbox.command()
@click.argument("entry_id", metavar="ID", type=int)
@pass_site
def show(site: Site, *, entry_id: int) -> None:
    """Show one entry with its payload, which may contain private data."""
    with site.require_database().read() as session:
        entry = inspection.get_entry(session, entry_id)
    if entry is None:
        raise OperatorError(f"There is no entry {entry_id}: it was delivered, or dropped.")
    try:
        payload = json.dumps(decode(entry.payload), ensure_ascii=False, indent=2)
    except ValueError:  # then it is a dead letter, or becomes one
        payload = entry.payload or ""
    for name, value in (
        ("id", entry.id),
        ("kind", entry.kind),
        ("key", entry.key),
        ("destination", entry.destination or "-"),
        ("written", format_time(entry.created)),
        ("state", describe_state(entry)),
        ("attempts", entry.attempts),
        ("error", entry.error or "-"),
        ("payload", payload),
    ):
        click.echo(f"{name}: {value}")


@outbox.command()
@click.argument("ids", metavar="[ID]...", type=int, nargs=-1)
@OF_A_KIND
@pass_site
def retry(site: Site, *, ids: tuple[int, ...], kind: str | None) -> None:
    """Deliver these entries, or all of a kind, in the worker's next round; dead letters too."""
    require_a_choice(ids, kind)
    with site.require_database().write() as session:
        count = inspection.retry(session, ids=ids, kind=kind)
    click.echo(f"{count:,} entries will be delivered in the worker's next round.")


@outbox.command()
@click.argument("ids", metavar="[ID]...", type=int, nargs=-1)
@OF_A_KIND
@pass_site
def drop(site: Site, *, ids: tuple[int, ...], kind: str | None) -> None:
    """Never deliver these entries, or the dead letters of a kind."""
    require_a_choice(ids, kind)
    with site.require_database().write() as session:
        count = inspection.drop(session, ids=ids, kind=kind)
    click.echo(f"{count:,} entries are dropped.")


def require_a_choice(ids: tuple[int, ...], kind: str | None) -> None:
    if bool(ids) == (kind is not None):
        raise click.UsageError("Name either entries by their ids, or a kind with --kind.")


def describe_state(entry: Entry) -> str:
    now = get_now()
    if entry.is_dead_letter:
        return "dead letter"
    if entry.lease_until > now:
        return "is being delivered"
    if entry.next_at > now:
        return f"due {format_time(entry.next_at)}"
    return "waits"


def format_time(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def shorten(text: str) -> str:
    return " ".join(text.split())[:ERROR_CHARACTERS_SHOWN]
