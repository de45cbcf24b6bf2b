"""Decides which backups of a folder are kept: never fewer than requested, and never removing one that has
far more in it than the new one."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from microblog.errors import OperatorError
from microblog.operations import dumps
from microblog.operations.backup import (
    SQLITE,
    SUFFIXES,
    Inventory,
    NotWhole,
    detect_kind,
    read_sqlite_inventory,
)

SECONDS_OF_A_DAY = 86_400
TIMESTAMP = "%Y-%m-%dT%H%M%SZ"
NAME_OF_A_BACKUP = re.compile(r"microblog-(?P<timestamp>\d{4}-\d\d-\d\dT\d{6}Z)\.(?:sqlite3|dump)")
DAMAGED = ".damaged"  # the end of the name of a new backup that is not whole
# "Far more" people or posts: at least twice as many and ten more, as when a site was emptied by accident.
FAR_MORE_TIMES, FAR_MORE = 2, 10


@dataclass(slots=True)
class Tidied:
    """Backups that were removed, and those that were left although they do not count, each with the end of a
    sentence that says why. `better` are those left that have far more in them than the new one.
    """

    removed: list[Path] = field(default_factory=list)
    left: list[tuple[Path, str]] = field(default_factory=list)
    better: list[Path] = field(default_factory=list)


def make_backup_name(kind: str) -> str:
    """The name of a backup that is made now."""
    return f"microblog-{datetime.now(UTC):{TIMESTAMP}}{SUFFIXES[kind]}"


def get_backup_time(path: Path) -> str:
    """The time in the name of a backup; "" for any other file."""
    match = NAME_OF_A_BACKUP.fullmatch(path.name)
    return match["timestamp"] if match else ""


def list_backups(folder: Path) -> list[Path]:
    """The backups whose names have a time, the oldest first."""
    return sorted(filter(get_backup_time, folder.iterdir()), key=get_backup_time)


def find_newest(folder: Path) -> Path | None:
    """The newest backup; one from the future only if there is no other, since the clock was wrong then."""
    found = list_backups(folder)
    past = [path for path in found if get_backup_time(path) <= f"{datetime.now(UTC):{TIMESTAMP}}"]
    return next(reversed(past or found), None)


def read_inventory(file: Path) -> Inventory:
    """What is in the backup, which is read completely.

    :raises NotWhole: when it is damaged, or not a backup of microblog.
    :raises OperatorError: when it cannot be read: pg_restore is missing, or older than the dump.
    """
    return read_sqlite_inventory(file) if detect_kind(file) == SQLITE else dumps.read_dump_inventory(file)


def is_far_more(old: Inventory, new: Inventory) -> bool:
    return any(
        before > FAR_MORE_TIMES * now and before >= now + FAR_MORE
        for before, now in ((old.people, new.people), (old.posts, new.posts))
    )


def has_far_more(file: Path, made: Inventory) -> bool:
    """Is this a whole backup that has far more in it than the one that was `made` now?"""
    try:
        return is_far_more(read_inventory(file), made)
    except OperatorError:
        return False


def rename_damaged(partial: Path, file: Path) -> Path:
    """Keep a damaged new backup under another name; remove earlier ones in the same folder."""
    damaged = partial.rename(file.with_name(f"{file.name}{DAMAGED}"))
    for other in file.parent.glob(f"microblog-*{DAMAGED}"):
        if other != damaged and get_backup_time(other.with_suffix("")):
            other.unlink()
    return damaged


def tidy(new: Path, made: Inventory, keep: int) -> Tidied:
    """Keep `keep` backups in the folder: `new`, and the newest whole ones of the same site.

    Removes older backups, and what killed backups have left behind.
    """
    done = Tidied()
    counted = 1
    for path in reversed(list_backups(new.parent)):
        if path == new:
            continue
        assessment = assess(path, new, made)
        if assessment.is_better:
            done.better.append(path)
        if assessment.why_not is None and counted < keep:
            counted += 1
        elif assessment.is_removable and counted >= keep:
            path.unlink()
            done.removed.append(path)
        else:
            done.left.append((path, assessment.why_not or "has far more in it than the new one"))
    yesterday = time.time() - SECONDS_OF_A_DAY
    for path in new.parent.glob(".microblog-*.partial"):
        if path.stat().st_mtime < yesterday:
            path.unlink()
            done.removed.append(path)
    return done


@dataclass(frozen=True, slots=True)
class Assessment:
    """`why_not` says why a backup does not count, as the end of a sentence; None when it counts."""

    why_not: str | None
    is_removable: bool = False
    is_better: bool = False


def assess(path: Path, new: Path, made: Inventory) -> Assessment:
    """Assess an older backup, compared with the one that was `made` as `new`."""
    if get_backup_time(path) > get_backup_time(new):
        return Assessment("has a time in the future: the clock was wrong when it was made")
    try:
        inventory = read_inventory(path)
    except NotWhole as error:
        return Assessment(error.reason, is_removable=True)
    except (OperatorError, OSError) as error:
        return Assessment(f"cannot be read ({error})")
    if inventory.origin and made.origin and inventory.origin != made.origin:
        return Assessment("is of another site")
    is_better = is_far_more(inventory, made)
    return Assessment(None, is_removable=not is_better, is_better=is_better)
