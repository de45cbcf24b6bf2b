"""The names of pictures and of their files."""

from __future__ import annotations

import re
import secrets
from typing import Final

NAME: Final = re.compile(r"[A-Za-z0-9_-]{22}")


def make_name() -> str:
    """128 random bits, as 22 characters: no picture has had it, and nobody guesses it."""
    return secrets.token_urlsafe(16)


def is_name(text: str) -> bool:
    """May this be the name of a picture?"""
    return NAME.fullmatch(text) is not None


def get_file(name: str, number: int) -> str:
    """The name of a file of a picture; 0 is the largest."""
    return f"{name}-{number}.webp"


def get_name(file: str) -> str:
    """The name of the picture whose file this is."""
    return file.partition(".")[0][:-2]


def get_number(file: str) -> int:
    """Which file of its picture this is; 0 is the largest."""
    return int(file.partition(".")[0][-1])


def list_files(name: str, files: int) -> list[str]:
    """The names of all files of a picture."""
    return [get_file(name, number) for number in range(files)]
