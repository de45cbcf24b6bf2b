"""Folding: what does not count when words are compared, as case, accents and invisible characters.

The normal form of a text is that of Unicode (NFKC, case folding), without the marks on letters whose readers
leave them out themselves, and with the letters below, which Unicode does not decompose.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

# Letters with a stroke, a hook or a bar, ligatures, and dotless i: Unicode takes them for letters of their
# own, but who has no such key types these. The values are those of CLDR (Latin-ASCII), where it has one.
LATIN = {
    "æ": "ae",  # Danish, Norwegian, Icelandic
    "œ": "oe",  # French
    "ø": "o",  # Danish, Norwegian
    "ł": "l",  # Polish
    "đ": "d",  # Vietnamese, Croatian, Sámi
    "ð": "d",  # Icelandic
    "þ": "th",  # Icelandic
    "ħ": "h",  # Maltese
    "ŧ": "t",  # Sámi
    "ŋ": "n",  # Sámi, languages of West Africa
    "ĸ": "q",  # Greenlandic, in older texts
    # Turkish has i with and without a dot, and no case folding is right for it and for others: without dots
    # ISTANBUL, İstanbul, istanbul and ıstanbul are one word.
    "ı": "i",
    "ȷ": "j",  # the other letter without its dot, in mathematics
    "ə": "e",  # Azerbaijani; not in CLDR
    "ƀ": "b",  # languages of Vietnam and Brazil
    "ɓ": "b",  # Hausa, Fula; so are the next ones with a hook
    "ƈ": "c",
    "ɖ": "d",  # Ewe
    "ɗ": "d",
    "ɛ": "e",  # Ewe, Akan, Lingala
    "ɔ": "o",  # the same; not in CLDR
    "ƒ": "f",  # Ewe
    "ɠ": "g",
    "ǥ": "g",  # Skolt Sámi
    "ɣ": "g",  # Ewe, Kabyle; not in CLDR
    "ɨ": "i",
    "ƙ": "k",
    "ƚ": "l",  # Venetian
    "ɲ": "n",  # Bambara
    "ƥ": "p",
    "ƭ": "t",
    "ʉ": "u",
    "ʋ": "v",  # Ewe
    "ƴ": "y",
    "ƶ": "z",
}
# Keyboards differ in which of these letters they have, and writers in which of them they type: the same words
# are written with one or the other. The choice is that of Lucene's normalizers for Arabic and Persian. Alef
# and other letters with hamza or madda need no line here: Unicode decomposes them.
ARABIC = {
    "ى": "ي",  # alef maksura, the yeh of Egypt
    "ی": "ي",  # the yeh of Persian and Urdu
    "ک": "ك",  # the kaf of Persian and Urdu
    "ة": "ه",  # teh marbuta, often typed without its dots
    "ہ": "ه",  # the heh of Urdu
    "ـ": "",  # tatweel only makes a word longer
}
# Letters in Unicode, and apostrophes to everybody: `п'ять`, `п’ять` and `пʼять` are the same.
APOSTROPHES = dict.fromkeys("ʹʻʼʽʾʿˈ՚ꞌ‘’", "'")
# No parts of words, but with these most texts in Latin script become ASCII, which is split faster.
PUNCTUATION = dict.fromkeys("“”„«»–—•·€", " ")

# Soft hyphens, joiners, zero-width spaces, marks of direction, variation selectors: nobody sees them, and
# nobody types them into a search. So a zero-width space is no space: where it stands between words of Thai
# or Khmer, the dictionary finds these without it, as in the text of somebody who has not typed it.
IGNORED = regex.compile(r"\p{Default_Ignorable_Code_Point}")
PLANES_OF_IGNORED_AND_DIGITS = (range(128, 0x20000), range(0xE0000, 0xE1000))
# Marks are dropped where readers leave them out themselves; in Indic scripts they are vowels.
MARKS = regex.compile(r"([\p{Latin}\p{Greek}\p{Cyrillic}\p{Hebrew}\p{Arabic}\p{N}])[\p{Mn}\p{Me}]+")
# Compatibility decomposition takes these letters of Thai and Lao apart; dictionaries have them whole. A tone
# may stand before the vowel am, or in the middle of it.
TAKEN_APART = regex.compile(
    "(?P<thai>\u0e4d(?P<tone>[\u0e48-\u0e4b]*)\u0e32)|\u0ecd(?P<tone>[\u0ec8-\u0ecb]*)\u0eb2|ຫ(?P<second>[ນມ])"
)
HO = {"ນ": "ໜ", "ມ": "ໝ"}


@lru_cache(maxsize=1)
def get_table() -> dict[int, str | None]:
    """For `str.translate`: letters, the digits of all scripts, and what is not seen.

    Made when it is first needed: that takes 20 ms.
    """
    characters = "".join(chr(number) for plane in PLANES_OF_IGNORED_AND_DIGITS for number in plane)
    table: dict[int, str | None] = {ord(character): None for character in IGNORED.findall(characters)}
    table |= {ord(digit): str(unicodedata.decimal(digit)) for digit in characters if digit.isdecimal()}
    return table | str.maketrans(LATIN | ARABIC | APOSTROPHES | PUNCTUATION)


def fold(text: str) -> str:
    """The text without case, accents, ligatures, widths and invisible characters."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    without_marks = MARKS.sub(r"\1", decomposed.translate(get_table()))
    return TAKEN_APART.sub(put_together, unicodedata.normalize("NFC", without_marks))


def put_together(match: regex.Match[str]) -> str:
    if match["second"]:
        return HO[match["second"]]
    return match["tone"] + ("\u0e33" if match["thai"] else "\u0eb3")
