"""The HTML of a post's text: escaped, with links and mentions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

import regex
from linkify_it import LinkifyIt
from markupsafe import Markup, escape

# http and https only: no mailto:, no ftp:, no //host.
LINKIFY = LinkifyIt({"mailto:": None, "ftp:": None, "//": None}, {"fuzzy_email": False, "fuzzy_ip": False})
MAY_HOLD_A_LINK = re.compile(r"\w\.\w|://")
PIECE = re.compile(r"\S+")
# The time of linkify-it doubles with each `xn--` in a row, and grows with the square of the length.
LONGEST_LINK = 1000  # characters
MOST_ENCODED_LABELS = 5
MENTION = re.compile(r"(?<![\w@/.])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_]))(?!\w)")
USERS = "/users/"
REL = "nofollow ugc noopener"
# Whitespace, invisible characters, and letters that look like spaces.
BLANK = regex.compile(r"[\p{Z}\p{C}\s\u115f\u1160\u3164\uffa0\u2800]*")


@dataclass(frozen=True, slots=True)
class Link:
    """A link to `url`: `text`, from `start` to `end`."""

    start: int
    end: int
    url: str
    text: str


def is_blank(text: str) -> bool:
    """Is there nothing to see?"""
    return BLANK.fullmatch(text) is not None


def post_text(text: str, highlight: Callable[[str], Markup] | None = None) -> Markup:
    """Safe HTML: links (http and https) and `@nickname` become links, all else is escaped.

    `highlight` escapes the pieces of text instead of `escape`, to highlight words.
    """
    return render_plain(text) if highlight is None else render(text, highlight)


@lru_cache(maxsize=4096)
def render_plain(text: str) -> Markup:
    return render(text, escape)


def render(text: str, highlight: Callable[[str], Markup]) -> Markup:
    parts = []
    end = 0
    for link in find_links(text):
        parts.append(render_mentions(text[end : link.start], highlight))
        parts.append(Markup('<a href="{}" rel="{}">{}</a>').format(link.url, REL, highlight(link.text)))
        end = link.end
    parts.append(render_mentions(text[end:], highlight))
    return Markup("").join(parts)


def find_links(text: str) -> Iterator[Link]:
    """The links, from the left. A link has no space, so each piece between spaces is searched alone."""
    if not MAY_HOLD_A_LINK.search(text):
        return
    for piece in PIECE.finditer(text):
        found = LINKIFY.match(piece[0]) if may_be_searched(piece[0]) else None
        for match in [match for match in found or () if is_web_address(match.url)]:
            start = piece.start()
            yield Link(start + match.index, start + match.last_index, match.url, match.text)


def may_be_searched(piece: str) -> bool:
    return len(piece) <= LONGEST_LINK and piece.lower().count("xn--") <= MOST_ENCODED_LABELS


def is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def render_mentions(text: str, highlight: Callable[[str], Markup]) -> Markup:
    parts = []
    end = 0
    for match in MENTION.finditer(text):
        parts.append(highlight(text[end : match.start()]))
        link = Markup('<a href="{}{}" class="mention">{}</a>')
        parts.append(link.format(USERS, match[1], highlight(match[0])))
        end = match.end()
    parts.append(highlight(text[end:]))
    return Markup("").join(parts)
