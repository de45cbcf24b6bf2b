"""What `microblog doctor` looks at, part by part, and what to do about what it finds."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from microblog.alerts.settings import ALERTS_STATE
from microblog.background.queries import get_newest_heartbeat
from microblog.background.settings import WORKER
from microblog.commands.database import described
from microblog.console.ini import LogError
from microblog.console.site import Site
from microblog.db import DATABASE_URL, without_password
from microblog.health.watch import SECONDS_UNTIL_MISSED
from microblog.mail.interfaces import MailError
from microblog.mail.settings import ADMINS, MAIL, MAIL_FOLDER
from microblog.metrics.settings import METRICS_DIRECTORY
from microblog.operations import migrating, queries
from microblog.outbox.lag import STUCK_SECONDS
from microblog.outbox.queries import depths
from microblog.outbox.queries import now as milliseconds
from microblog.paging import Cursor
from microblog.profiling.settings import PROFILER_DIRECTORY
from microblog.search.interfaces import SearchUnavailable, Status
from microblog.security.settings import DEVELOPMENT, PUBLIC_URL, SECURE_COOKIES
from microblog.timelines.queries import list_public_posts

OK, WARNING, FAULT = "ok", "warning", "fault"
READABLE_BY_ALL = 0o004
MEGABYTE, GIGABYTE = 10**6, 10**9
LITTLE_SPACE, NO_SPACE = GIGABYTE, 100 * MEGABYTE
LARGE_WAL = 256 * MEGABYTE
LATE_SECONDS = 60  # a worker that runs is never so late
CLOCKS_DIFFER = timedelta(seconds=5)
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # this program is not older


@dataclass(frozen=True)
class Finding:
    """`level` is OK, WARNING or FAULT; the sentence of the latter two says what to do."""

    level: str
    sentence: str


Check = Callable[[Site], Iterator[Finding]]


def in_bytes(count: int) -> str:
    for unit, name in ((GIGABYTE, "GB"), (MEGABYTE, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count:,} bytes"


def is_production(site: Site) -> bool:
    return not site.registry.microblog[DEVELOPMENT]


def settings(site: Site) -> Iterator[Finding]:
    """They are read, or we would not be here."""
    in_force = site.registry.microblog
    sources = [in_force.source(setting) for setting in in_force]
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
            "proxy they may leave https; mail comes from localhost. Set it to the address that people "
            "type, such as https://example.org.",
        )


def files(site: Site) -> Iterator[Finding]:
    """Who may read what is nobody's business."""
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


def has_secrets(site: Site) -> bool:
    """Is there a secret in the ini file? The address of a database is one when it has a password."""
    in_force = site.registry.microblog
    return any(
        setting.secret
        and in_force.source(setting) == "ini"
        and (setting is not DATABASE_URL or "***" in without_password(in_force[setting]))
        for setting in in_force
    )


def database(site: Site) -> Iterator[Finding]:
    """Does it answer, how large is it, and are the migrations done?"""
    problem = site.problem_of_database()
    if problem is not None:
        yield Finding(FAULT, problem)
        return
    with site.database.read() as session:
        server = queries.server(session)
    yield Finding(OK, f"{server.version} answers; {in_bytes(server.size)}, migrations at {migrating.head()}.")
    wal = Path(f"{site.database_file}-wal")
    if site.database_file is not None and wal.exists() and wal.stat().st_size > LARGE_WAL:
        yield Finding(
            WARNING,
            f"{wal} has grown to {in_bytes(wal.stat().st_size)}: some process keeps a transaction open. "
            "Look which one it is (`fuser`), and restart it.",
        )


def whole_database(site: Site) -> Iterator[Finding]:
    """All of it is read, and compared with what microblog made."""
    if site.database.dialect == "sqlite":
        with site.database.read() as session:
            broken = queries.faults_of_file(session)
        for fault in broken:
            yield Finding(FAULT, f"{site.database_file} is damaged ({fault}): restore a backup.")
    changes = [described(difference) for difference in migrating.differences(site.database)]
    for change in changes:
        yield Finding(FAULT, f"It differs from what microblog made ({change}): undo that change by hand.")
    if not changes:
        yield Finding(OK, "Its tables are as microblog made them.")


