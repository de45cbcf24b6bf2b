"""Small pictures for tests, and what a form sends of them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from PIL import Image
from webtest import Upload

from microblog.media.names import get_file, make_name
from microblog.media.shown import ShownPicture, ShownPictures
from microblog.media.storage.folder import FolderStorage
from microblog.media.storage.interfaces import IPictureStorage
from microblog.media.storage.settings import FOLDER
from microblog.media.storing import StoredPicture

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 60), (30, 60, 200)


def make_picture(color: tuple[int, int, int] = RED, size: tuple[int, int] = (80, 60)) -> bytes:
    """A PNG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def upload(data: bytes | None = None, name: str = "photo.png") -> Upload:
    return Upload(name, make_picture() if data is None else data, "image/png")


# Pictures that are kept without being decoded, since a test is about their files


def store_files(storage: IPictureStorage, *contents: bytes) -> StoredPicture:
    """A picture whose files have these contents, the largest first; it has no row yet."""
    name = make_name()
    for number, data in enumerate(contents):
        storage.put(get_file(name, number), data)
    checksums = " ".join(hashlib.sha256(data).hexdigest() for data in contents)
    return StoredPicture(name, 80, 60, "#c81e1e", sum(map(len, contents)), checksums)


def show(*names: str) -> ShownPictures:
    """What a post says of such pictures."""
    return ShownPictures(tuple(ShownPicture(name, 80, 60, "#c81e1e") for name in names))


def open_folder(path: Path) -> FolderStorage:
    """The storage of a folder, without a site."""
    settings: Any = {FOLDER: path}
    return FolderStorage(settings)


def list_names(storage: IPictureStorage) -> list[str]:
    return [file.name for file in storage.list_files()]


@contextmanager
def in_days(days: float) -> Iterator[None]:
    """Inside, it is so many days later."""
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days)):
        yield
