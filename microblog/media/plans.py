"""Which pictures are made of one that was sent, by what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

POST, AVATAR, HEADER = "post", "avatar", "header"


@dataclass(frozen=True, slots=True)
class Plan:
    """`sizes` are pixels, the largest first: limits in which a picture keeps its shape, or, when it
    `fills`, what is cut out of its middle."""

    sizes: tuple[tuple[int, int], ...]
    fills: bool = False


PLANS: Final = {
    POST: Plan(((1600, 1600), (640, 640))),
    AVATAR: Plan(((384, 384), (96, 96)), fills=True),
    HEADER: Plan(((1500, 500), (600, 200)), fills=True),
}