def clock(site: Site) -> Iterator[Finding]:
    """Sessions end, posts are ordered and signatures expire by it."""
    now = datetime.now(UTC)
    if now < EARLIEST:
        yield Finding(
            FAULT, f"The clock of this machine is wrong ({now:%Y-%m-%d}): set it, and keep it by NTP."
        )
        return
    with site.database.read() as session:
        theirs = queries.server(session).now
        newest = list_public_posts(session, Cursor(), 1)
    now = datetime.now(UTC)
    if theirs is not None and abs(theirs - now) > CLOCKS_DIFFER:
        seconds = abs((theirs - now).total_seconds())
        yield Finding(
            WARNING,
            f"The clocks of this machine and of the database differ by {seconds:,.0f} seconds: "
            "keep both by NTP.",
        )
    elif newest and newest[0].created > now + CLOCKS_DIFFER:
        yield Finding(
            WARNING,
            f"The newest post is of {newest[0].created:%Y-%m-%d %H:%M} UTC, which is yet to come: the clock "
            "was wrong then, or is now. Set it; the order of posts mends itself when that moment has passed.",
        )
    else:
        yield Finding(OK, f"{now:%Y-%m-%d %H:%M:%S} UTC.")


def search(site: Site) -> Iterator[Finding]:
    """Does it answer, and does it lag behind?"""
    try:
        with site.database.read() as session:
            status: Status = site.registry.search.status(session)
    except SearchUnavailable as error:
        yield Finding(FAULT, str(error))
        return
    counts = f"{status.adapter}: {status.documents:,} posts indexed, {status.pending:,} wait"
    if status.set_aside:
        yield Finding(
            WARNING,
            f"{counts}; {status.set_aside:,} were refused for good, the log says why. When that is mended: "
            f"`{site.command('search verify --fix')}`.",
        )
    elif status.lag_seconds > LATE_SECONDS:
        yield Finding(WARNING, f"{counts}, the oldest for {status.lag_seconds:,.0f} seconds. {late(site)}")
    else:
        yield Finding(OK, f"{counts}.")
    if status.verified is not None and not status.verified.agreed:
        yield Finding(
            WARNING,
            f"When the index was last verified ({status.verified.at:%Y-%m-%d %H:%M} UTC) it differed "
            f"from the posts: run `{site.command('search verify --fix')}`.",
        )


def late(site: Site) -> str:
    """What to do when nobody delivers."""
    if site.registry.microblog[WORKER] == "separate":
        return f"Look whether `{site.command('worker')}` runs, and what it logs."
    return "Look whether the server runs (its worker is a thread of it), and what it logs."


def whole_index(site: Site) -> Iterator[Finding]:
    """Every entry is compared with its post."""
    try:
        drift = site.registry.search.verify(site.database)
    except SearchUnavailable as error:
        yield Finding(FAULT, str(error))
        return
    if drift:
        yield Finding(
            FAULT, f"The index differs from the posts: run `{site.command('search verify --fix')}`."
        )
    else:
        yield Finding(OK, "The index agrees with the posts.")


def worker(site: Site) -> Iterator[Finding]:
    """Was one seen lately? One that was stopped is not missed: the site may be."""
    if site.registry.microblog[WORKER] == "off":
        return
    with site.database.read() as session:
        seen = get_newest_heartbeat(session)
    if seen is None:
        yield Finding(OK, "None runs now.")
        return
    seconds = (milliseconds() - seen) / 1000
    if seconds > SECONDS_UNTIL_MISSED:
        yield Finding(FAULT, f"None has been seen for {seconds:,.0f} seconds. {late(site)}")
    else:
        yield Finding(OK, f"One was seen {max(0, seconds):,.0f} seconds ago.")


