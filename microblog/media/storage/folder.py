"""Pictures as files in a folder: `ab/abc…-0.webp`."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Final

from zope.interface import implementer

from microblog.media.storage.interfaces import FileInfo, IPictureStorage, StorageUnavailable, StoredFile
from microblog.media.storage.names import SHARD, get_path, get_shard, is_file_name
from microblog.media.storage.settings import FOLDER, FOR_FOLDER
from microblog.settings import Settings

# Whatever the umask is: nginx may be in the group of the site's user, to send the pictures itself.
FOLDER_MODE: Final = 0o750
FILE_MODE: Final = 0o640
CHUNK_BYTES: Final = 1 << 18
TEMPORARY: Final = ".tmp"
SECONDS_OF_TEMPORARY_FILES: Final = 86_400  # nobody writes a file for so long
FULL: Final = (errno.ENOSPC, errno.EDQUOT)
NOT_ALLOWED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


@implementer(IPictureStorage)
class FolderStorage:
    """A file of its name is always complete. The folder is made with the first picture."""

    name = "folder"
    SETTINGS = FOR_FOLDER

    def __init__(self, settings: Settings) -> None:
        self._folder = settings[FOLDER]

    def put(self, file_name: str, data: bytes) -> None:
        folder = self._folder / get_shard(file_name)
        with self._explain_errors("write"):
            self._make(folder)
            temporary = folder / f".{file_name}.{secrets.token_hex(4)}{TEMPORARY}"
            write_durably(temporary, data, folder / file_name)

    def find(self, file_name: str) -> FileInfo | None:
        path = self._folder / get_path(file_name)
        with self._explain_errors("read"), suppress(FileNotFoundError, NotADirectoryError):
            return make_info(file_name, path.stat())
        return None

    def read(self, file_name: str) -> StoredFile | None:
        path = self._folder / get_path(file_name)
        with self._explain_errors("read"), suppress(FileNotFoundError, NotADirectoryError):
            file = path.open("rb")
            info = make_info(file_name, os.fstat(file.fileno()))
            return StoredFile(info, iter(partial(file.read, CHUNK_BYTES), b""), file.close, file)
        return None

    def delete(self, file_names: Sequence[str]) -> None:
        paths = [self._folder / get_path(file_name) for file_name in file_names]
        with self._explain_errors("write"):
            for path in paths:
                with suppress(FileNotFoundError, NotADirectoryError):
                    path.unlink()

    def list_files(self) -> Iterator[FileInfo]:
        shards = self._list(self._folder)
        remove_old_temporary_files(shards)
        for shard in shards:
            if SHARD.fullmatch(shard.name):
                found = self._list(Path(shard.path))
                remove_old_temporary_files(found)
                yield from filter(None, map(self._describe, found))

    def _describe(self, entry: os.DirEntry[str]) -> FileInfo | None:
        """None when it is not one of ours, or was deleted meanwhile."""
        if is_file_name(entry.name):
            with self._explain_errors("read"), suppress(FileNotFoundError):
                return make_info(entry.name, entry.stat())
        return None

    def check(self) -> str:
        with self._explain_errors("write"):
            self._make(self._folder)
            path = self._folder / f".check.{secrets.token_hex(4)}{TEMPORARY}"
            try:
                write_durably(path, b"pictures can be stored", path)
            finally:
                path.unlink(missing_ok=True)
        return f"Pictures are kept in the folder {self._folder}."

    def _make(self, folder: Path) -> None:
        """Make a folder, and those above it, unless it is there."""
        if not folder.is_dir():
            if folder == self._folder:
                folder.parent.mkdir(parents=True, exist_ok=True)
            else:
                self._make(self._folder)
            with suppress(FileExistsError):  # another thread has made it
                folder.mkdir()
                folder.chmod(FOLDER_MODE)
            sync(folder.parent)

    def _list(self, folder: Path) -> list[os.DirEntry[str]]:
        """What is in a folder, by name. A folder has one file of 4,096, and there are no more folders."""
        missing = suppress(FileNotFoundError, NotADirectoryError)
        with self._explain_errors("read"), missing, os.scandir(folder) as entries:
            return sorted(entries, key=attrgetter("name"))
        return []

    @contextmanager
    def _explain_errors(self, verb: str) -> Iterator[None]:
        """:raises StorageUnavailable: for every error of the system, with what to do about it."""
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                sentence = (
                    f"The disk of the folder of pictures {self._folder} is full: make room, or set "
                    f"{FOLDER.key} to a folder on another disk."
                )
            elif error.errno in NOT_ALLOWED:
                sentence = (
                    f"This user may not {verb} the folder of pictures {self._folder} ({error.strerror}): "
                    f"`chown` it to the user of the site, or correct {FOLDER.key}."
                )
            else:
                sentence = (
                    f"The folder of pictures {self._folder} cannot be used ({error.strerror}): "
                    f"check {FOLDER.key}."
                )
            raise StorageUnavailable(sentence) from error


def make_info(file_name: str, status: os.stat_result) -> FileInfo:
    return FileInfo(file_name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def write_durably(temporary: Path, data: bytes, path: Path) -> None:
    """Write a file whole or not at all; it is on the disk when this returns."""
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
            os.fchmod(file.fileno(), FILE_MODE)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(folder: Path) -> None:
    """Flush what a folder says of its files to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_old_temporary_files(entries: Sequence[os.DirEntry[str]]) -> None:
    """Of processes that were killed while they wrote."""
    before = time.time() - SECONDS_OF_TEMPORARY_FILES
    for entry in entries:
        if entry.name.startswith(".") and entry.name.endswith(TEMPORARY):
            with suppress(OSError):  # of somebody else, or gone
                if entry.stat().st_mtime < before:
                    Path(entry.path).unlink()
