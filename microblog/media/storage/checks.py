"""Can pictures be stored?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from microblog.checks import FAULT, OK, CheckedSite, Finding
from microblog.media.storage.interfaces import StorageUnavailable, get_storage
from microblog.media.storage.settings import FOLDER, STORAGE
from microblog.request import Registry

# Load balancers ask every few seconds, and each answer writes a file.
SECONDS_BETWEEN_CHECKS: Final = 30.0


class StorageCheck:
    """What `/health/ready` says of the storage; a good answer holds for half a minute."""

    def __init__(self, seconds: float = SECONDS_BETWEEN_CHECKS) -> None:
        self._seconds = seconds
        self._good_until = 0.0  # by the monotonic clock

    def __call__(self, registry: Registry) -> None:
        """
        :raises StorageUnavailable: when nothing can be stored.
        """
        if time.monotonic() >= self._good_until:
            get_storage(registry).check()
            self._good_until = time.monotonic() + self._seconds


def describe_storage(site: CheckedSite) -> Iterator[Finding]:
    try:
        yield Finding(OK, get_storage(site.registry).check())
    except StorageUnavailable as error:
        yield Finding(FAULT, str(error))


def includeme(config: Any) -> None:
    settings = config.registry.microblog
    config.add_health_check(
        "pictures", StorageCheck(), details=describe_storage, order=8, needs_database=False
    )
    config.add_folder("pictures", settings[FOLDER] if settings[STORAGE] == "folder" else None)
