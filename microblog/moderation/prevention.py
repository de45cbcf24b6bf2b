"""What holds a post or a sign-up until somebody has looked at it: words, links and addresses of a list."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import regex

from microblog.folding import fold
from microblog.moderation.settings import (
    HELD_ADDRESSES,
    HELD_FIRST_LINKS,
    HELD_LINKS,
    HELD_WORDS,
    PATTERN,
    Lines,
)
from microblog.posts.links import find_links
from microblog.posts.queries import count_first_posts
from microblog.request import Request
from microblog.words import compile_words

log = logging.getLogger(__name__)

LOOKED_AT: Final = 20_000  # code points of a text, from its beginning; a longer one is held
SECONDS: Final = 0.1  # for all patterns together
# Why something is held, as it is kept, and `texts.describe_hold` says it. Behind a colon is what was found.
ADDRESS, WORD, LINK, FIRST_LINK, LONG, SLOW = "address", "word", "link", "first link", "long", "slow"
SPEAKS_OF_WEB = regex.compile(r"(?:https?://)?(?:www\.)?(?P<rest>.*)", regex.IGNORECASE | regex.DOTALL)


def find_reason_of_post(request: Request, body: str) -> str | None:
    """Why a post with this text is held; None when it is not. Those of moderators never are."""
    me = request.me
    if me.is_admin or me.is_moderator:
        return None
    return find_reason(request, body) or find_held_link(request, body)


def find_reason_of_sign_up(request: Request, nickname: str, email: str) -> str | None:
    """Why somebody waits for an admin who wants this nickname; None when they need not."""
    return find_reason(request, nickname)


def find_reason(request: Request, text: str) -> str | None:
    settings = request.microblog
    networks = settings[HELD_ADDRESSES]
    if networks and request.remote_addr and networks.allow(request.remote_addr):
        return ADDRESS
    listed: Lines = settings[HELD_WORDS]
    return find_held_word(listed, text)


def find_held_word(listed: tuple[str, ...], text: str, *, seconds: float = SECONDS) -> str | None:
    """The word of the list that is in the text, or why it is held otherwise."""
    if not listed:
        return None
    if len(text) > LOOKED_AT:
        return LONG
    words, patterns = split_list(listed)
    folded = fold(text)
    pattern = compile_words(words)
    found = pattern.search(folded) if pattern is not None else None
    if found is not None:
        return f"{WORD}:{' '.join(found[0].split())}"
    end = time.monotonic() + seconds
    for each in patterns:
        try:
            if each.search(text, timeout=max(end - time.monotonic(), 0.001)):
                return f"{WORD}:{each.pattern}"
        except TimeoutError:
            log.warning("A pattern of microblog.moderation.held_words took too long: %s", each.pattern)
            return SLOW
    return None


@lru_cache(maxsize=16)
def split_list(listed: tuple[str, ...]) -> tuple[str, tuple[regex.Pattern[str], ...]]:
    """The words, one on a line, and the patterns."""
    words = "\n".join(line for line in listed if not line.startswith(PATTERN))
    sources = (line.removeprefix(PATTERN).strip() for line in listed if line.startswith(PATTERN))
    return words, tuple(regex.compile(source, regex.V1 | regex.IGNORECASE) for source in sources)


def find_held_link(request: Request, body: str) -> str | None:
    """The site of the list to which the text has a link, or that somebody new has one."""
    links = [shorten(url) for url in list_urls(body)]
    if not links:
        return None
    for listed in request.microblog[HELD_LINKS]:
        site = shorten(listed)
        if any(leads_to(link, site) for link in links):
            return f"{LINK}:{listed}"
    first = request.microblog[HELD_FIRST_LINKS]
    if first and count_first_posts(request.dbsession, request.me.id, first) < first:
        return FIRST_LINK
    return None


def list_urls(text: str) -> Iterator[str]:
    return (link.url for link in find_links(text) if link.url)


def shorten(address: str) -> str:
    """`example.com/shop` of `https://www.Example.com/shop`: in lower case, without the usual beginning."""
    match = SPEAKS_OF_WEB.fullmatch(address.strip().lower())
    return match["rest"].rstrip("/") if match else ""


def leads_to(link: str, listed: str) -> bool:
    """Is it this site, one below it, or an address that begins like this?"""
    host, _slash, rest = link.partition("/")
    wanted_host, _slash, path = listed.partition("/")
    host = host.partition(":")[0].partition("?")[0].partition("#")[0]
    is_host = host == wanted_host or host.endswith(f".{wanted_host}")
    return bool(wanted_host) and is_host and rest.startswith(path)
