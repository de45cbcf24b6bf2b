"""Remarks: what of a query was not understood, or was left out. The search page makes sentences of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Why something was left out; `Remark.text` is what."""

    NO_VALUE = "no value"  # `from:`
    NO_DATE = "no date"  # `before:banana`
    NO_LANGUAGE = "no language"  # `lang:spanish`
    NO_TAG = "no tag"  # `tag:1`
    NOBODY = "nobody"  # the nickname in `from:nobodyhere`
    REPEATED = "repeated"  # the first of two `from:`
    CANNOT_EXCLUDE = "cannot exclude"  # `-lang:es`
    NO_DAY = "no day"  # `after:` a day that is not before `before:`
    NOT_CLOSED = "not closed"  # a phrase up to the end
    STAR = "star"  # `ga*den`, `*den`, or in a phrase
    NO_WORD = "no word"  # `*`, `👍`
    LONG_PHRASE = "long phrase"  # of which the first words count
    MANY_TERMS = "many terms"  # the first of those that do not count


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark; `text` is a part of what was typed."""

    kind: Kind
    text: str = ""
