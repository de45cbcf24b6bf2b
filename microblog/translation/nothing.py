"""`microblog.translator = none`"""

from __future__ import annotations

from typing import NoReturn

from zope.interface import implementer

from microblog.translation.interfaces import ITranslator, TranslationOff
from microblog.translation.settings import SECONDS

OFF = "No translator is chosen: set microblog.translator."


@implementer(ITranslator)
class NoTranslator:
    """Translates nothing, and so pages offer nothing."""

    name = "none"
    title = ""
    seconds = SECONDS

    def translate(self, text: str, source: str, target: str) -> NoReturn:
        raise TranslationOff(OFF)

    def check(self) -> NoReturn:
        raise TranslationOff(OFF)
