"""How the texts of messages are shown."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import orm

from microblog.messages import queries
from microblog.posts.mentions import find_mentions
from microblog.texts import split_graphemes

MOST_LINE_GRAPHEMES = 100
LINE_CODE_POINTS = 1600  # a hundred graphemes of sixteen: more of a text is not looked at
MOST_MENTIONED = 500  # names on a page that become links


def cut_line(text: str) -> str:
    """The beginning of a text, on one line."""
    graphemes = split_graphemes(" ".join(text[:LINE_CODE_POINTS].split()))
    shown = "".join(graphemes[:MOST_LINE_GRAPHEMES])
    return f"{shown}…" if len(graphemes) > MOST_LINE_GRAPHEMES or len(text) > LINE_CODE_POINTS else shown


def find_mentioned(session: orm.Session, texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Who is mentioned in these texts, for the filter `post_text`: nobody is notified of it."""
    names = dict.fromkeys(name for text in texts for name in find_mentions(text))
    return queries.find_nicknames(session, list(names)[:MOST_MENTIONED]) if names else ()
