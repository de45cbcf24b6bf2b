"""Pictures that were sent become files: decoded, named and stored, before any transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from microblog.media.names import get_file, make_name
from microblog.media.plans import PLANS
from microblog.request import Registry


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture whose files are stored: `width` and `height` are those of the largest, `bytes` the size of all,
    and `checksums` their SHA-256, with a space between them."""

    name: str
    width: int
    height: int
    color: str
    bytes: int
    checksums: str


def store(registry: Registry, data: bytes, purpose: str) -> StoredPicture:
    """Decode a picture and store its files. Nothing refers to them yet: without a row they are collected.

    :raises Refused: when the picture cannot be used.
    :raises Busy: when others' pictures take too long.
    :raises StorageUnavailable: when nothing can be stored now.
    """
    from microblog.media.storage.interfaces import get_storage

    assert purpose in PLANS  # noqa: S101  # a mistake of the caller
    made = registry.picture_decoder.make(data, purpose)
    storage = get_storage(registry)
    name = make_name()
    for number, picture in enumerate(made.pictures):
        storage.put(get_file(name, number), picture.data)
    largest = made.pictures[0]
    return StoredPicture(
        name,
        largest.width,
        largest.height,
        made.color,
        sum(len(picture.data) for picture in made.pictures),
        " ".join(hashlib.sha256(picture.data).hexdigest() for picture in made.pictures),
    )
