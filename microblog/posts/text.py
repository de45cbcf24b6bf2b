"""What a post's text becomes on a page: escaped, with links and mentions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

import regex
from markupsafe import Markup, escape

from microblog.accounts.nicknames import make_nickname_key
from microblog.posts.links import Link, find_links
from microblog.posts.mentions import MENTION
from microblog.posts.tags import TAG, make_tag_key

REL = "nofollow ugc noopener"
LINE_END = "<br>\n"  # app.css shows the second and hides the first, which is for whoever reads without styles
LONGEST_TAIL = 24  # characters of a path that are shown wherever there is room; app.css shortens longer ones

Escape = Callable[[str], Markup]
# (key of a nickname, nickname that its person has now), sorted
Mentioned = tuple[tuple[str, str], ...]
NAME = regex.compile(rf"(?:{MENTION.pattern})|(?:{TAG.pattern})", regex.V1)
HAS_NAME = regex.compile("[@#＃]")


class Reading(NamedTuple):
    """How a text is shown. `root` is the address where the site is mounted, below which people and tags are.

    Without `mentioned` each nickname is a link, as it is written.
    """

    root: str
    mentioned: Mentioned | None = None

    def find_nickname(self, written: str) -> str | None:
        """The nickname that the person has now; None when nobody is mentioned by it."""
        if self.mentioned is None:
            return written
        return dict(self.mentioned).get(make_nickname_key(written))


def post_text(
    text: str, root: str, highlight: Escape | None = None, mentioned: Mentioned | None = None
) -> Markup:
    """Safe HTML: links (http and https), `@nickname` and `#tag` become links, lines stay lines, all else is
    escaped.

    `highlight` escapes the pieces of text in place of `escape`, and marks some of their words. For the rest
    see `Reading`.
    """
    reading = Reading(root, mentioned)
    return render_plain(text, reading) if highlight is None else render(text, highlight, reading)


def text_lines(text: str) -> Markup:
    """Safe HTML: lines stay lines, and nothing is a link."""
    return Markup(str(escape(text)).replace("\n", LINE_END))  # noqa: S704  # escaped


@lru_cache(maxsize=4096)
def render_plain(text: str, reading: Reading) -> Markup:
    return render(text, escape, reading)


def render(text: str, highlight: Escape, reading: Reading) -> Markup:
    parts: list[str] = []
    end = 0
    for link in find_links(text):
        parts += render_names(text, end, link.start, highlight, reading)
        parts.append(
            render_link(text, link, highlight) if link.url else highlight(text[link.start : link.end])
        )
        end = link.end
    parts += render_names(text, end, len(text), highlight, reading)
    return Markup("".join(parts).replace("\n", LINE_END))  # noqa: S704  # every part is escaped


def render_link(text: str, link: Link, highlight: Escape) -> str:
    """Isolated by its direction, or the letters around it would put its parts into another order.

    The host is always shown as a whole, for it says to whom the link leads.
    """
    url, tail = escape(link.url), text[link.tail : link.end]
    opening = f'<a href="{url}" rel="{REL}" dir="ltr"'
    if len(tail) <= LONGEST_TAIL:
        return f"{opening}>{highlight(text[link.start : link.end])}</a>"
    host = highlight(text[link.start : link.tail])
    return f'{opening} title="{url}">{host}<span class="address-tail">{highlight(tail)}</span></a>'


def render_names(text: str, start: int, end: int, highlight: Escape, reading: Reading) -> Iterator[str]:
    """Mentions and tags, and what is between them."""
    for match in NAME.finditer(text, start, end) if HAS_NAME.search(text, start, end) else ():
        link = (
            render_mention(match, highlight, reading) if match[1] else render_tag(match, highlight, reading)
        )
        if link is None:
            continue
        if start < match.start():
            yield highlight(text[start : match.start()])
        yield link
        start = match.end()
    if start < end:
        yield highlight(text[start:end])


def render_mention(match: regex.Match[str], highlight: Escape, reading: Reading) -> str | None:
    nickname = reading.find_nickname(match[1])
    if nickname is None:
        return None
    address = f"{escape(reading.root)}users/{nickname}"
    return f'<a href="{address}" class="mention" dir="ltr">{highlight(f"@{nickname}")}</a>'


def render_tag(match: regex.Match[str], highlight: Escape, reading: Reading) -> str | None:
    key = make_tag_key(match[2])
    if key is None:
        return None
    address = f"{escape(reading.root)}tags/{quote(key)}"
    return f'<a href="{address}" class="tag" dir="auto">{highlight(match[0])}</a>'
