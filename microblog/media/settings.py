"""Settings of pictures."""

from __future__ import annotations

from typing import Final

from microblog.settings import Setting, whole_number

BYTES_OF_A_MEGABYTE: Final = 1_000_000
QUOTA = Setting(
    "microblog.media.quota",
    whole_number(0, 1_000_000),
    500,
    "Megabytes that the pictures of a person may take, as they are stored; those of a post take about a half.",
)
