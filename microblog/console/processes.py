"""What processes do that run until they are told to stop."""

from __future__ import annotations

import gc


def exempt_from_collections() -> None:
    """Exempt all that is there from garbage collection, for it stays until the process ends.

    Otherwise Python looks through the whole application from time to time, which takes 60 ms and more.
    Meanwhile no thread answers a request, and the write lock of SQLite may be held.
    """
    gc.collect()
    gc.freeze()
