"""Languages: which one a post is translated into, and how the services call them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

NORWEGIAN = ("no", "nb", "nn")  # services know one of them
TRADITIONAL = ("TW", "HK", "MO")


@dataclass(frozen=True, slots=True)
class Tag:
    """The parts of a BCP 47 tag; those that are not there are empty."""

    language: str
    script: str = ""
    territory: str = ""

    @property
    def is_traditional(self) -> bool:
        """Is it Chinese in the traditional script?"""
        return self.script == "Hant" or (not self.script and self.territory in TRADITIONAL)


@lru_cache(maxsize=1024)
def parse_tag(code: str) -> Tag:
    """Of `pt_BR`, too, as Babel writes it."""
    language, *rest = code.replace("_", "-").split("-")
    script = next((part.title() for part in rest if len(part) == 4), "")
    territory = next((part.upper() for part in rest if len(part) == 2), "")
    return Tag(language.lower(), script, territory)


def is_same_language(one: str, other: str) -> bool:
    """Would a translation between them change nothing? `en` and `en-GB` are the same here."""
    first, second = parse_tag(one), parse_tag(other)
    if first.language == "zh":
        return second.language == "zh" and first.is_traditional == second.is_traditional
    return first.language == second.language
