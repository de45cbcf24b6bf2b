"""Which parts of a text mention somebody (docs/adr/0046-mentions-and-tags.md). Linear, as `links.py` is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import regex

from microblog.accounts.nicknames import make_nickname_key
from microblog.posts.links import WORD, find_links

NICKNAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])"
# Not `susan@example.org`; not `@susan@example.org` or `@susan:example.org` (Matrix), who is somebody
# elsewhere; and not what only looks like a nickname because something in it cannot be seen.
MENTION = regex.compile(
    rf"@(?<!(?:{WORD}|[@/.])@)({NICKNAME})(?!{WORD}|@|:[\w\-]++\.\w|\p{{DI}}++[A-Za-z0-9_])", regex.V1
)
MOST_FOUND = 1000  # names, or tags, of one text; a setting allows fewer


def find_segments(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of what stands between the links of a text, from the left."""
    start = 0
    for link in find_links(text):
        yield start, link.start
        start = link.end
    yield start, len(text)


# A text is read when its form is checked, and once more when it is kept, in the transaction.
@lru_cache(maxsize=256)
def find_mentions(text: str) -> tuple[str, ...]:
    """The keys of the nicknames that are mentioned, each once, whether or not anybody has them.

    One more than `MOST_FOUND`, when there are more.
    """
    if "@" not in text:
        return ()
    found: dict[str, None] = {}
    for start, end in find_segments(text):
        for match in MENTION.finditer(text, start, end):
            found[make_nickname_key(match[1])] = None
            if len(found) > MOST_FOUND:
                return tuple(found)
    return tuple(found)
