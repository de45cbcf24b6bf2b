"""The normal form of words, the same for index and query with every adapter (docs/adr/0036).

Words are runs of letters and digits of one script, folded (`microblog/folding.py`). Punctuation parts them,
so that `été` finds `l’été` and `14` finds `3.14`; what is typed without a space is looked for as a phrase.
Chinese, Japanese and Korean: each character is a word. Thai, Lao, Khmer and Burmese: by dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex
import Stemmer

from microblog.folding import fold
from microblog.search import dictionary

# Changed with each change of what is a word or a tag, of its normal form, or of its forms (`stemming.py`): an
# index made by another one is old.
RULE = 4
# Of a text; in what is longer, compounds stay whole, so that no text takes long.
MOST_TAKEN_APART = 5_000  # code points of scripts with a dictionary


def any_of(*scripts: str, of: str = "Script") -> str:
    """A set of the characters of these scripts, in the language of `regex`."""
    return "[" + "".join(rf"\p{{{of}={script}}}" for script in scripts) + "]"


LETTER = r"[\p{L}\p{N}]"
# By extensions: `ー` is a letter of two scripts.
SYLLABIC = any_of("Han", "Hiragana", "Katakana", "Hangul", "Bopomofo", of="Script_Extensions")
ONE_BY_ONE = rf"[{LETTER}&&{SYLLABIC}]"
BY_DICTIONARY = "|".join(
    rf"[\p{{Lo}}&&{script}][[\p{{Lo}}\p{{M}}]&&{script}]*+"
    for script in (rf"[{any_of(name)}--[{dictionary.SIGNS}]]" for name in dictionary.SCRIPTS)
)
# Other scripts without spaces, of which there is no dictionary: a letter with its marks is a word.
NO_DICTIONARY = rf"[\p{{Line_Break=Complex_Context}}{any_of('Balinese', 'Javanese', 'Yi')}]"
BY_LETTER = rf"[\p{{L}}&&{NO_DICTIONARY}--[{dictionary.SIGNS}]]\p{{M}}*+"
# The others that Unicode recommends for names of things (UAX 31, table 5). All else is one script to us.
SCRIPTS = (
    *("Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Armenian", "Georgian", "Ethiopic", "Thaana"),
    *("Devanagari", "Bengali", "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Oriya", "Sinhala", "Tamil"),
    *("Telugu", "Tibetan"),
)
OTHERS = rf"[\p{{L}}--\p{{Common}}--{ONE_BY_ONE}--{NO_DICTIONARY}--{any_of(*SCRIPTS)}]"
# Digits, marks, and letters that several scripts share, are parts of the word that they are in.
SHARED = rf"[[{LETTER}&&[\p{{N}}\p{{Common}}]]--{ONE_BY_ONE}]"
RUN = "|".join(
    rf"{letter}[{letter}\p{{M}}{SHARED}]*+"
    for letter in (*(rf"[\p{{L}}&&{any_of(script)}]" for script in SCRIPTS), OTHERS)
)
WORD = regex.compile(
    rf"(?={LETTER})(?:{ONE_BY_ONE}|{RUN}|{SHARED}[{SHARED}\p{{M}}]*+(?:{RUN})?+|{BY_DICTIONARY}|{BY_LETTER})",
    regex.V1,
)
HAS_DICTIONARY = regex.compile(any_of(*dictionary.SCRIPTS))

ASCII_WORD = re.compile(r"[a-z0-9]+")  # the same words, in a tenth of the time


def split_words(text: str) -> list[str]:
    """The words of a text, in normal form."""
    return split_folded(fold(text))


def split_folded(folded: str) -> list[str]:
    """The words of a text that is folded, each as it stands there."""
    if folded.isascii():
        return ASCII_WORD.findall(folded)
    words = WORD.findall(folded)
    return list(look_up(words)) if HAS_DICTIONARY.search(folded) else words


def look_up(words: list[str]) -> Iterator[str]:
    """The same words, with the runs of scripts that have a dictionary split into words."""
    length = 0
    for word in words:
        if HAS_DICTIONARY.match(word):
            length += len(word)
            yield from dictionary.split_run(word, is_deep=length <= MOST_TAKEN_APART)
        else:
            yield word


def index_text(text: str) -> str:
    """The words of a text with a space between them."""
    return " ".join(split_words(text))


def get_rule() -> str:
    """The version of the rule by which words are made here."""
    return f"{RULE} {dictionary.get_version()} snowball{Stemmer.version()}"
