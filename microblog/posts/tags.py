"""Which parts of a text are tags, and what is the same tag (docs/adr/0046-mentions-and-tags.md)."""

from __future__ import annotations

from functools import lru_cache

import regex

from microblog.folding import fold
from microblog.posts.links import WORD
from microblog.posts.mentions import MOST_FOUND, find_segments

LONGEST_TAG = 100  # characters, as it is written and in its normal form
# Letters and digits of any script, with their marks. Persian and Hindi join and part letters by characters
# that are not seen; where they stand at the end, they are no part of a tag.
BEGINNING, CHARACTER, JOINER = r"[\p{L}\p{N}_]", r"[\p{L}\p{M}\p{N}_]", "[\u200c\u200d]"
# The sign of Japanese keyboards is a wide one. Not `page#part`, `/#part`, `&#38;` or `##heading`; and not
# what is before an @, as in an address.
TAG = regex.compile(
    rf"(?<!{WORD}|[@/.&#＃])[#＃]({BEGINNING}(?:{JOINER}?{CHARACTER}){{0,{LONGEST_TAG - 1}}}+)"
    rf"(?!{JOINER}?{CHARACTER}|@)",
    regex.V1,
)
NO_PART = regex.compile(r"[^\p{L}\p{M}\p{N}_]++|\A\p{M}++", regex.V1)
LETTER = regex.compile(r"\p{L}", regex.V1)


@lru_cache(maxsize=4096)
def make_tag_key(tag: str) -> str | None:
    """The normal form of a tag, which is written without its sign; None when it is none.

    Folded as the words of search are, so `#Café` and `#cafe` are the same tag. It has a letter: `#1` is none.
    """
    if len(tag) > LONGEST_TAG:
        return None
    key, before = NO_PART.sub("", fold(tag)), tag
    while key != before:  # what is left may be folded once more, when an apostrophe between them is gone
        key, before = NO_PART.sub("", fold(key)), key
    return key if LETTER.search(key) and len(key) <= LONGEST_TAG else None


def parse_tag(text: str) -> str | None:
    """The normal form of a tag that somebody has typed, with or without its sign; None when it is none."""
    match = TAG.fullmatch(text if text[:1] in ("#", "＃") else f"#{text}")
    return None if match is None else make_tag_key(match[1])


@lru_cache(maxsize=256)
def find_tags(text: str) -> tuple[str, ...]:
    """The tags of a text in normal form, each once. One more than `MOST_FOUND`, when there are more."""
    if "#" not in text and "＃" not in text:
        return ()
    found: dict[str, None] = {}
    for start, end in find_segments(text):
        for match in TAG.finditer(text, start, end):
            key = make_tag_key(match[1])
            if key is not None:
                found[key] = None
            if len(found) > MOST_FOUND:
                return tuple(found)
    return tuple(found)
