"""The normal form of words, the same for index and query with every adapter.

Case, accents, ligatures and widths do not count (`Straße` is `strasse`, `ﬁ` is `fi`, `café` is
`cafe`). Chinese, Japanese and Korean are written without spaces between words, so each of their
characters is a word, and a run of them a phrase.
"""

from __future__ import annotations

import re
import unicodedata

import regex

# Accents are dropped where readers leave them out themselves; in Indic scripts they are vowels.
ACCENTS = regex.compile(r"([\p{Latin}\p{Greek}\p{Cyrillic}\p{Hebrew}\p{Arabic}])\p{Mn}+")
CJK = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}"
WORD = regex.compile(rf"[{CJK}]|[\p{{L}}\p{{N}}--[{CJK}]][[\p{{L}}\p{{N}}\p{{M}}]--[{CJK}]]*", regex.V1)

ASCII_WORD = re.compile(r"[a-z0-9]+")  # the same words, in a fifth of the time


def fold(text: str) -> str:
    """The text without case, accents, ligatures and widths."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", ACCENTS.sub(r"\1", decomposed))


def split_words(text: str) -> list[str]:
    """The words of a text, in normal form."""
    return (ASCII_WORD if text.isascii() else WORD).findall(fold(text))


def index_text(text: str) -> str:
    """What an index keeps of a post: its words, with a space between them."""
    return " ".join(split_words(text))
