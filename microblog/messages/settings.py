"""The settings of private messages."""

from __future__ import annotations

from microblog.settings import Setting, whole_number

MAX_LENGTH = Setting(
    "microblog.messages.max_length",
    whole_number(1, 100_000),
    2000,
    "Characters that a private message may have, as a reader counts them.",
)
