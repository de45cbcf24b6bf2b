"""Pictures for `microblog doctor` and the metrics: is something left of deleted ones, are files missing?"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import orm

from microblog.background.advice import get_advice
from microblog.checks import FAULT, OK, WARNING, CheckedSite, Finding
from microblog.ids import get_now
from microblog.measuring import Gauge
from microblog.media import upkeep_queries as queries
from microblog.media.checking import FileCheck, check_rows
from microblog.media.describing import describe_files, describe_rows
from microblog.media.names import get_file
from microblog.media.storage.interfaces import get_storage
from microblog.media.upkeep_queries import KeptPicture
from microblog.request import Registry

LATE_SECONDS: Final = 3600  # the worker deletes files within a minute
WAITING_SECONDS: Final = 90_000  # a day, and an hour for the worker
SAMPLES, PICTURES_OF_A_SAMPLE = 5, 4
SECONDS_BETWEEN_TOTALS: Final = 600.0  # they are read of all pictures

Values = dict[tuple[str, ...], float]


def describe_pictures(site: CheckedSite) -> Iterator[Finding]:
    """Does the worker delete what is to be deleted, and have some of the pictures their files?"""
    now = get_now()
    with site.database.read() as session:
        unfinished = queries.get_unfinished(session)
        sample = pick(session)
    is_well = True
    for since, limit, what in (
        (unfinished.leftovers_since, LATE_SECONDS, "Files of deleted pictures are still there"),
        (unfinished.waiting_since, WAITING_SECONDS, "Pictures that nothing uses are still there"),
    ):
        if since is not None and now - since > 1000 * limit:
            is_well = False
            yield Finding(
                WARNING,
                f"{what}, the oldest for {(now - since) / 1000:,.0f} seconds. {get_advice(site)} "
                f"`{site.command('media collect')}` deletes them, or says why it cannot.",
            )
    missing = sorted(find_missing(site.registry, sample))
    if missing:
        is_well = False
        yield Finding(
            FAULT,
            f"{len(missing)} of {len(sample)} pictures that were looked at have no file (such as "
            f"{missing[0]}): run `{site.command('media check')}`.",
        )
    if is_well:
        looked = f"{len(sample)} that were looked at have their files"
        yield Finding(OK, f"{looked}, and nothing is left to delete.")


def pick(session: orm.Session) -> list[KeptPicture]:
    """Some pictures. Their names are random, so those after a random name are, too."""
    starts = [*(secrets.token_urlsafe(16) for _ in range(SAMPLES)), ""]  # the last for a site with few
    found = [
        picture for start in starts for picture in queries.list_pictures(session, start, PICTURES_OF_A_SAMPLE)
    ]
    return list({picture.name: picture for picture in found}.values())


def find_missing(registry: Registry, sample: list[KeptPicture]) -> set[str]:
    """The names of those of which a file is missing, and that were not deleted meanwhile.

    :raises StorageUnavailable: when nobody knows.
    """
    storage = get_storage(registry)
    missing = {
        picture.name
        for picture in sample
        for number in range(len(picture.checksums))
        if storage.find(get_file(picture.name, number)) is None
    }
    with registry.database.read() as session:
        return queries.find_pictures(session, sorted(missing))


def describe_all_pictures(site: CheckedSite) -> Iterator[Finding]:
    """Read all files, and compare them with the rows; and these with posts and people."""
    files = FileCheck(site.registry).run()
    findings = [*describe_files(site, files), *describe_rows(check_rows(site.registry))]
    yield from findings
    if not findings:
        yield Finding(OK, f"All {files.pictures:,} have their {files.files:,} files, as they were stored.")


class Totals:
    """Gauges; those that are read of all pictures hold for `seconds`."""

    def __init__(self, seconds: float = SECONDS_BETWEEN_TOTALS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._until = 0.0  # by the monotonic clock
        self._totals: list[queries.Total] = []

    def __call__(self, registry: Registry, session: orm.Session) -> Iterator[Gauge]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._totals = queries.list_totals(session)
                self._until = time.monotonic() + self._seconds
            totals = self._totals
        pictures: Values = {(each.purpose,): float(each.shown + each.waiting) for each in totals}
        size: Values = {(each.purpose,): float(each.bytes) for each in totals}
        yield Gauge("pictures", "Pictures, by what they are for.", labels=("purpose",), values=pictures)
        yield Gauge("pictures_bytes", "Bytes of their files.", labels=("purpose",), values=size)
        found, now = queries.get_unfinished(session), get_now()
        yield Gauge("pictures_waiting", "Pictures that wait for a post or a profile.", found.waiting)
        yield Gauge("pictures_leftovers", "Deleted pictures whose files wait to be deleted.", found.leftovers)
        oldest = 0 if found.leftovers_since is None else now - found.leftovers_since
        yield Gauge("pictures_leftovers_seconds", "Seconds that the oldest of them waits.", oldest / 1000)


def includeme(config: Any) -> None:
    config.add_metric("pictures_kept", read=Totals(), order=46)
    config.add_health_check("picture files", details=describe_pictures, order=9)
    config.add_health_check("all pictures", details=describe_all_pictures, full=True, order=13)