def outbox(site: Site) -> Iterator[Finding]:
    """What waits to leave the process, kind by kind."""
    with site.database.read() as session:
        found = depths(session)
    waiting = sum(depth.waiting for depth in found.values())
    for kind, depth in found.items():
        if depth.dead_letters:
            yield Finding(
                WARNING,
                f"{depth.dead_letters:,} deliveries “{kind}” were refused for good; "
                f"`{site.command(f'outbox list --kind {kind}')}` says why.",
            )
        if depth.lag_seconds > LATE_SECONDS:
            yield Finding(
                FAULT if depth.lag_seconds > STUCK_SECONDS else WARNING,
                f"{depth.waiting:,} deliveries “{kind}” wait, the oldest for "
                f"{depth.lag_seconds:,.0f} seconds. {late(site)}",
            )
    yield Finding(OK, f"{waiting:,} deliveries wait.")


def mail(site: Site) -> Iterator[Finding]:
    """Could a mail leave, and does anybody get the alerts?"""
    in_force = site.registry.microblog
    try:
        said = site.registry.mail.check()
    except MailError as error:
        yield Finding(FAULT, str(error))
    else:
        if in_force[MAIL] == "smtp" or not is_production(site):
            yield Finding(OK, said)
        else:
            yield Finding(WARNING, f"{said} Nobody gets it: set {MAIL.key} = smtp.")
    if is_production(site) and not in_force[ADMINS]:
        yield Finding(WARNING, f"Alerts are only in the log: set {ADMINS.key} to who shall get them by mail.")


def log(site: Site) -> Iterator[Finding]:
    """Can it be written as the ini file says, and who can read it?"""
    try:
        found = site.log_files
    except LogError as error:
        yield Finding(FAULT, str(error))
        return
    for path in found:
        if is_production(site) and path.exists() and path.stat().st_mode & READABLE_BY_ALL:
            yield Finding(
                WARNING,
                f"Everybody on this machine can read {path}, which tells who did what from where: "
                f"run `chmod o-rwx {shlex.quote(str(path))}`.",
            )
        else:
            yield Finding(OK, f"It is written to {path}.")
    if not found:
        yield Finding(OK, "It is written to no file.")


def disk(site: Site) -> Iterator[Finding]:
    """Room, and the right to write, where the site writes."""
    for folder, names in sorted(folders(site).items()):
        for_whom = f"{folder} ({', '.join(names)})"
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(there).free
        # Numbers need two megabytes a process, and are usually in a small disk in memory, /run.
        little, none = (NO_SPACE // 5, NO_SPACE // 20) if names == ["numbers"] else (LITTLE_SPACE, NO_SPACE)
        if not os.access(there, os.W_OK | os.X_OK):
            yield Finding(
                FAULT,
                f"{for_whom} cannot be written by this user: run this as the user of the site, "
                "or `chown` it.",
            )
        elif free < little:
            yield Finding(
                FAULT if free < none else WARNING,
                f"{for_whom} has only {in_bytes(free)} free: make room.",
            )
        else:
            yield Finding(OK, f"{for_whom} has {in_bytes(free)} free.")


def folders(site: Site) -> dict[Path, list[str]]:
    """Where the site writes, and what."""
    in_force = site.registry.microblog
    written: list[tuple[str, Path | None]] = [
        ("database", site.database_file and site.database_file.parent),
        ("mail", in_force[MAIL_FOLDER] if in_force[MAIL] == "folder" else None),
        ("profiles", in_force[PROFILER_DIRECTORY]),
        ("alerts", in_force[ALERTS_STATE] and in_force[ALERTS_STATE].parent),
        ("numbers", in_force[METRICS_DIRECTORY]),
    ]
    with suppress(LogError):  # told by the check of the log
        written += [("log", path.parent) for path in site.log_files]
    found: dict[Path, list[str]] = {}
    for name, folder in written:
        if folder is not None:
            found.setdefault(folder.absolute(), []).append(name)
    return found


# In this order; those below the database are asked when it answers.
WITHOUT_DATABASE: dict[str, Check] = {
    "settings": settings,
    "files": files,
    "log": log,
    "disk": disk,
    "mail": mail,
}
DATABASE = "database"
WITH_DATABASE: dict[str, Check] = {"clock": clock, "search": search, "worker": worker, "outbox": outbox}
FULL: dict[str, Check] = {"tables": whole_database, "index": whole_index}
