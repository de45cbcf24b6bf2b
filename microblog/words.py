"""Words that somebody lists, and how they are found in a text: whole and folded, by one pattern."""

from __future__ import annotations

from functools import lru_cache

import regex

from microblog.folding import fold

# Between words of these no space is written, so a word may begin and end anywhere.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
LETTER = rf"[[\p{{L}}\p{{N}}\p{{M}}_]--[{UNSPACED}]]"
IS_LETTER = regex.compile(LETTER, regex.V1)


def split_words(text: str) -> list[str]:
    """The words, or rows of words, of what somebody typed: each on a line, or with commas between them."""
    parts = (" ".join(part.split()) for part in regex.split(r"[\n,،、，]", text))
    return list(dict.fromkeys(part for part in parts if fold(part).strip()))


@lru_cache(maxsize=1024)
def compile_words(text: str) -> regex.Pattern[str] | None:
    """Finds one of the words in a folded text, as a whole word; None when there are none."""
    folded = sorted({fold(word).strip() for word in text.split("\n")} - {""})
    return regex.compile("|".join(map(write_pattern, folded)), regex.V1) if folded else None


def write_pattern(word: str) -> str:
    """Of a folded word. Where it begins or ends with a letter, none may touch it."""
    before = rf"(?<!{LETTER})" if IS_LETTER.match(word) else ""
    behind = rf"(?!{LETTER})" if IS_LETTER.match(word[-1]) else ""
    return before + r"\s+".join(map(regex.escape, word.split())) + behind
