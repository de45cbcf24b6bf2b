"""What a post's text becomes on a page: escaped, with links and mentions."""

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
# The time that linkify-it takes doubles with each `xn--` in a row, and is the square of the length.
LONGEST_LINK = 1000  # characters
MOST_ENCODED_LABELS = 5
MENTION = re.compile(r"(?<![\w@/.])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_]))(?!\w)")
USERS = "/users/"
REL = "nofollow ugc noopener"
# Whitespace, invisible characters and the blank letters with which people post nothing.
BLANK = regex.compile(r"[\p{Z}\p{C}\s\u115f\u1160\u3164\uffa0\u2800]*")


@dataclass(frozen=True, slots=True)
class Link:
    """`text` stands from `start` to `end` and leads to `url`."""

    start: int
    end: int
    url: str
    text: str


def is_blank(text: str) -> bool:
    """Is there nothing to see?"""
    return BLANK.fullmatch(text) is not None


def post_text(text: str, mark: Callable[[str], Markup] | None = None) -> Markup:
    """Safe HTML: links (http and https) and `@nickname` become links, all else is escaped.

    `mark` escapes the pieces of text in place of `escape`, to mark some of their words.
    """
    return rendered(text) if mark is None else render(text, mark)


@lru_cache(maxsize=4096)
def rendered(text: str) -> Markup:
    return render(text, escape)


def render(text: str, mark: Callable[[str], Markup]) -> Markup:
    parts = []
    end = 0
    for link in links(text):
        parts.append(mentions(text[end : link.start], mark))
        parts.append(Markup('<a href="{}" rel="{}">{}</a>').format(link.url, REL, mark(link.text)))
        end = link.end
    parts.append(mentions(text[end:], mark))
    return Markup("").join(parts)


def links(text: str) -> Iterator[Link]:
    """The links, from the left. No space is in a link, so each piece between spaces is looked at alone."""
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


def mentions(text: str, mark: Callable[[str], Markup]) -> Markup:
    parts = []
    end = 0
    for match in MENTION.finditer(text):
        parts.append(mark(text[end : match.start()]))
        parts.append(Markup('<a href="{}{}" class="mention">{}</a>').format(USERS, match[1], mark(match[0])))
        end = match.end()
    parts.append(mark(text[end:]))
    return Markup("").join(parts)
