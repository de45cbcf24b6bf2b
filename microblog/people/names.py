"""The names of a person: for pages, and where there is no markup, as in titles of pages and messages."""

from __future__ import annotations

import regex
from markupsafe import Markup, escape

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


def draw_name(display_name: str, nickname: str) -> Markup:
    """HTML: the display name, if they have one, and always the nickname, which nobody else can have.

    Not a macro: a page of posts has dozens of them.
    """
    if not display_name:
        return Markup(f"<bdi>{escape(nickname)}</bdi>")  # noqa: S704  # escaped
    display = f'<bdi class="display-name">{escape(display_name)}</bdi>'
    return Markup(f'{display} <bdi class="nickname">@{escape(nickname)}</bdi>')  # noqa: S704  # escaped
