"""The answer when even the page of an error fails.

It is written without templates, and without whatever might be what failed: the database, a package that adds
something to each page. So is the choice of its language; where that fails, too, it is English.
"""

from __future__ import annotations

import logging
from html import escape
from typing import Any
from urllib.parse import quote

from pyramid.response import Response

from microblog.i18n import _
from microblog.request import Request

log = logging.getLogger(__name__)

TITLE = _("Something went wrong")
SENTENCE = _("This is our fault, and nothing was changed. Please try again later.")
TO_THE_FRONT_PAGE = _("Go to the front page")

PAGE = """<!DOCTYPE html>
<html lang="{tag}" dir="{direction}">
<head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1>
<p>{sentence}</p>
<p><a href="{home}">{to_the_front_page}</a></p></body>
</html>
"""


def make_last_page(request: Request, status: int) -> Any:
    # From the bytes of the environment, for what reads the request may be what fails.
    home = quote(request.environ.get("SCRIPT_NAME", ""), encoding="latin-1") + "/"
    tag, direction, texts = find_texts(request)
    title, sentence, to_the_front_page = map(escape, texts)
    page = PAGE.format(
        tag=tag,
        direction=direction,
        title=title,
        sentence=sentence,
        home=home,
        to_the_front_page=to_the_front_page,
    )
    return Response(page, status=status)


def make_last_json(request: Request) -> Any:
    tag, _direction, (title, sentence, _link) = find_texts(request)
    return make_json(500, title, sentence, None, tag)


def make_json(status: int, title: str, sentence: str, incident: str | None, tag: str) -> Any:
    """An error as JSON, with texts in the language of this tag."""
    error = {"status": status, "title": title, "message": sentence, "incident": incident}
    response = Response(json_body={"error": error}, status=status, cache_control="no-store")
    response.headers["Content-Language"] = tag
    return response


def find_texts(request: Request) -> tuple[str, str, list[str]]:
    """The tag and the direction of the language of the reader, and the texts in it."""
    texts: list[str] = [TITLE, SENTENCE, TO_THE_FRONT_PAGE]
    request.without_identity = True
    try:
        language = request.language
        return language.tag, language.direction, list(map(language.catalogue.translate, texts))
    except Exception:
        log.exception("The language of the last resort failed, too.")
        return "en", "ltr", texts
