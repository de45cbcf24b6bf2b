"""What a post's text becomes on a page: escaped, with links and mentions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

import regex
from linkify_it import LinkifyIt
from markupsafe import Markup, escape

# http and https only: no mailto:, no ftp:, no //host.
LINKIFY = LinkifyIt({"mailto:": None, "ftp:": None, "//": None}, {"fuzzy_email": False, "fuzzy_ip": False})
MAY_HOLD_A_LINK = re.compile(r"\w\.\w|://")
MENTION = re.compile(r"(?<![\w@/.])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_]))(?!\w)")
USERS = "/users/"
REL = "nofollow ugc noopener"
# Whitespace, invisible characters and the blank letters with which people post nothing.
BLANK = regex.compile(r"[\p{Z}\p{C}\s\u115f\u1160\u3164\uffa0\u2800]*")


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
    for match in links(text):
        parts.append(mentions(text[end : match.index], mark))
        parts.append(Markup('<a href="{}" rel="{}">{}</a>').format(match.url, REL, mark(match.text)))
        end = match.last_index
    parts.append(mentions(text[end:], mark))
    return Markup("").join(parts)


def links(text: str) -> list:  # type: ignore[type-arg]
    if not MAY_HOLD_A_LINK.search(text):
        return []
    return [match for match in LINKIFY.match(text) or [] if is_web_address(match.url)]


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
