"""Deletes what nobody needs: pictures that have waited for too long, the files of those that are gone, and
files that no row knows.

Files come before their row, and go after it: whatever is killed in between leaves files without a row, never
a row without its files. All of it may be done by several processes at once, and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from microblog.ids import to_milliseconds
from microblog.media import upkeep_queries as queries
from microblog.media.names import get_name, get_number, list_files
from microblog.media.storage.interfaces import FileInfo, IPictureStorage, StorageUnavailable, get_storage
from microblog.media.upkeep_queries import Leftover
from microblog.request import Registry

A_DAY: Final = timedelta(days=1)
PICTURES_AT_ONCE: Final = 100  # a transaction keeps others from writing for some milliseconds
FILES_AT_ONCE: Final = 500
MOST_REFUSED: Final = 3  # of a batch; then the storage itself is at fault, and may take seconds to say so

Item = TypeVar("Item")


def delete_waiting(registry: Registry, age: timedelta = A_DAY) -> int:
    """Delete a batch of pictures that have waited for longer; returns how many, 0 when there are no more."""
    with registry.database.write() as session:
        return queries.delete_old(session, to_milliseconds(datetime.now(UTC) - age), PICTURES_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Batch:
    """Of so many pictures the files were `deleted`. The next batch begins `after` this name; "" when there is
    none. `refused` says why some could not be deleted."""

    deleted: int
    after: str
    refused: StorageUnavailable | None = None


def delete_leftovers(registry: Registry, after: str = "") -> Batch:
    """Delete the files of a batch of pictures that are gone, and forget these pictures."""
    with registry.database.read() as session:
        found = queries.list_leftovers(session, after, PICTURES_AT_ONCE)
    deleted, last, refused = delete_files(get_storage(registry), found)
    if deleted:
        with registry.database.write() as session:
            queries.forget_leftovers(session, deleted)
    is_the_end = last + 1 == len(found) < PICTURES_AT_ONCE
    return Batch(len(deleted), "" if is_the_end or not found else found[last].name, refused)


def delete_files(
    storage: IPictureStorage, found: Sequence[Leftover]
) -> tuple[list[str], int, StorageUnavailable | None]:
    """The names of those whose files were deleted, the position of the last that was tried, and why others
    were not.

    All at once; where that is refused, one by one, so that a file which may not be deleted keeps no others.
    """
    position = len(found) - 1
    try:
        storage.delete([file for each in found for file in list_files(each.name, each.files)])
        return [each.name for each in found], position, None
    except StorageUnavailable as error:
        refused = error
    deleted: list[str] = []
    for position, each in enumerate(found):
        try:
            storage.delete(list_files(each.name, each.files))
            deleted.append(each.name)
        except StorageUnavailable as error:
            refused = error
            if position + 1 - len(deleted) == MOST_REFUSED:
                break
    return deleted, position, refused


@dataclass(frozen=True, slots=True)
class Listed:
    """Some files of the storage: how many, and those of them that no row knows and that are old enough."""

    files: int
    unknown: list[FileInfo]


def list_unknown_files(registry: Registry, age: timedelta = A_DAY) -> Iterator[Listed]:
    """All files of the storage, some at a time.

    One that is younger than `age` may get its row yet.
    """
    before = datetime.now(UTC) - age
    for files in split(get_storage(registry).list_files(), FILES_AT_ONCE):
        with registry.database.read() as session:
            known = queries.count_known_files(session, sorted({get_name(file.name) for file in files}))
        unknown = [file for file in files if get_number(file.name) >= known.get(get_name(file.name), 0)]
        yield Listed(len(files), [file for file in unknown if file.modified < before])


def split(items: Iterable[Item], length: int) -> Iterator[list[Item]]:
    """Lists of so many items; the last may be shorter."""
    remaining = iter(items)
    while found := list(islice(remaining, length)):
        yield found
