"""A storage that keeps pictures in the memory of the process: the example of docs/architecture.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from zope.interface import implementer

from microblog.media.storage.interfaces import FileInfo, IPictureStorage, StorageUnavailable, StoredFile
from microblog.media.storage.names import get_shard
from microblog.settings import Setting, Settings, whole_number

MOST = Setting("microblog.media.shelf.most", whole_number(0, 10_000), 1000, "Files that are kept.")


@implementer(IPictureStorage)
class Shelf:
    """`microblog.media.storage = tests.contract.shelf.Shelf`"""

    name = "shelf"
    SETTINGS = (MOST,)

    def __init__(self, settings: Settings) -> None:
        self._most = settings[MOST]
        self._files: dict[str, tuple[bytes, datetime]] = {}

    def put(self, file_name: str, data: bytes) -> None:
        get_shard(file_name)
        self._require_space()
        self._files[file_name] = data, datetime.now(UTC)

    def find(self, file_name: str) -> FileInfo | None:
        get_shard(file_name)
        if file_name not in self._files:
            return None
        data, stored = self._files[file_name]
        return FileInfo(file_name, len(data), stored)

    def read(self, file_name: str) -> StoredFile | None:
        info = self.find(file_name)
        return None if info is None else StoredFile(info, iter([self._files[file_name][0]]))

    def delete(self, file_names: Sequence[str]) -> None:
        for file_name in map(str, file_names):
            get_shard(file_name)
        for file_name in file_names:
            self._files.pop(file_name, None)

    def list_files(self) -> Iterator[FileInfo]:
        for file_name in sorted(self._files):
            info = self.find(file_name)
            if info is not None:
                yield info

    def check(self) -> str:
        self._require_space()
        return "Pictures are kept in the memory of this process."

    def _require_space(self) -> None:
        if len(self._files) >= self._most:
            raise StorageUnavailable(f"The shelf of pictures is full: set {MOST.key} to more.")
