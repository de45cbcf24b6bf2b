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


def draw_hills(size: tuple[int, int], colors: tuple[Color, Color] = EVENING) -> Image.Image:
    """A sky that fades, a sun and two hills."""
    width, height = size
    fade = Image.linear_gradient("L").resize(size)
    image = Image.composite(Image.new("RGB", size, colors[1]), Image.new("RGB", size, colors[0]), fade)
    draw = ImageDraw.Draw(image)
    sun = height // 6
    draw.ellipse((width * 2 // 3 - sun, height // 3 - sun, width * 2 // 3 + sun, height // 3 + sun), (255, 226, 150))
    draw.ellipse((-width // 3, height * 2 // 3, width * 2 // 3, height * 2), (52, 74, 84))
    draw.ellipse((width // 4, height * 3 // 4, width * 3 // 2, height * 2), (34, 50, 58))
    return image


def draw_face(size: tuple[int, int], colors: tuple[Color, Color] = MEADOW) -> Image.Image:
    """A round face before a gradient."""
    width, height = size
    fade = Image.linear_gradient("L").resize(size)
    image = Image.composite(Image.new("RGB", size, colors[1]), Image.new("RGB", size, colors[0]), fade)
    draw = ImageDraw.Draw(image)
    draw.ellipse((width // 5, height // 6, width * 4 // 5, height * 5 // 6), (240, 200, 160))
    for eye in (2, 3):
        middle, radius = width * eye // 5, width // 30
        draw.ellipse((middle - radius, height * 2 // 5, middle + radius, height * 2 // 5 + 2 * radius), (40, 30, 30))
    draw.arc((width * 2 // 5, height // 2, width * 3 // 5, height * 2 // 3), 10, 170, (150, 40, 40), width // 30)
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
