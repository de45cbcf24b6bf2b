"""Avatars: pictures that are drawn here, or those of Gravatar if the operator chooses it."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Any

from microblog.media.names import get_file
from microblog.request import Request
from microblog.security.settings import SECRET
from microblog.settings import Setting, one_of

AVATARS = Setting(
    "microblog.avatars",
    one_of("identicon", "gravatar"),
    "identicon",
    "identicon: pictures made here. gravatar: asks gravatar.com, which then sees your readers.",
)
GRAVATAR_HOST = "https://www.gravatar.com"
VERSION = 2  # of the drawing: browsers keep one for a year
PIXELS = 128
KEY_CHARACTERS = 16
CELLS = 5  # a grid of 5 × 5, the right side mirrors the left
CELL = 20
MARGIN = 14


def avatar(request: Request, person: Any, *, large: bool = False) -> str:
    """The URL of the avatar of a person, or of the author of a post: of the picture that they have chosen, or
    of one that is made here."""
    is_post = hasattr(person, "author_id")
    chosen = person.author_avatar if is_post else person.avatar
    if chosen:
        return f"{request.link('media', '')}{get_file(chosen, 0 if large else 1)}"
    user_id = person.author_id if is_post else person.id
    if request.microblog[AVATARS] == "gravatar":
        email = getattr(person, "author_email", None) or getattr(person, "email", None) or ""
        digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()
        return f"{GRAVATAR_HOST}/avatar/{digest}?d=identicon&s={PIXELS}"
    key = make_avatar_key(request.microblog[SECRET], user_id)
    return f"{request.link('avatars', '')}{key}.svg?v={VERSION}"


@lru_cache(maxsize=4_096)
def make_avatar_key(secret: str, user_id: int) -> str:
    """A key that does not change with the nickname, and reveals nothing about the person."""
    digest = hmac.new(secret.encode(), f"avatar:{user_id}".encode(), hashlib.sha256)
    return digest.hexdigest()[:KEY_CHARACTERS]


def draw_identicon(key: str) -> str:
    """An SVG made of a hexadecimal key, for light and dark pages; the same key gives the same picture."""
    bits = hashlib.sha256(key.encode()).digest()
    hue = int.from_bytes(bits[:2], "big") % 360
    cells = []
    for column in range((CELLS + 1) // 2):
        for row in range(CELLS):
            if bits[2 + column * CELLS + row] & 1:
                for x in {column, CELLS - 1 - column}:
                    cells.append(f"M{MARGIN + x * CELL} {MARGIN + row * CELL}h{CELL}v{CELL}h-{CELL}z")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PIXELS} {PIXELS}" '
        f'width="{PIXELS}" height="{PIXELS}" shape-rendering="crispEdges">'
        f"<style>rect{{fill:hsl({hue},35%,92%)}}path{{fill:hsl({hue},45%,45%)}}"
        f"@media(prefers-color-scheme:dark){{rect{{fill:hsl({hue},22%,20%)}}path{{fill:hsl({hue},50%,66%)}}}}</style>"
        f'<rect width="{PIXELS}" height="{PIXELS}"/>'
        f'<path d="{"".join(sorted(cells))}"/></svg>'
    )
