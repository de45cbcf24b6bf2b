"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Setting, one_of, whole_number

OPTIONAL, REQUIRED = "optional", "required"
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
QUOTA = Setting(
    "microblog.media.quota",
    whole_number(0, 1_000_000),
    500,
    "Megabytes that all pictures of a person may take, as they are stored: half of one for a usual one.",
)
ALT_TEXT = Setting(
    "microblog.media.alt_text",
    one_of(OPTIONAL, REQUIRED),
    OPTIONAL,
    "The text that stands for a picture of a post where somebody cannot see it. "
    "optional: it is asked for. required: no picture is published without one.",
)
SETTINGS = (MAX_BYTES, PICTURES_PER_POST, QUOTA, ALT_TEXT)
