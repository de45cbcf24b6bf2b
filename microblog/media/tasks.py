"""What the worker does for pictures."""

from __future__ import annotations

import logging
from typing import Final

from microblog.media.collecting import delete_leftovers, delete_waiting
from microblog.request import Registry

log = logging.getLogger(__name__)

SECONDS_BETWEEN_COLLECTIONS: Final = 600
SECONDS_BETWEEN_DELETIONS: Final = 10  # somebody who deletes a picture wants it gone


def delete_old_pictures(registry: Registry) -> bool:
    """Delete a batch of pictures that nothing has used for a day; are there more?"""
    return delete_waiting(registry) > 0


class DeleteFiles:
    """Deletes the files of pictures that are gone, a batch in each round; are there more?

    A storage that is down is logged once, and no fault of the task: what is left is deleted later. Each run
    goes on where the one before has ended, so that what cannot be deleted keeps nothing else.
    """

    def __init__(self) -> None:
        self._after = ""
        self._is_refused = False  # in this pass through all of them
        self._is_logged = False

    def __call__(self, registry: Registry) -> bool:
        batch = delete_leftovers(registry, self._after)
        self._after = batch.after
        if batch.refused is not None:
            self._is_refused = True
            if not self._is_logged:
                log.error("Files of deleted pictures stay until they can be deleted: %s", batch.refused)
            self._is_logged = True
        if self._after == "":
            if self._is_logged and not self._is_refused:
                log.warning("All files of deleted pictures could be deleted again.")
                self._is_logged = False
            self._is_refused = False
        return self._after != "" and batch.refused is None
