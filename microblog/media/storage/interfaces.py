"""The interface of what keeps pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING

from zope.interface import Attribute, Interface

from microblog.errors import OperatorError

if TYPE_CHECKING:
    from microblog.request import Registry


class StorageUnavailable(OperatorError):
    """Nothing can be stored, or read, now. The message is a sentence or two: what happened, and what to do.

    `is_known`: nobody was asked, since it did not work a moment ago; that was logged then.
    """

    def __init__(self, sentence: str, *, is_known: bool = False) -> None:
        super().__init__(sentence)
        self.is_known = is_known


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A stored file: its size in bytes, and when it was stored (in UTC)."""

    name: str
    size: int
    modified: datetime


def close_nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The content of a file in chunks, which are read once. Whoever has it calls `close()`.

    `file` is the open file where the storage has one: a server can send that faster than chunks.
    """

    info: FileInfo
    data: Iterator[bytes]
    close: Callable[[], None] = close_nothing
    file: IO[bytes] | None = None

    @property
    def size(self) -> int:
        return self.info.size


class IPictureStorage(Interface):
    """Keeps the files of pictures. The application makes one; several threads may use it at once.

    Its constructor takes the settings, connects to nothing and writes nothing. What all methods but `check`
    take for the name of a file is one (`microblog/media/storage/names.py`), or they raise a ValueError and
    do nothing. All methods raise `StorageUnavailable`, within seconds.
    """

    name = Attribute("Its name in the ini file.")

    def put(file_name: str, data: bytes) -> None:
        """Store a file: whole or not at all, and to stay when this returns.

        The same name once more, with the same data, is harmless.
        """

    def find(file_name: str) -> FileInfo | None:
        """What is known of a file; None when there is none."""

    def read(file_name: str) -> StoredFile | None:
        """A file; None when there is none."""

    def delete(file_names: Sequence[str]) -> None:
        """Delete files. One that is not there is harmless."""

    def list_files() -> Iterator[FileInfo]:
        """All files, in ascending order of their names, however many they are: nothing of it is kept.

        What is stored or deleted meanwhile may be among them or not. Also removes what a process that was
        killed while it stored a file has left, when that is older than a day.
        """

    def check() -> str:
        """Store something, and remove it; returns a sentence about where pictures are kept.

        :raises StorageUnavailable: when nothing can be stored.
        """


def get_storage(registry: Registry) -> IPictureStorage:
    storage: IPictureStorage = registry.getUtility(IPictureStorage)
    return storage
