"""What a post's text becomes on a page: escaped, with links and mentions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import regex
from markupsafe import Markup, escape

from microblog.posts.links import WORD, Link, find_links

NICKNAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])"
# Not `susan@example.org`; not `@susan@example.org` or `@susan:example.org` (Matrix), who is somebody
# elsewhere; and not what only looks like a nickname because something in it cannot be seen.
MENTION = regex.compile(
    rf"@(?<!(?:{WORD}|[@/.])@)({NICKNAME})(?!{WORD}|@|:[\w\-]++\.\w|\p{{DI}}++[A-Za-z0-9_])", regex.V1
)
REL = "nofollow ugc noopener"
LINE_END = "<br>\n"  # app.css shows the second and hides the first, which is for whoever reads without styles
LONGEST_TAIL = 24  # characters of a path that are shown wherever there is room; app.css shortens longer ones

Escape = Callable[[str], Markup]


def post_text(text: str, users: str, highlight: Escape | None = None) -> Markup:
    """Safe HTML: links (http and https) and `@nickname` become links, lines stay lines, all else is escaped.

    `users` is where the profiles are: `/users/`, below where the site is mounted. `highlight` escapes the
    pieces of text in place of `escape`, and marks some of their words.
    """
    return render_plain(text, users) if highlight is None else render(text, highlight, users)


def text_lines(text: str) -> Markup:
    """Safe HTML: lines stay lines, and nothing is a link."""
    return Markup(str(escape(text)).replace("\n", LINE_END))  # noqa: S704  # escaped


@lru_cache(maxsize=4096)
def render_plain(text: str, users: str) -> Markup:
    return render(text, escape, users)


def render(text: str, highlight: Escape, users: str) -> Markup:
    parts: list[str] = []
    end = 0
    for link in find_links(text):
        parts += render_mentions(text, end, link.start, highlight, users)
        parts.append(
            render_link(text, link, highlight) if link.url else highlight(text[link.start : link.end])
        )
        end = link.end
    parts += render_mentions(text, end, len(text), highlight, users)
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


def render_mentions(text: str, start: int, end: int, highlight: Escape, users: str) -> Iterator[str]:
    for match in MENTION.finditer(text, start, end):
        if start < match.start():
            yield highlight(text[start : match.start()])
        yield f'<a href="{escape(users)}{match[1]}" class="mention" dir="ltr">{highlight(match[0])}</a>'
        start = match.end()
    if start < end:
        yield highlight(text[start:end])
