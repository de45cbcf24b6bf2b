"""What machines read of a site: `/robots.txt`, `/favicon.ico`, and the summary of a page that is shared."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from microblog.request import Request
from microblog.tree import Root
from microblog.web.pages import STATIC, page_view

SECONDS = 86_400  # for which robots and browsers keep these files
MOST_CHARACTERS = 200  # search engines and messengers show about as many


def summarize(text: str | None) -> str:
    """The beginning of a text, in one line; it ends with a whole word where there is one."""
    line = " ".join((text or "").split())
    if len(line) <= MOST_CHARACTERS:
        return line
    beginning = line[: MOST_CHARACTERS - 1]
    words, _, _ = beginning.rpartition(" ")
    return f"{words or beginning}…"


@page_view(context=Root, name="robots.txt", permission=NO_PERMISSION_REQUIRED)
def robots(root: Root, request: Request) -> Response:
    """Crawlers read posts and people; forms, search results and what is for programs are not for them."""
    paths = sorted(request.link(*segments) for segments in request.registry.paths_without_robots)
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in paths)]
    return Response(
        "\n".join([*lines, ""]),
        content_type="text/plain",
        charset="utf-8",
        cache_control=f"max-age={SECONDS}",
    )


@page_view(context=Root, name="favicon.ico", permission=NO_PERMISSION_REQUIRED)
def favicon(root: Root, request: Request) -> Response:
    """For whoever asks for it without having read a page, which names a better one."""
    return Response(read_favicon(), content_type="image/x-icon", cache_control=f"max-age={SECONDS}")


@lru_cache(maxsize=1)
def read_favicon() -> bytes:
    return (STATIC / "favicon.ico").read_bytes()


def keep_robots_from(config: Any, *segments: str) -> None:
    """Directive: `/robots.txt` asks crawlers to leave out the path that `request.link(*segments)` gives."""
    config.action(("robots", segments), config.registry.paths_without_robots.add, args=(segments,))


def includeme(config: Any) -> None:
    config.registry.paths_without_robots = set()
    config.add_directive("keep_robots_from", keep_robots_from)
    config.add_template_filter("summarize", summarize)
