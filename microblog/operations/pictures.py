"""The files of pictures beside backups: each once, however many backups have it.

A file never changes and its name is never used again, so a backup adds what is new. The time of each is that
of the last backup which found it on the site: what is older than every backup that is left belongs to none.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from microblog.media.checking import Named, compute_checksum
from microblog.media.names import list_files
from microblog.media.storage.folder import FILE_MODE, FOLDER_MODE, TEMPORARY, remove_old_temporary_files
from microblog.media.storage.interfaces import IPictureStorage
from microblog.media.storage.names import SHARD, get_path, is_file_name
from microblog.media.upkeep_queries import KeptPicture
from microblog.operations import dumps
from microblog.operations.backup import SQLITE, detect_kind, open_read_only
from microblog.operations.keeping import TIMESTAMP, get_backup_time, list_backups

FOLDER: Final = "pictures"
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
IN_A_BACKUP: Final = "SELECT name, checksums FROM pictures ORDER BY name"
TABLE_OF_A_BACKUP: Final = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'pictures'"

Progress = Callable[[int], None]


def count_nothing(files: int) -> None:
    pass


def get_folder(backup: Path) -> Path:
    """Where the pictures of a backup are: those of a folder of backups have one together."""
    if get_backup_time(backup):
        return backup.with_name(FOLDER)
    return backup.with_name(f"{backup.name}.{FOLDER}")


def get_time(backup: Path) -> float:
    """When a backup was begun, in seconds since 1970: by its name, else now."""
    text = get_backup_time(backup)
    found = datetime.strptime(text, TIMESTAMP).replace(tzinfo=UTC) if text else datetime.now(UTC)
    return found.timestamp()


@dataclass(slots=True)
class Added:
    """How many files a backup has, and how many bytes of them were added."""

    files: int = 0
    new: int = 0
    bytes: int = 0


class PictureFolder:
    """The pictures beside backups, laid out like the folder of a site. Only its owner may read those of
    backups; one that `is_for_a_site` has the rights of its folder."""

    def __init__(self, path: Path, *, is_for_a_site: bool = False) -> None:
        self.path = path
        self._folder_mode = FOLDER_MODE if is_for_a_site else PRIVATE_FOLDER
        self._file_mode = FILE_MODE if is_for_a_site else PRIVATE_FILE

    def is_there(self) -> bool:
        return self.path.is_dir()

    def find(self, file_name: str) -> Path | None:
        """The path of a file; None when there is none."""
        path = self.path / get_path(file_name)
        return path if path.is_file() else None

    def add_all(self, storage: IPictureStorage, now: float, added: Progress = count_nothing) -> Added:
        """Add all files of a storage that are not here; `added(1)` is called after each.

        :raises StorageUnavailable: when they cannot be read.
        :raises OSError: when they cannot be written.
        """
        done = Added()
        for info in storage.list_files():
            path = self.path / get_path(info.name)
            if is_here(path, info.size):
                if path.stat().st_mtime < now:  # not of a later backup, which was made at the same time
                    os.utime(path, (now, now))
            else:
                size = self.copy(storage, info.name, now)
                if size is None:
                    continue
                done.new += 1
                done.bytes += size
            done.files += 1
            added(1)
        if done.new:
            os.sync()  # of so many files at once it is much faster than of each
        return done

    def copy(self, storage: IPictureStorage, file_name: str, now: float) -> int | None:
        """Copy a file of a storage; returns its bytes, or None when it is gone. `os.sync()` has to follow."""
        path = self.path / get_path(file_name)
        for folder in (self.path, path.parent):
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(self._folder_mode)
        stored = storage.read(file_name)
        if stored is None:
            return None
        temporary = path.with_name(f".{file_name}.{os.getpid()}{TEMPORARY}")
        size = 0
        try:
            with os.fdopen(
                os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "wb"
            ) as new:
                for chunk in stored.data:
                    size += new.write(chunk)
            temporary.chmod(self._file_mode)
            os.utime(temporary, (now, now))
            temporary.rename(path)
        finally:
            stored.close()
            temporary.unlink(missing_ok=True)
        return size

    def remove_older(self, before: float) -> int:
        """Remove files that no backup since then (seconds since 1970) has found; returns how many."""
        removed = 0
        for shard in self._list_shards():
            with os.scandir(shard) as entries:
                found = list(entries)
            remove_old_temporary_files(found)
            for entry in found:
                if is_file_name(entry.name) and entry.stat().st_mtime < before:
                    Path(entry.path).unlink()
                    removed += 1
        return removed

    def _list_shards(self) -> list[Path]:
        with suppress(FileNotFoundError):
            return sorted(path for path in self.path.iterdir() if SHARD.fullmatch(path.name))
        return []


def is_here(path: Path, size: int) -> bool:
    """Is there a file of so many bytes?"""
    return path.is_file() and path.stat().st_size == size


def remove_unneeded(folder: Path) -> int:
    """Remove files of pictures that none of the backups in this folder has; returns how many."""
    oldest = next(iter(list_backups(folder)), None)
    return 0 if oldest is None else PictureFolder(folder / FOLDER).remove_older(get_time(oldest))


def read_pictures(backup: Path) -> Iterator[KeptPicture]:
    """The pictures that a backup knows, in constant memory; none of a backup from before there were any."""
    if detect_kind(backup) == SQLITE:
        rows = read_sqlite_pictures(backup)
    else:
        rows = dumps.read_rows(backup, "pictures", ("name", "checksums"))
    for name, checksums in rows:
        yield KeptPicture(name, tuple(checksums.split()))


def read_sqlite_pictures(backup: Path) -> Iterator[tuple[str, ...]]:
    with closing(open_read_only(backup)) as connection:
        if connection.execute(TABLE_OF_A_BACKUP).fetchone() is not None:
            rows: sqlite3.Cursor = connection.execute(IN_A_BACKUP)
            yield from rows


@dataclass(slots=True)
class Compared:
    """Of so many pictures and files, which are `missing` or `damaged`; how many were brought back."""

    pictures: int = 0
    files: int = 0
    brought: int = 0
    missing: Named = field(default_factory=Named)
    damaged: Named = field(default_factory=Named)


def verify(backup: Path, compared: Progress = count_nothing) -> Compared:
    """Read every file of the pictures that a backup knows."""
    folder, found = PictureFolder(get_folder(backup)), Compared()
    for picture in read_pictures(backup):
        found.pictures += 1
        for name, checksum in zip(
            list_files(picture.name, len(picture.checksums)), picture.checksums, strict=True
        ):
            found.files += 1
            path = folder.find(name)
            if path is None:
                found.missing.add(name)
            elif hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
                found.damaged.add(name)
        compared(1)
    return found


def find_missing(backup: Path, storage: IPictureStorage) -> Compared:
    """Which files would a site lack after this backup was restored?"""
    folder, found = PictureFolder(get_folder(backup)), Compared()
    for picture in read_pictures(backup):
        found.pictures += 1
        for name in list_files(picture.name, len(picture.checksums)):
            found.files += 1
            if folder.find(name) is None and storage.find(name) is None:
                found.missing.add(name)
    return found


def bring_back(
    backup: Path,
    storage: IPictureStorage,
    pictures: Iterator[KeptPicture],
    compared: Progress = count_nothing,
    *,
    reading: bool = False,
) -> Compared:
    """Store the files of these pictures, which are in a backup, where they are missing, have another size or,
    with `reading`, are damaged.

    :raises StorageUnavailable: when they cannot be stored.
    """
    folder, found = PictureFolder(get_folder(backup)), Compared()
    for picture in pictures:
        found.pictures += 1
        for name, checksum in zip(
            list_files(picture.name, len(picture.checksums)), picture.checksums, strict=True
        ):
            found.files += 1
            bring_back_file(folder.find(name), storage, name, checksum, found, reading=reading)
        compared(1)
    return found


def bring_back_file(
    path: Path | None, storage: IPictureStorage, name: str, checksum: str, found: Compared, *, reading: bool
) -> None:
    present = storage.find(name)
    if reading:
        is_whole = present is not None and compute_checksum(storage, name) == checksum
    else:
        is_whole = present is not None and (path is None or path.stat().st_size == present.size)
    if is_whole:
        return
    data = None if path is None else path.read_bytes()
    if data is not None and hashlib.sha256(data).hexdigest() == checksum:
        storage.put(name, data)
        found.brought += 1
    elif data is None:
        found.missing.add(name)
    else:
        found.damaged.add(name)
