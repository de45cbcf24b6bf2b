"""Word forms: `running` finds `runs` in a post that is in English (docs/adr/0043-word-forms.md).

Behind the words of a post in a known language an index keeps its forms: for each distinct stem the sign `§`,
the code of the stemmer, and the stem, as in `§enrun`. No word has a `§`, so neither phrases nor beginnings of
words ever meet a form. A word of a query is looked for as it is, or as any of the forms that it would have in
the languages of its script.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable

import regex
import Stemmer

from microblog.folding import APOSTROPHES, IGNORED, MARKS, fold
from microblog.search.tags import list_tag_words
from microblog.search.text import ASCII_WORD, WORD, any_of, split_words

MARK = "§"
LENGTH_OF_A_BEGINNING = 3  # the mark and the code, which say the language of a form
LONGEST_WORD = 100  # code points; what is longer is no word of a language, and engines would cut its forms
# The languages of Snowball, by their codes.
STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "st": "sesotho",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
# Bokmål and Nynorsk: there is one stemmer for both, and authors are not agreed on the code.
OTHER_CODES = {"nb": "no", "nn": "no"}
SCRIPTS = {
    "ar": ("Arabic",),
    "el": ("Greek",),
    "fa": ("Arabic",),
    "hi": ("Devanagari",),
    "hy": ("Armenian",),
    "ne": ("Devanagari",),
    "ru": ("Cyrillic",),
    "sr": ("Cyrillic", "Latin"),
    "ta": ("Tamil",),
    "yi": ("Hebrew",),
}
LATIN = ("Latin",)
LATIN_STEMMERS = frozenset(code for code in STEMMERS if "Latin" in SCRIPTS.get(code, LATIN))
# Words of another script have no forms in a language, and what holds a digit is rather a name.
WORD_OF = {
    code: regex.compile(rf"{any_of(*SCRIPTS.get(code, LATIN))}\P{{N}}{{0,{LONGEST_WORD - 1}}}+", regex.V1)
    for code in STEMMERS
}
LETTERS_LIKE_APOSTROPHES = str.maketrans(APOSTROPHES)


class Stemmers(threading.local):
    """The stemmers of one thread: several threads must not share one."""

    def __init__(self) -> None:
        self._made: dict[str, Stemmer.Stemmer] = {}

    def stem(self, code: str, words: list[str]) -> list[str]:
        if code not in self._made:
            self._made[code] = Stemmer.Stemmer(STEMMERS[code], 0)  # its cache is no quicker than itself
        stems: list[str] = self._made[code].stemWords(words)
        return stems


STEMMERS_OF_THIS_THREAD = Stemmers()


def find_stemmer(language: str | None) -> str | None:
    """The code of the stemmer for posts in this language (BCP 47); None when there is none."""
    code = (language or "").partition("-")[0].lower()
    code = OTHER_CODES.get(code, code)
    return code if code in STEMMERS else None


def split_unfolded(text: str) -> list[str]:
    """The words in lower case, with the accents that a stemmer goes by.

    These are a part of their letter. Marks that are not only say how a word is stressed (`кни́га`), or strike
    it out.
    """
    if text.isascii():
        return ASCII_WORD.findall(text.lower())
    lower = unicodedata.normalize("NFKC", IGNORED.sub("", text)).lower()
    return WORD.findall(MARKS.sub(r"\1", lower).translate(LETTERS_LIKE_APOSTROPHES))


def make_forms(code: str, words: Iterable[str]) -> list[tuple[str, str]]:
    """Those of these unfolded words that have a form by this stemmer, each with it."""
    is_latin, is_word_of = code in LATIN_STEMMERS, WORD_OF[code].fullmatch
    stemmed = [
        word
        for word in words
        if (is_latin and word.isalpha() and len(word) <= LONGEST_WORD if word.isascii() else is_word_of(word))
    ]
    # Folded at once, which is quicker.
    stems = fold("\n".join(STEMMERS_OF_THIS_THREAD.stem(code, stemmed))).split("\n")
    return [
        (word, f"{MARK}{code}{stem}")
        for word, stem in zip(stemmed, stems, strict=False)  # without words, there is an empty stem
        if stem.isalnum() or WORD.fullmatch(stem)
    ]


def list_forms(text: str, language: str | None) -> list[str]:
    """The distinct forms of a post; none when its language is not known, or has no stemmer."""
    code = find_stemmer(language)
    if code is None:
        return []
    words = dict.fromkeys(split_unfolded(text))
    return list(dict.fromkeys(form for _, form in make_forms(code, words)))


def find_words_with(forms: frozenset[str], text: str, language: str | None) -> frozenset[str]:
    """The words of a post, in normal form, that have one of these forms in its language."""
    code = find_stemmer(language)
    if code is None or not forms:
        return frozenset()
    words = dict.fromkeys(split_unfolded(text))
    return frozenset(fold(word) for word, form in make_forms(code, words) if form in forms)


def list_forms_in_all_languages(word: str) -> tuple[str, ...]:
    """The forms of a single word of a query: at most one for each stemmer. None when it is several words."""
    words = split_unfolded(word)
    if len(words) != 1:
        return ()
    return tuple(form for code in STEMMERS for _, form in make_forms(code, words))


def keep_languages(forms: tuple[str, ...], languages: Iterable[str]) -> tuple[str, ...]:
    """Those of the forms that posts in these languages may have."""
    beginnings = {get_beginning(language) for language in languages}
    return tuple(form for form in forms if form[:LENGTH_OF_A_BEGINNING] in beginnings)


def get_beginning(language: str | None) -> str | None:
    """How the forms of posts in this language begin; None when they have none."""
    code = find_stemmer(language)
    return None if code is None else f"{MARK}{code}"


def index_post(body: str, language: str | None) -> str:
    """What an index keeps of a post: its words, its tags and its forms, with a space between them."""
    return " ".join([*split_words(body), *list_tag_words(body), *list_forms(body, language)])
