"""A language that nobody speaks: each text lengthened, and in brackets. What has none was not translated.

Only for tests, by `pyramid.includes = tests.plugins.pseudo` and the choice `language=en-XA`.
"""

from __future__ import annotations

import re
from typing import Any

from babel import Locale

from microblog.i18n import Catalogue, Language

TAG = "en-XA"
OPENING, CLOSING = "⟦", "⟧"
# A value, a mark of HTML, or a letter of it: these stay.
KEPT = re.compile(r"%\(\w+\)[sd]|%%|<[^>]*>|&\w+;")
ACCENTS = str.maketrans("aeiouyAEIOUYcnsz", "áéíóúýÁÉÍÓÚÝçñšž")


def lengthen(text: str) -> str:
    """A third longer, as German is: `Search` is `⟦Šéárçh~~⟧`."""
    kept = KEPT.findall(text)
    pieces = [piece.translate(ACCENTS) for piece in KEPT.split(text)]
    middle = "".join(piece + mark for piece, mark in zip(pieces, [*kept, ""], strict=True))
    return f"{OPENING}{middle}{'~' * (len(text) // 3)}{CLOSING}"


class PseudoCatalogue(Catalogue):
    def find(self, msgid: str) -> str:
        return lengthen(msgid)

    def find_in_context(self, context: str, msgid: str) -> str:
        return lengthen(msgid)

    def find_plural(self, singular: str, plural: str, count: int) -> str:
        return lengthen(singular if count == 1 else plural)


def includeme(config: Any) -> None:
    config.add_language(Language(Locale("en"), [], tag=TAG, catalogue=PseudoCatalogue(), is_offered=False))
