"""Which backups of a folder stay: never fewer than was asked for, and what is better than what came."""

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
    inventory_of_sqlite,
)

SECONDS_OF_A_DAY = 86_400
MOMENT = "%Y-%m-%dT%H%M%SZ"
NAME_OF_A_BACKUP = re.compile(r"microblog-(?P<moment>\d{4}-\d\d-\d\dT\d{6}Z)\.(?:sqlite3|dump)")
DAMAGED = ".damaged"  # ends the name of what was made and is not whole
# So many times the people or posts, and so many more at least: a site that was emptied, and no clearing up.
FAR_MORE_TIMES, FAR_MORE = 2, 10


@dataclass(slots=True)
class Tidied:
    """What was removed, and what was left though it does not count, with the end of a sentence that says why.

    `better`: those of it that have far more in them than the new one.
    """

    removed: list[Path] = field(default_factory=list)
    left: list[tuple[Path, str]] = field(default_factory=list)
    better: list[Path] = field(default_factory=list)


def name_of_backup(kind: str) -> str:
    """For a backup that is made now."""
    return f"microblog-{datetime.now(UTC):{MOMENT}}{SUFFIXES[kind]}"


def get_time_of_backup(path: Path) -> str:
    """As its name says; "" for what is none of ours."""
    match = NAME_OF_A_BACKUP.fullmatch(path.name)
    return match["moment"] if match else ""


def backups_in(folder: Path) -> list[Path]:
    """Those that were named by their moment, the oldest first."""
    return sorted(filter(get_time_of_backup, folder.iterdir()), key=get_time_of_backup)


def newest_in(folder: Path) -> Path | None:
    """Not one of a moment that is yet to come, if there is another: the clock was wrong when it was made."""
    found = backups_in(folder)
    past = [path for path in found if get_time_of_backup(path) <= f"{datetime.now(UTC):{MOMENT}}"]
    return next(reversed(past or found), None)


def read_inventory(file: Path) -> Inventory:
    """What is in the backup, which is read as a whole.

    :raises NotWhole: when it is damaged, or no backup of microblog's.
    :raises OperatorError: when it cannot be looked at: pg_restore is missing, or older than the dump.
    """
    return inventory_of_sqlite(file) if detect_kind(file) == SQLITE else dumps.inventory_of_dump(file)


def is_far_more(old: Inventory, new: Inventory) -> bool:
    return any(
        before > FAR_MORE_TIMES * now and before >= now + FAR_MORE
        for before, now in ((old.people, new.people), (old.posts, new.posts))
    )


def has_far_more(file: Path, made: Inventory) -> bool:
    """Is this a whole backup of the same site, which has far more in it than what was `made` now?"""
    try:
        return is_far_more(read_inventory(file), made)
    except OperatorError:
        return False


def put_aside(partial: Path, file: Path) -> Path:
    """Keep what is not whole under another name; of a folder's backups only the newest of them."""
    aside = partial.rename(file.with_name(f"{file.name}{DAMAGED}"))
    for other in file.parent.glob(f"microblog-*{DAMAGED}"):
        if other != aside and get_time_of_backup(other.with_suffix("")):
            other.unlink()
    return aside


def tidy(new: Path, made: Inventory, keep: int) -> Tidied:
    """Keep `new`, which is whole, and so many of the newest whole ones of the same site in its folder.

    Removed is what is older than these, and what is left of backups that were killed.
    """
    done = Tidied()
    counted = 1
    for path in reversed(backups_in(new.parent)):
        if path == new:
            continue
        seen = look(path, new, made)
        if seen.is_better:
            done.better.append(path)
        if seen.why_not is None and counted < keep:
            counted += 1
        elif seen.is_removable and counted >= keep:
            path.unlink()
            done.removed.append(path)
        else:
            done.left.append((path, seen.why_not or "has far more in it than the new one"))
    yesterday = time.time() - SECONDS_OF_A_DAY
    for path in new.parent.glob(".microblog-*.partial"):
        if path.stat().st_mtime < yesterday:
            path.unlink()
            done.removed.append(path)
    return done


@dataclass(frozen=True, slots=True)
class Seen:
    """`why_not` is the end of a sentence: why a backup does not count; None when it does."""

    why_not: str | None
    is_removable: bool = False
    is_better: bool = False


def look(path: Path, new: Path, made: Inventory) -> Seen:
    """What to think of an older backup, beside `new` with what was `made` of it."""
    if get_time_of_backup(path) > get_time_of_backup(new):
        return Seen("is of a moment that is yet to come: the clock was wrong when it was made")
    try:
        inventory = read_inventory(path)
    except NotWhole as error:
        return Seen(error.reason, is_removable=True)
    except (OperatorError, OSError) as error:
        return Seen(f"cannot be looked at ({error})")
    if inventory.origin and made.origin and inventory.origin != made.origin:
        return Seen("is of another site")
    is_better = is_far_more(inventory, made)
    return Seen(None, is_removable=not is_better, is_better=is_better)
