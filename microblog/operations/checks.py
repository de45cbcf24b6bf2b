"""Health checks of the site itself: settings, files, the database, the clock, the log, disk space."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from microblog.checks import DATABASE, FAULT, OK, WARNING, CheckedSite, Finding, Folder
from microblog.console.ini import LogError
from microblog.console.site import SERVER_SECTION
from microblog.db import DATABASE_URL, mask_password
from microblog.operations import migrating, queries
from microblog.posts.publishing import UNDO_SECONDS
from microblog.request import Registry
from microblog.security.settings import DEVELOPMENT, PUBLIC_URL, SECURE_COOKIES

READABLE_BY_ALL = 0o004
MEGABYTE, GIGABYTE = 10**6, 10**9
LITTLE_SPACE, NO_SPACE = GIGABYTE, 100 * MEGABYTE
LARGE_WAL = 256 * MEGABYTE
CLOCKS_DIFFER = timedelta(seconds=5)
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # this program is not older
# Together with search and the worker less than the five seconds after which most load balancers give up.
SECONDS_FOR_THE_DATABASE = 1.5
SECONDS_FOR_MIGRATIONS = 0.5

get_newest_revision = cache(migrating.get_head)  # of this installation: it does not change while it runs


def check_database(registry: Registry) -> str | None:
    """Does the database answer, and can it be written?"""
    database = registry.database
    with database.for_a_request(), database.read() as session:
        queries.get_revision(session)
    return None if database.outage is None else str(database.outage.problem)


def check_migrations(registry: Registry) -> str | None:
    database = registry.database
    with database.for_a_request(), database.read() as session:
        revision = queries.get_revision(session)
    if revision == get_newest_revision():
        return None
    return (
        f"the database is at revision {revision}, this microblog needs {get_newest_revision()}: "
        "run `microblog database upgrade`"
    )


def format_bytes(count: int) -> str:
    for unit, name in ((GIGABYTE, "GB"), (MEGABYTE, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count:,} bytes"


def is_production(site: CheckedSite) -> bool:
    return not site.registry.microblog[DEVELOPMENT]


def describe_settings(site: CheckedSite) -> Iterator[Finding]:
    """Where do the settings come from, and what is wrong with them?"""
    in_force = site.registry.microblog
    sources = [in_force.get_source(setting) for setting in in_force]
    yield Finding(
        OK,
        f"{len(sources)} settings: {sources.count('ini')} from {site.ini}, "
        f"{sources.count('environment')} from the environment, the others by default.",
    )
    for warning in in_force.warnings:
        yield Finding(WARNING, warning)
    if is_production(site) and not in_force[SECURE_COOKIES]:
        yield Finding(
            WARNING,
            f"Cookies travel over plain http: set {SECURE_COOKIES.key} = true, unless the site has no https.",
        )
    if is_production(site) and in_force[PUBLIC_URL] is None:
        yield Finding(
            WARNING,
            f"{PUBLIC_URL.key} is not set: redirects go to whatever host a request names, and behind a "
            "proxy they may leave https; mail comes from localhost, and its links lead there. Set it to the "
            "address that people type, such as https://example.org.",
        )


def describe_limits(site: CheckedSite) -> Iterator[Finding]:
    """Behind a proxy that is not believed, everybody comes from the address of the proxy."""
    server = site.read_section(SERVER_SECTION)
    is_behind_a_proxy = (site.registry.microblog[PUBLIC_URL] or "").startswith("https://")
    is_waitress = "waitress" in server.get("use", "waitress")
    if is_behind_a_proxy and is_waitress and "trusted_proxy" not in server:
        yield Finding(
            WARNING,
            "The proxy that ends https is not believed: all visitors have its address, and one of them "
            "uses up what an address may. Set trusted_proxy, and trusted_proxy_headers = x-forwarded-for, "
            f"in [{SERVER_SECTION}].",
        )
    else:
        yield Finding(OK, "They count by the address that the server or its proxy tells.")


def describe_files(site: CheckedSite) -> Iterator[Finding]:
    """Can other users of the machine read files with secrets or personal data?"""
    if not is_production(site):
        return
    private = {site.ini: "holds secrets"} if has_secrets(site) else {}
    if site.database_file is not None and site.database_file.exists():
        private[site.database_file] = "holds addresses and hashes of passwords"
    for path, why in private.items():
        if path.stat().st_mode & READABLE_BY_ALL:
            yield Finding(
                WARNING, f"Everybody on this machine can read {path}, which {why}: run `chmod o-rwx {path}`."
            )
        else:
            yield Finding(OK, f"{path} cannot be read by everybody.")


def has_secrets(site: CheckedSite) -> bool:
    """Does the ini file contain a secret? The URL of a database is one when it has a password."""
    in_force = site.registry.microblog
    return any(
        setting.secret
        and in_force.get_source(setting) == "ini"
        and (setting is not DATABASE_URL or "***" in mask_password(in_force[setting]))
        for setting in in_force
    )


def describe_database(site: CheckedSite) -> Iterator[Finding]:
    """Does the database answer, how large is it, and is it migrated?"""
    problem = site.find_database_problem()
    if problem is not None:
        yield Finding(FAULT, problem)
        return
    with site.database.read() as session:
        server = queries.get_server(session)
    yield Finding(
        OK, f"{server.version} answers; {format_bytes(server.size)}, migrations at {migrating.get_head()}."
    )
    wal = Path(f"{site.database_file}-wal")
    if site.database_file is not None and wal.exists() and wal.stat().st_size > LARGE_WAL:
        yield Finding(
            WARNING,
            f"{wal} has grown to {format_bytes(wal.stat().st_size)}: some process keeps a transaction open. "
            "Find out which one it is (`fuser`), and restart it.",
        )


def describe_tables(site: CheckedSite) -> Iterator[Finding]:
    """Read the whole database, and compare its tables with those of the models."""
    if site.database.dialect == "sqlite":
        with site.database.read() as session:
            broken = queries.find_file_faults(session)
        for fault in broken:
            yield Finding(FAULT, f"{site.database_file} is damaged ({fault}): restore a backup.")
    changes = [
        migrating.describe_difference(difference) for difference in migrating.find_differences(site.database)
    ]
    for change in changes:
        yield Finding(FAULT, f"It differs from what microblog made ({change}): undo that change by hand.")
    if not changes:
        yield Finding(OK, "Its tables are as microblog made them.")


def describe_clock(site: CheckedSite) -> Iterator[Finding]:
    """Is the clock right? Sessions, the order of posts and signatures depend on it."""
    now = datetime.now(UTC)
    if now < EARLIEST:
        yield Finding(
            FAULT, f"The clock of this machine is wrong ({now:%Y-%m-%d}): set it, and keep it by NTP."
        )
        return
    with site.database.read() as session:
        theirs = queries.get_server(session).now
        newest = queries.get_newest_post_time(session)
    now = datetime.now(UTC)
    undo = timedelta(seconds=site.registry.microblog[UNDO_SECONDS])  # until then a post waits
    if theirs is not None and abs(theirs - now) > CLOCKS_DIFFER:
        seconds = abs((theirs - now).total_seconds())
        yield Finding(
            WARNING,
            f"The clocks of this machine and of the database differ by {seconds:,.0f} seconds: "
            "keep both by NTP.",
        )
    elif newest is not None and newest > now + CLOCKS_DIFFER + undo:
        yield Finding(
            WARNING,
            f"The newest post is of {newest:%Y-%m-%d %H:%M} UTC, which is in the future: the "
            "clock was wrong then, or is now. Set it; the order of posts is right again when that time has "
            "passed.",
        )
    else:
        yield Finding(OK, f"{now:%Y-%m-%d %H:%M:%S} UTC.")


def describe_log(site: CheckedSite) -> Iterator[Finding]:
    """Can the log be written as the ini file says, and who can read it?"""
    try:
        found = site.log_files
    except LogError as error:
        yield Finding(FAULT, str(error))
        return
    for path in found:
        if is_production(site) and path.exists() and path.stat().st_mode & READABLE_BY_ALL:
            yield Finding(
                WARNING,
                f"Everybody on this machine can read {path}, which says who did what from where: "
                f"run `chmod o-rwx {shlex.quote(str(path))}`.",
            )
        else:
            yield Finding(OK, f"It is written to {path}.")
    if not found:
        yield Finding(OK, "It is written to no file.")


def describe_disk(site: CheckedSite) -> Iterator[Finding]:
    """Is there space, and permission to write, where the site writes?"""
    for path, folders in sorted(get_folders(site).items()):
        names = ", ".join(folder.name for folder in folders)
        yield describe_folder(path, names, is_small=all(folder.is_small for folder in folders))


def describe_folder(path: Path, names: str, *, is_small: bool = False) -> Finding:
    """`names` says what is written there; a folder that `is_small` is usually a disk in memory."""
    label = f"{path} ({names})"
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    little, none = (NO_SPACE // 5, NO_SPACE // 20) if is_small else (LITTLE_SPACE, NO_SPACE)
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding(
            FAULT,
            f"{label} cannot be written by this user: run this as the user of the site, or `chown` it.",
        )
    if free < little:
        return Finding(
            FAULT if free < none else WARNING, f"{label} has only {format_bytes(free)} free: make room."
        )
    return Finding(OK, f"{label} has {format_bytes(free)} free.")


def get_folders(site: CheckedSite) -> dict[Path, list[Folder]]:
    """The folders to which the site writes, and what."""
    written = [Folder("database", site.database_file and site.database_file.parent)]
    written += site.registry.folders.values()
    with suppress(LogError):  # reported by the check of the log
        written += [Folder("log", path.parent) for path in site.log_files]
    found: dict[Path, list[Folder]] = {}
    for folder in written:
        if folder.path is not None:
            found.setdefault(folder.path.absolute(), []).append(folder)
    return found


def includeme(config: Any) -> None:
    for name, details, order in (
        ("settings", describe_settings, -50),
        ("limits", describe_limits, -45),
        ("files", describe_files, -40),
        ("log", describe_log, -30),
        ("disk", describe_disk, -20),
    ):
        config.add_health_check(name, details=details, order=order, needs_database=False)
    config.add_health_check(
        DATABASE,
        check_database,
        details=describe_database,
        seconds=SECONDS_FOR_THE_DATABASE,
        needs_database=False,
    )
    # Not in doctor, where the check of the database includes it.
    config.add_health_check(
        "migrations",
        check_migrations,
        seconds=SECONDS_FOR_MIGRATIONS,
        in_doctor=False,
        in_metrics=False,
        order=1,
    )
    config.add_health_check("clock", details=describe_clock, order=2)
    config.add_health_check("tables", details=describe_tables, full=True, order=10)
