"""Avatars and headers of people in tests: pretty enough to be looked at, and there without being sent."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from microblog.media import actions as media
from microblog.media.plans import AVATAR, HEADER, PLANS
from microblog.media.results import Made, MadePicture
from microblog.media.storing import store
from tests.conftest import Application

Color = tuple[int, int, int]
EVENING: tuple[Color, Color] = ((28, 58, 120), (246, 150, 96))
MEADOW: tuple[Color, Color] = ((120, 190, 230), (60, 130, 70))


def fade(size: tuple[int, int], colors: tuple[Color, Color]) -> Image.Image:
    """From the second colour at the bottom to the first at the top."""
    below, above = (Image.new("RGB", size, color) for color in reversed(colors))
    return Image.composite(below, above, Image.linear_gradient("L").resize(size))


def draw_circle(draw: ImageDraw.ImageDraw, middle: tuple[float, float], radius: float, color: Color) -> None:
    (x, y) = middle
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), color)


def draw_hills(size: tuple[int, int]) -> Image.Image:
    """A sky that fades, a sun and two hills."""
    image, (width, height) = fade(size, EVENING), size
    draw = ImageDraw.Draw(image)
    draw_circle(draw, (width * 0.66, height * 0.33), height / 6, (255, 226, 150))
    draw_circle(draw, (width * 0.2, height * 0.7 + width), width, (52, 74, 84))
    draw_circle(draw, (width * 0.9, height * 0.75 + width), width, (34, 50, 58))
    return image


def draw_face(size: tuple[int, int]) -> Image.Image:
    """A round face before a gradient."""
    image, (width, height) = fade(size, MEADOW), size
    draw = ImageDraw.Draw(image)
    draw_circle(draw, (width / 2, height / 2), height / 3, (240, 200, 160))
    for eye in (0.4, 0.6):
        draw_circle(draw, (width * eye, height * 0.43), height / 30, (40, 30, 30))
    mouth = (width * 0.4, height * 0.5, width * 0.6, height * 0.66)
    draw.arc(mouth, 10, 170, (150, 40, 40), max(1, height // 30))
    return image


DRAWINGS = {AVATAR: draw_face, HEADER: draw_hills}


def make_file(purpose: str = HEADER, kind: str = "JPEG", size: tuple[int, int] = (900, 300)) -> bytes:
    """A file as somebody may send one."""
    file = io.BytesIO()
    DRAWINGS[purpose](size).save(file, kind)
    return file.getvalue()


def give_portrait(application: Application, user_id: int, purpose: str) -> str:
    """This person has such a picture; returns its name."""
    made = []
    for size in PLANS[purpose].sizes:
        file = io.BytesIO()
        DRAWINGS[purpose](size).save(file, "WEBP", quality=80)
        made.append(MadePicture(*size, file.getvalue()))
    stored = store(application.registry, Made("#808080", tuple(made)))
    with application.database.write() as session:
        media.keep(session, user_id, purpose, [stored], quota=1_000_000_000)
        media.set_portrait(session, user_id, purpose, stored.name)
    return stored.name
