"""The names of files in a storage, and where in it they are."""

from __future__ import annotations

import re
from typing import Final

# `{name of the picture}-{number of its size}.webp`; the name is `secrets.token_urlsafe(16)`.
FILE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{22}-[0-9]\.webp")
# No folder gets more than a 4,096th of all files.
SHARD_CHARACTERS: Final = 2
SHARD: Final = re.compile(rf"[A-Za-z0-9_-]{{{SHARD_CHARACTERS}}}")


def is_file_name(text: str) -> bool:
    return FILE_NAME.fullmatch(text) is not None


def get_shard(file_name: str) -> str:
    """The folder in which a file is.

    :raises ValueError: when this is not the name of a file, so that none can lead anywhere else.
    """
    if not is_file_name(file_name):
        raise ValueError(f"This is not the name of a file of a picture: {file_name!r}")
    return file_name[:SHARD_CHARACTERS]


def get_path(file_name: str) -> str:
    """Where a file is, in a folder and in S3 alike, so that one can be copied to the other as it is.

    :raises ValueError: see `get_shard`.
    """
    return f"{get_shard(file_name)}/{file_name}"
