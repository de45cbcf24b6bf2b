"""Words of scripts that are written without spaces between them, by the dictionaries of ICU.

A dictionary has compounds, too: `ประเทศไทย` (Thailand) is one word in it, and so is `ភាសាខ្មែរ` (Khmer
language), which `ไทย` and `ខ្មែរ` would not find. So each word that consists of words is taken apart, in posts
as in queries.
"""

from __future__ import annotations

from functools import lru_cache

import regex

# ICU has dictionaries of these scripts.
SCRIPTS = ("Thai", "Lao", "Khmer", "Myanmar")
# Signs of repetition and of abbreviation are letters in Unicode, but belong to no word.
SIGNS = "ๆฯໆຯៗ"
# What is not cut: a letter with its vowels and tones, in Burmese with the consonant that ends the syllable.
PIECE = regex.compile(r"\X(?:(?=[\p{Myanmar}&&\p{Lo}]\u1037?[\u1039\u103a])\X)*+", regex.V1)
# Two letters often are a syllable of a longer word, and a word as well.
FEWEST_CODE_POINTS = 3
LONGEST_TAKEN_APART = 24  # code points
REMEMBERED_WORDS = 20_000
LOCALE = "root"  # the dictionary depends on the script alone


def get_version() -> str:
    """The version of the dictionaries: they change with ICU's major number."""
    from icu4py import icu_version_info

    return f"icu{icu_version_info[0]}"


def split_run(run: str, *, is_deep: bool = True) -> list[str]:
    """The words of a run of letters of one of the scripts. Unless `is_deep`, compounds stay whole."""
    words = find_words(run)
    return [part for word in words for part in take_apart(word)] if is_deep else words


def find_words(run: str) -> list[str]:
    # Imported with the first text that needs it: ICU is 40 MB, of which 10 are read then.
    from icu4py.breakers import WordBreaker

    return list(WordBreaker(run, LOCALE))  # a breaker belongs to one text, and so to one thread


@lru_cache(REMEMBERED_WORDS)
def take_apart(word: str) -> tuple[str, ...]:
    """The words that a word consists of, the first of them as long as can be."""
    if FEWEST_CODE_POINTS * 2 <= len(word) <= LONGEST_TAKEN_APART:
        for cut in reversed([match.start() for match in PIECE.finditer(word)]):
            first, rest = word[:cut], word[cut:]
            if min(len(first), len(rest)) >= FEWEST_CODE_POINTS and is_known(first) and is_known(rest):
                return (*take_apart(first), *take_apart(rest))
    return (word,)


@lru_cache(REMEMBERED_WORDS)
def is_known(word: str) -> bool:
    """Is it in the dictionary? ICU does not say, but finds a known word as often as it is there."""
    return find_words(word * 3) == [word] * 3
