"""Small pictures for tests, and what a form sends of them."""

from __future__ import annotations

import io

from PIL import Image
from webtest import Upload

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 60), (30, 60, 200)


def make_picture(color: tuple[int, int, int] = RED, size: tuple[int, int] = (80, 60)) -> bytes:
    """A PNG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def upload(data: bytes | None = None, name: str = "photo.png") -> Upload:
    return Upload(name, make_picture() if data is None else data, "image/png")
