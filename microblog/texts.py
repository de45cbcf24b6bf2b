"""Texts that people write: their normal form, their length, and the characters they may have.

The rules of rooms use these (`posts/rules.py`). A check returns nothing, or raises `InvalidText`.
"""

from __future__ import annotations

import regex

from microblog.i18n import _, n_

# `\X` with two differences. A flag is two letters: in a row of flags, `\X` alone looks back to the first
# for each, in quadratic time. And a virama joins two consonants (GB9c of UAX 29), but nothing else to a
# consonant.
GRAPHEME = regex.compile(
    r"\p{Regional_Indicator}{2}(?=\p{Regional_Indicator})"
    r"|\p{GCB=Prepend}*+[^\p{InCB=Consonant}\p{GCB=Prepend}\p{GCB=Control}\r\n]"
    r"[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]*+(?=\p{InCB=Consonant})"
    r"|\X"
)
# Without a limit, two megabytes of combining characters would be one grapheme. A family of four with skin
# tones has 11 code points; the longest emoji that Unicode recommends for interchange (RGI) has 10.
CODE_POINTS_IN_A_GRAPHEME = 16
CONTROL_CHARACTER = regex.compile(r"[\p{Cc}\p{Cs}--[\n\t]]", regex.V1)
# Characters that show nothing: spaces; control characters; Default_Ignorable_Code_Point, of which the
# fillers of Hangul are a part (Unicode's DerivedCoreProperties.txt, in the version of `regex`, which is
# newer than Python's); interlinear annotation characters; the empty signs of Braille, hieroglyphs, Khitan
# and musical notation. Unassigned characters are not among them: a newer Unicode may make them emoji.
BLANK = regex.compile(
    r"[\p{White_Space}\p{Z}\p{Cc}\p{Default_Ignorable_Code_Point}"
    r"\ufff9-\ufffb\u2800\U00013441\U00013442\U00016fe4\U0001d159]*+"
)


class InvalidText(ValueError):
    """A text that is not accepted; the message is a sentence for its author."""


def strip(text: str | None) -> str:
    return (text or "").strip()


def to_unix_lines(text: str | None) -> str:
    """Browsers send CRLF; texts are stored stripped, with LF."""
    return (text or "").replace("\r\n", "\n").replace("\r", "\n").strip()


def is_blank(text: str) -> bool:
    """Is there nothing to see?"""
    return BLANK.fullmatch(text) is not None


def empty_if_blank(text: str) -> str:
    """The text, or an empty one when there is nothing to see."""
    return "" if is_blank(text) else text


def split_graphemes(text: str) -> list[str]:
    """The graphemes, which readers call characters."""
    found: list[str] = GRAPHEME.findall(text)
    return found


def check_characters(text: str) -> None:
    """Refuse characters that cannot be shown. PostgreSQL cannot store a NUL, either.

    :raises InvalidText: when it has a control character.
    """
    if CONTROL_CHARACTER.search(text):
        raise InvalidText(_("This has a control character, which cannot be shown. Please remove it."))


def check_graphemes(text: str, most: int) -> None:
    """At most so many graphemes, each of at most sixteen code points.

    :raises InvalidText: when there are more.
    """
    if len(text) > most * CODE_POINTS_IN_A_GRAPHEME:
        raise InvalidText(
            n_(
                "This is far too long: at most %(count)s character.",
                "This is far too long: at most %(count)s characters.",
                most,
            )
        )
    characters = split_graphemes(text)
    if max(map(len, characters), default=0) > CODE_POINTS_IN_A_GRAPHEME:
        raise InvalidText(_("This has a character that is made of too many parts. Please remove it."))
    surplus = len(characters) - most
    if surplus > 0:
        raise InvalidText(
            n_(
                "This is %(count)s character too long: at most %(most)s characters.",
                "This is %(count)s characters too long: at most %(most)s characters.",
                surplus,
                most=most,
            )
        )


def check_length(text: str, least: int, most: int, sentence: str) -> None:
    """:raises InvalidText: with the sentence, when it has fewer or more code points."""
    if not least <= len(text) <= most:
        raise InvalidText(sentence)
