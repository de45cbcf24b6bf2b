"""The words by which a person is found, and those of a search for people."""

from __future__ import annotations

from dataclasses import dataclass

from microblog.accounts.models import NICKNAME_LENGTH
from microblog.accounts.nicknames import NOT_ALLOWED, make_nickname_key
from microblog.search.people.models import WORD_LENGTH
from microblog.search.text import get_rule, split_words

# A word of an active person has the rank 0, 1 or 2 when it is in the nickname, the display name or the "about
# me", one of a person who is not active 3, 4 or 5: the order in which people are looked for.
PLACES = 3
RANKS = 2 * PLACES
VERSION = 1  # of what is written here, changed with each change of it
MOST_TERMS = 8


def get_version() -> str:
    """The version of the rule by which words are made: words of another one are made anew."""
    return f"{VERSION} {get_rule()}"[:64]


def make_words(nickname: str, display_name: str, about_me: str, *, is_active: bool) -> dict[str, int]:
    """The words of a person with their ranks; one that is in several places has the best."""
    ranks: dict[str, int] = {}
    for place, text in enumerate((nickname, display_name, about_me)):
        for word in split_words(text):
            ranks.setdefault(word[:WORD_LENGTH], place if is_active else place + PLACES)
    return ranks


@dataclass(frozen=True, slots=True)
class PeopleQuery:
    """What somebody looks for: the beginnings of words, which all must be there, or the
    beginning of a nickname (its key; "" when a nickname cannot begin so)."""

    terms: tuple[str, ...]
    nickname: str = ""


def parse_query(q: str) -> PeopleQuery:
    """Never fails. Only the first eight words count."""
    terms = list(dict.fromkeys(word[:WORD_LENGTH] for word in split_words(q)))[:MOST_TERMS]
    nickname = q.strip().removeprefix("@")
    if len(nickname) > NICKNAME_LENGTH or NOT_ALLOWED.search(nickname):
        nickname = ""
    return PeopleQuery(tuple(terms), make_nickname_key(nickname))
