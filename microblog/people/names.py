"""The names of a person where there is no markup: titles of pages, messages."""

from __future__ import annotations

import regex

# Also the marks, and digits that turn what is beside them.
RIGHT_TO_LEFT = regex.compile(r"[\p{Bidi_Class=R}\p{Bidi_Class=AL}\p{Bidi_Class=AN}]")
# As <bdi> does it: FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE.
ISOLATE = "\u2068{}\u2069"


def format_name(display_name: str, nickname: str) -> str:
    """Both names on one line, as "Susan Kramer (@susan)"; without a display name the nickname alone.

    A name that is written from right to left is isolated, or it would turn the brackets and the @.
    """
    if not display_name:
        return nickname
    names = (display_name, f"@{nickname}")
    if RIGHT_TO_LEFT.search(display_name):
        names = tuple(ISOLATE.format(name) for name in names)  # type: ignore[assignment]
    return "{} ({})".format(*names)
