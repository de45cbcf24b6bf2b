"""Pictures that were sent become files: decoded, named and stored, before any transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from microblog.formdata import Upload
from microblog.i18n import Message, _
from microblog.media.names import get_file, make_name
from microblog.media.results import Made, Refused
from microblog.media.sending import BUSY, explain, make_pictures
from microblog.media.storage.interfaces import StorageUnavailable, get_storage
from microblog.request import Registry

NOT_STORED = _("Pictures cannot be stored at the moment. Nothing else is lost: please try again in a minute.")


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture whose files are stored: `width` and `height` are those of the largest, `bytes` the size of
    all, and `checksums` their SHA-256, with a space between them."""

    name: str
    width: int
    height: int
    color: str
    bytes: int
    checksums: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a picture was not stored, for its sender; `is_ours` when it may be sent again as it is."""

    sentence: Message
    is_ours: bool


def store_uploads(
    registry: Registry, uploads: Iterable[Upload], purpose: str
) -> tuple[list[StoredPicture], list[Trouble]]:
    """Store the pictures that were sent, in their order, and say why others are not. Takes about a second for
    each: call it outside of any transaction.

    Nothing refers to the files yet; without a row (`actions.keep`) they are collected after a day.
    """
    stored: list[StoredPicture] = []
    troubles: list[Trouble] = []
    for upload in uploads:
        try:
            stored.append(store(registry, make_pictures(registry, upload, purpose)))
        except Refused as refused:
            troubles.append(Trouble(explain(registry, refused), refused.reason == BUSY))
        except StorageUnavailable:
            troubles.append(Trouble(NOT_STORED, is_ours=True))
    return stored, troubles


def store(registry: Registry, made: Made) -> StoredPicture:
    """:raises StorageUnavailable: when nothing can be stored now."""
    storage, name = get_storage(registry), make_name()
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
