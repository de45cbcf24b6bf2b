"""What a process that decodes pictures and its parent say to each other: parts, each after its length."""

from __future__ import annotations

import json
import struct
from typing import IO, Any, Final

LENGTH: Final = struct.Struct(">I")
MOST_PARTS: Final = 4
LONGEST_HEAD: Final = 2_000  # bytes
LONGEST_PART: Final = 32_000_000  # bytes


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
    :raises ValueError: when this is nothing that `send` writes: a decoder may have been taken over.
    """
    try:
        head = json.loads(read_part(file, LONGEST_HEAD))
    except RecursionError:
        raise ValueError("This head is nested.") from None
    count = head.get("parts") if isinstance(head, dict) else None
    if not isinstance(count, int) or not 0 <= count <= MOST_PARTS:
        raise ValueError("This head does not say how many parts follow.")
    return head, [read_part(file, LONGEST_PART) for _ in range(count)]


def read_part(file: IO[bytes], longest: int) -> bytes:
    (length,) = LENGTH.unpack(read_exactly(file, LENGTH.size))
    if length > longest:
        raise ValueError("This part is longer than any.")
    return read_exactly(file, length)


def read_exactly(file: IO[bytes], length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise EOFError("The other side has ended.")
    return data
