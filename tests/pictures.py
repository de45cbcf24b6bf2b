"""Small pictures for tests, and what a form sends of them."""

from __future__ import annotations

import hashlib
import io
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from PIL import Image, ImageDraw, ImageOps
from webtest import Upload

from microblog.media.actions import keep
from microblog.media.names import get_file, make_name
from microblog.media.plans import POST
from microblog.media.shown import ShownPicture, ShownPictures
from microblog.media.storage.folder import FolderStorage
from microblog.media.storage.interfaces import IPictureStorage
from microblog.media.storage.settings import FOLDER
from microblog.media.storing import StoredPicture, store

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 60), (30, 60, 200)


def make_picture(color: tuple[int, int, int] = RED, size: tuple[int, int] = (80, 60)) -> bytes:
    """A PNG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def upload(data: bytes | None = None, name: str = "photo.png") -> Upload:
    return Upload(name, make_picture() if data is None else data, "image/png")


def paint(seed: int, size: tuple[int, int] = (1200, 800)) -> bytes:
    """A JPEG that is pleasant to look at: hills under a sky, others for each seed."""
    chance = random.Random(seed)  # the same ones each time
    width, height = size
    sky, ground = (tuple(chance.randrange(90, 220) for _ in range(3)) for _ in range(2))
    image = Image.linear_gradient("L").resize(size)
    image = ImageOps.colorize(image, sky, (250, 240, 220))
    pen = ImageDraw.Draw(image)
    sun = chance.randrange(width // 5, width * 4 // 5)
    pen.circle((sun, height // 3), height // 10, fill=(255, 235, 170))
    for layer in range(1, 5):
        color = tuple(value * (9 - layer) // 10 for value in ground)
        level, rise = height * (4 + layer) // 9, height // 12
        phase, waves = chance.random() * 6, chance.randrange(1, 4)
        edge = [
            (x, level - rise * math.sin(phase + waves * math.tau * x / width)) for x in range(0, width + 9, 8)
        ]
        pen.polygon([*edge, (width, height), (0, height)], fill=color)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def keep_pictures(
    application: Any, user_id: int, texts: Sequence[str], *, purpose: str = POST
) -> list[ShownPicture]:
    """Pictures of this person, one for each text, that wait for a post or a profile."""
    registry = application.registry
    sizes = ((1200, 800), (800, 1200), (1000, 1000), (1400, 700))
    stored = [
        store(registry, registry.picture_decoder.make(paint(number, sizes[number % 4]), purpose))
        for number, _ in enumerate(texts)
    ]
    with application.database.write() as session:
        keep(session, user_id, purpose, stored, quota=100_000_000)
    return [
        ShownPicture(each.name, each.width, each.height, each.color, text)
        for each, text in zip(stored, texts, strict=True)
    ]


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
