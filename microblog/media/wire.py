"""What a process that decodes pictures and its parent say to each other: parts with their length before them."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

LENGTH = struct.Struct(">I")
LONGEST_PART = 64 * 1024 * 1024


def send(file: IO[bytes], head: dict[str, Any], *parts: bytes) -> None:
    """A head, which says how many parts follow, and these."""
    text = json.dumps({**head, "parts": len(parts)}).encode()
    for part in (text, *parts):
        file.write(LENGTH.pack(len(part)))
        file.write(part)
    file.flush()


def receive(file: IO[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """
    :raises EOFError: when the other side has ended, also in the middle.
    """
    head: dict[str, Any] = json.loads(read_part(file))
    return head, [read_part(file) for _ in range(head["parts"])]


def read_part(file: IO[bytes]) -> bytes:
    (length,) = LENGTH.unpack(read_exactly(file, LENGTH.size))
    if length > LONGEST_PART:
        raise EOFError("This part is longer than any.")
    return read_exactly(file, length)


def read_exactly(file: IO[bytes], length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise EOFError("The other side has ended.")
    return data
