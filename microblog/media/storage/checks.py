"""Does the storage of pictures answer, and can pictures be stored?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from microblog.checks import FAULT, OK, CheckedSite, Finding
from microblog.media.storage.interfaces import StorageUnavailable, get_storage
from microblog.media.storage.settings import FOLDER, STORAGE
from microblog.request import Registry

NO_PICTURE: Final = f"{'0' * 22}-0.webp"


def check_storage(registry: Registry) -> None:
    """Asks without writing anything: this runs every few seconds.

    :raises StorageUnavailable: when it does not answer.
    """
    get_storage(registry).find(NO_PICTURE)


def describe_storage(site: CheckedSite) -> Iterator[Finding]:
    """Can pictures be stored? Stores something."""
    try:
        yield Finding(OK, get_storage(site.registry).check())
    except StorageUnavailable as error:
        yield Finding(FAULT, str(error))


def includeme(config: Any) -> None:
    settings = config.registry.microblog
    config.add_health_check(
        "pictures", check_storage, details=describe_storage, order=8, needs_database=False
    )
    config.add_folder("pictures", settings[FOLDER] if settings[STORAGE] == "folder" else None)
