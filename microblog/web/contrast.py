"""Colours, and whether text in them can be read (WCAG 2.2, contrast ratio)."""

from __future__ import annotations

import re
from typing import NamedTuple

HEXADECIMAL = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.I)
READABLE = 4.5  # the contrast that text of normal size needs (WCAG 1.4.3)
STEPS = 100  # towards black or white, when a colour is made readable


class Color(NamedTuple):
    """Red, green and blue, 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


BLACK, WHITE = Color(0, 0, 0), Color(255, 255, 255)


def parse_color(text: str) -> Color:
    """`#0a6b5a`.

    :raises ValueError: with the end of a sentence.
    """
    match = HEXADECIMAL.fullmatch(text)
    if match is None:
        raise ValueError("must be a colour such as #0a6b5a")
    return Color(*(int(digits, 16) for digits in match.groups()))


def mix(color: Color, other: Color, share: float) -> Color:
    """`color` with this share (0 to 1) of the other."""
    mixed = (round(one + (two - one) * share) for one, two in zip(color, other, strict=True))
    return Color(*mixed)


def get_luminance(color: Color) -> float:
    """From 0 (black) to 1 (white), as WCAG 2.2 defines it."""
    channels = (value / 255 for value in color)
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def get_contrast(one: Color, other: Color) -> float:
    """From 1 (the same) to 21 (black on white)."""
    darker, lighter = sorted((get_luminance(one), get_luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
