"""Rules of posts."""

from __future__ import annotations

import re

from babel import Locale

from microblog.i18n import _, n_
from microblog.posts.mentions import find_mentions
from microblog.posts.tags import find_tags
from microblog.texts import InvalidText, check_characters, check_graphemes, is_blank

LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")  # BCP 47
LANGUAGE_LENGTH = 35
UNDETERMINED = "und"  # the author says that it is in no language, or in one that has no code


def check_visible(body: str) -> None:
    """:raises InvalidText: when there is nothing to see."""
    if is_blank(body):
        raise InvalidText(_("Write something first: a post cannot be empty."))


def check_body(body: str, *, max_length: int) -> None:
    """All rules of a post's text, after `to_unix_lines`.

    :raises InvalidText: for the first rule that it breaks.
    """
    check_visible(body)
    check_characters(body)
    check_graphemes(body, max_length)


def check_mentions(body: str, most: int) -> None:
    """:raises InvalidText: when it mentions more people, whether or not there are such."""
    if len(find_mentions(body)) > most:
        raise InvalidText(
            n_(
                "This mentions too many people: a post can mention %(count)s person.",
                "This mentions too many people: a post can mention %(count)s people.",
                most,
            )
        )


def check_tags(body: str, most: int) -> None:
    """:raises InvalidText: when it has more tags."""
    if len(find_tags(body)) > most:
        raise InvalidText(
            n_(
                "This has too many tags: a post can have %(count)s tag.",
                "This has too many tags: a post can have %(count)s tags.",
                most,
            )
        )


def is_language_tag(tag: str) -> bool:
    """Has it the form of one?"""
    return len(tag) <= LANGUAGE_LENGTH and LANGUAGE_TAG.fullmatch(tag) is not None


def is_known_language(tag: str) -> bool:
    """Is it the code of a language of which Unicode (CLDR) has the name, perhaps with a region?"""
    primary = tag.partition("-")[0]
    return is_language_tag(tag) and primary == primary.lower() and primary in Locale("en").languages
