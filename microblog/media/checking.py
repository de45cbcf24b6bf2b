"""Compares the files of the storage with the rows that know them, and these with the posts and people who
show the pictures.

Both sides come in the order of their names, so however many there are, nothing of them is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final

from microblog.media import upkeep_queries as queries
from microblog.media.collecting import A_DAY
from microblog.media.names import get_file, get_name, get_number
from microblog.media.plans import AVATAR, HEADER
from microblog.media.storage.interfaces import FileInfo, IPictureStorage, get_storage
from microblog.media.upkeep_queries import MOST_NAMED, KeptPicture
from microblog.request import Registry

SUSPECTS_AT_ONCE: Final = 500


@dataclass(slots=True)
class Named:
    """How many there are, and some of them."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.names) < MOST_NAMED:
            self.names.append(name)


@dataclass(slots=True)
class FilesFound:
    """What is wrong with files: those that a row knows and that are `missing`, or are `damaged` (they have
    another SHA-256), and those that no row knows and that are older than a day."""

    pictures: int = 0
    files: int = 0
    missing: Named = field(default_factory=Named)
    damaged: Named = field(default_factory=Named)
    unknown: Named = field(default_factory=Named)


def get_nothing() -> None:
    pass


class FileCheck:
    """Compares all files with all rows. The site may go on: what is stored or deleted meanwhile is no fault.

    `checked()` is called after each picture.
    """

    def __init__(
        self, registry: Registry, checked: Callable[[], None] = get_nothing, age: timedelta = A_DAY
    ) -> None:
        self._database = registry.database
        self._storage = get_storage(registry)
        self._checked = checked
        self._before = datetime.now(UTC) - age
        self._suspects: list[tuple[Named, str]] = []
        self.found = FilesFound()

    def run(self) -> FilesFound:
        """
        :raises StorageUnavailable: when files cannot be listed or read.
        """
        for picture, files in merge(queries.walk_pictures(self._database), self._storage.list_files()):
            self.found.files += len(files)
            if picture is not None:
                self.found.pictures += 1
                self._compare(picture, {file.name for file in files})
                self._checked()
            known = 0 if picture is None else len(picture.checksums)
            for file in files:
                if get_number(file.name) >= known and file.modified < self._before:
                    self._suspect(self.found.unknown, file.name)
        self._settle()
        return self.found

    def _compare(self, picture: KeptPicture, present: set[str]) -> None:
        for number, checksum in enumerate(picture.checksums):
            file = get_file(picture.name, number)
            present_checksum = compute_checksum(self._storage, file) if file in present else None
            if present_checksum is None:
                self._suspect(self.found.missing, file)
            elif present_checksum != checksum:
                self._suspect(self.found.damaged, file)

    def _suspect(self, kind: Named, file: str) -> None:
        self._suspects.append((kind, file))
        if len(self._suspects) == SUSPECTS_AT_ONCE:
            self._settle()

    def _settle(self) -> None:
        """Note what is still wrong, now that both sides were read."""
        with self._database.read() as session:
            names = sorted({get_name(file) for _, file in self._suspects})
            rows = queries.find_pictures(session, names)
            known = queries.count_known_files(session, names)
        for kind, file in self._suspects:
            if kind is self.found.unknown:
                is_wrong = get_number(file) >= known.get(get_name(file), 0)
            elif kind is self.found.missing:
                # Of a picture that was stored after the files were listed here, they are there.
                is_wrong = get_name(file) in rows and self._storage.find(file) is None
            else:
                is_wrong = get_name(file) in rows
            if is_wrong:
                kind.add(file)
        self._suspects = []


def merge(
    rows: Iterable[KeptPicture], files: Iterable[FileInfo]
) -> Iterator[tuple[KeptPicture | None, list[FileInfo]]]:
    """Each picture by its name, with its row, its files, or both. Both come in the order of their names."""
    left, right = iter(rows), groupby(files, lambda file: get_name(file.name))
    row, group = next(left, None), take_group(next(right, None))
    while row is not None or group:
        name = None if not group else get_name(group[0].name)
        if row is not None and (name is None or row.name <= name):
            is_both = row.name == name
            yield row, group if is_both else []
            row = next(left, None)
        else:
            is_both = True
            yield None, group
        if is_both:
            group = take_group(next(right, None))


def take_group(found: tuple[str, Iterator[FileInfo]] | None) -> list[FileInfo]:
    return [] if found is None else sorted(found[1], key=attrgetter("name"))


def compute_checksum(storage: IPictureStorage, file_name: str) -> str | None:
    """The SHA-256 of a file, hexadecimal; None when there is no such file."""
    stored = storage.read(file_name)
    if stored is None:
        return None
    digest = hashlib.sha256()
    try:
        for chunk in stored.data:
            digest.update(chunk)
    finally:
        stored.close()
    return digest.hexdigest()


@dataclass(slots=True)
class RowsFound:
    """What is wrong with rows: posts that name pictures which are not theirs, people whose avatar or header
    is not theirs, pictures that nothing shows and that wait for nothing, people with a wrong sum of bytes."""

    posts: Named = field(default_factory=Named)
    avatars: Named = field(default_factory=Named)
    headers: Named = field(default_factory=Named)
    unshown: Named = field(default_factory=Named)
    bytes: Named = field(default_factory=Named)


def check_rows(registry: Registry) -> RowsFound:
    """Compare the pictures with the posts and people who show them."""
    found = RowsFound()
    database = registry.database
    with database.without_limits():
        for mismatch, is_named in queries.walk_posts(database):
            if is_named:
                found.posts.add(str(mismatch.owner))
            else:
                found.unshown.add(mismatch.name)
    with database.without_limits(), database.read() as session:
        for mismatch in queries.find_unshown(session):
            found.unshown.add(mismatch.name)
        for kind, purpose in ((found.avatars, AVATAR), (found.headers, HEADER)):
            for user_id in queries.find_strange_portraits(session, purpose):
                kind.add(str(user_id))
        for user_id in queries.find_wrong_bytes(session):
            found.bytes.add(str(user_id))
    return found
