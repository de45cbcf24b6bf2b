"""The operator's Markdown as HTML: no raw HTML, no pictures from elsewhere, links to the web and to mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

SCHEMES = ("https", "http", "mailto", "tel", "")  # "": an address of our own, such as /explore
CONTROLS = re.compile(r"[\x00-\x20\x7f]")


def is_safe_link(url: str) -> bool:
    """May a page link there? Browsers skip control characters in front of, and inside, a scheme."""
    try:
        return urlsplit(CONTROLS.sub("", url)).scheme.lower() in SCHEMES
    except ValueError:
        return False


@lru_cache(maxsize=1)
def get_parser() -> MarkdownIt:
    """Made for the first text: importing it takes 30 ms, and many sites have none."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    parser.validateLink = is_safe_link  # type: ignore[method-assign]
    return parser


def render(text: str) -> tuple[str | None, Markup]:
    """(title, HTML). The title is a heading of the first level that begins the text; the page shows it as its
    own, so other headings of the first level become those of the second.
    """
    parser = get_parser()
    tokens = parser.parse(text)
    title = None
    if len(tokens) > 2 and (tokens[0].type, tokens[0].tag) == ("heading_open", "h1"):
        title = read_words(tokens[1].children or ()) or None
        tokens = tokens[3:]
    for token in tokens:
        if token.tag == "h1":
            token.tag = "h2"
    return title, Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704  # html is off


def read_words(tokens: Sequence[Token]) -> str:
    """The text of a heading without its markup."""
    return " ".join("".join(token.content or " " * token.type.endswith("break") for token in tokens).split())
