"""Pictures that were sent become files: decoded, named and stored, before any transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from microblog.formdata import Upload
from microblog.i18n import Message, _
from microblog.media.names import get_file, list_files, make_name
from microblog.media.results import TOO_SLOW, Made, Refused
from microblog.media.sending import BUSY, explain, make_pictures
from microblog.media.storage.interfaces import StorageUnavailable, get_storage
from microblog.request import Registry

NOT_STORED = _("Pictures cannot be stored at the moment. Nothing else is lost: please try again in a minute.")

NOT_READ = _("This picture was not read, because the one before it took too long. Please send it again.")
# Each of these may take half a minute, and a thread of the server for so long.
SLOW: Final = frozenset({TOO_SLOW, BUSY})


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
    """Why a picture was not stored, for its sender; `is_ours` when it may be sent again as it is, and
    `is_slow` when the other pictures of its form should not be tried any more."""

    sentence: Message
    is_ours: bool
    is_slow: bool = False


LEFT_OUT: Final = Trouble(NOT_READ, is_ours=True, is_slow=True)


def store_uploads(
    registry: Registry, uploads: Iterable[Upload], purpose: str
) -> tuple[list[StoredPicture], list[Trouble]]:
    """Store the pictures that were sent, in their order, and say why others are not. Takes about a second for
    each: call it outside of any transaction.

    Nothing refers to the files yet: they get a row (`actions.keep`), or `drop_files`.
    """
    stored: list[StoredPicture] = []
    troubles: list[Trouble] = []
    for upload in uploads:
        if any(trouble.is_slow for trouble in troubles):
            troubles.append(LEFT_OUT)
            continue
        try:
            stored.append(store(registry, make_pictures(registry, upload, purpose)))
        except Refused as refused:
            reason = refused.reason
            troubles.append(Trouble(explain(registry, refused), reason == BUSY, reason in SLOW))
        except StorageUnavailable:
            troubles.append(Trouble(NOT_STORED, is_ours=True))
    return stored, troubles


def store(registry: Registry, made: Made) -> StoredPicture:
    """:raises StorageUnavailable: when nothing can be stored now."""
    storage, name = get_storage(registry), make_name()
    try:
        for number, picture in enumerate(made.pictures):
            storage.put(get_file(name, number), picture.data)
    except StorageUnavailable:
        delete_files(registry, list_files(name, len(made.pictures)))
        raise
    largest = made.pictures[0]
    return StoredPicture(
        name,
        largest.width,
        largest.height,
        made.color,
        sum(len(picture.data) for picture in made.pictures),
        " ".join(hashlib.sha256(picture.data).hexdigest() for picture in made.pictures),
    )


def drop_files(registry: Registry, stored: Iterable[StoredPicture]) -> None:
    """Delete the files of pictures that get no row, or somebody without room for more could fill the disk."""
    names = [file for each in stored for file in list_files(each.name, len(each.checksums.split()))]
    delete_files(registry, names)


def delete_files(registry: Registry, names: Sequence[str]) -> None:
    """What cannot be deleted now is found by `microblog media collect`."""
    with suppress(StorageUnavailable):
        get_storage(registry).delete(names)
