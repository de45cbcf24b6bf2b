"""What becomes of a picture that was sent; known to the process that decodes it and to the server alike.

The server imports no decoder, so a fault of one cannot reach it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Why a picture is refused; the sentences for people are in `sending.py`.
UNKNOWN: Final = "unknown"  # it is none of the formats that we read
BROKEN: Final = "broken"  # damaged or incomplete
TOO_LARGE: Final = "too_large"  # too many pixels
TOO_SLOW: Final = "too_slow"  # it took too long
REASONS: Final = frozenset({UNKNOWN, BROKEN, TOO_LARGE, TOO_SLOW})


class Refused(Exception):
    """The picture cannot be used."""

    def __init__(self, reason: str) -> None:
        """:param reason: one of `REASONS`, or those of `sending.py`."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class MadePicture:
    """One size of a picture, as a WebP file."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """The sizes of a picture, the largest first, and its mean colour as `#rrggbb`."""

    color: str
    pictures: tuple[MadePicture, ...]
