"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Setting, whole_number

MAX_BYTES = Setting(
    "microblog.media.max_bytes",
    whole_number(1_000_000, 20_000_000),
    10_000_000,
    "Bytes that a picture may have when it is sent.",
)
PICTURES_PER_POST = Setting(
    "microblog.media.pictures_per_post",
    whole_number(1, 10),
    4,
    "Pictures that a post may have. "
    "A form with files may have as many times microblog.media.max_bytes, besides microblog.max_body.",
)
SETTINGS = (MAX_BYTES, PICTURES_PER_POST)
