"""`/posts/{id}/translate`: a post in the language of the page.

GET shows a translation that is kept, or a button; POST asks the service, outside of any transaction. So
visitors, who cannot send the form, see only what somebody has had translated before.
"""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther

from microblog.i18n import parse_locale
from microblog.posts.queries import PostRow
from microblog.posts.resources import PostPage
from microblog.request import Request
from microblog.security.limits.counting import count_at_once
from microblog.translation import interfaces, queries
from microblog.translation.asking import translate as ask
from microblog.translation.interfaces import TranslationFailed
from microblog.translation.offering import VIEW, can_translate, get_service, get_target
from microblog.translation.queries import TranslationRow
from microblog.web.forms import check_button
from microblog.web.pages import page_view

TRANSLATED = "microblog.translated"  # in the WSGI environment, where another attempt of the request finds it
# The service is at fault for all others.
STATUSES: dict[type[TranslationFailed], int] = {
    interfaces.TextRefused: 422,
    interfaces.UnsupportedLanguage: 422,
    interfaces.TranslatorSlow: 504,
    interfaces.TranslatorRefused: 502,
    interfaces.BrokenAnswer: 502,
}
UNAVAILABLE = 503


@page_view(
    context=PostPage,
    name=VIEW,
    methods=("GET",),
    compressed=True,
    renderer="templates/translate.jinja2",
)
def translation(page: PostPage, request: Request) -> Any:
    """What is kept, or the button."""
    source = require_language(page.post, request)
    digest = queries.make_digest(page.post.body, source)
    row = queries.get_translation(request.dbsession, page.post.id, get_target(request), digest)
    return describe(page.post, source, request, row)


@page_view(
    context=PostPage,
    name=VIEW,
    methods=("POST",),
    permission="write",
    repeatable=True,
    renderer="templates/translate.jinja2",
)
def translate(page: PostPage, request: Request) -> Any:
    """Have it translated, unless it is already; the page of a failure says why, and has the button again."""
    post, target = page.post, get_target(request)
    source = require_language(post, request)
    check_button(request)
    digest = queries.make_digest(post.body, source)
    if queries.get_translation(request.dbsession, post.id, target, digest) is None:
        try:
            row = get_answer(request, post.body, source, target)
        except TranslationFailed as failure:
            return show_failure(post, source, request, failure)
        queries.keep_translation(request.begin_write(), post.id, row, digest)
    return HTTPSeeOther(location=request.link("posts", post.id, VIEW))


def get_answer(request: Request, text: str, source: str, target: str) -> TranslationRow:
    """Ask the service; when the request runs again, it is not asked again.

    :raises TranslationFailed: when there is no translation.
    """
    row: TranslationRow | None = request.environ.get(TRANSLATED)
    if row is None:
        request.end_reading()
        count_at_once(request, "translations")
        body = ask(request.registry, text, source, target)
        row = TranslationRow(body, target, get_service(request))
        request.environ[TRANSLATED] = row
    return row


def show_failure(post: PostRow, source: str, request: Request, failure: TranslationFailed) -> dict[str, Any]:
    request.response.status_int = STATUSES.get(type(failure), UNAVAILABLE)
    if failure.retry_after is not None:
        request.response.headers["Retry-After"] = str(max(1, round(failure.retry_after)))
    return describe(post, source, request, problem=failure.for_people)


def describe(
    post: PostRow,
    source: str,
    request: Request,
    row: TranslationRow | None = None,
    problem: str | None = None,
) -> dict[str, Any]:
    """What the page shows. Search engines have the post, and need no copies of it."""
    request.response.headers["X-Robots-Tag"] = "noindex"
    return {
        "post": post,
        "translation": row,
        "problem": problem,
        "source": name_language(request, source),
        "target": name_language(request, get_target(request)),
    }


def require_language(post: PostRow, request: Request) -> str:
    """:raises HTTPNotFound: when there is nothing to translate here."""
    if post.language is None or not can_translate(request, post):
        raise HTTPNotFound()
    return post.language


def name_language(request: Request, code: str) -> str:
    """The name of a language in the language of the page; its code where CLDR has none."""
    locale = parse_locale(code)
    return (locale and locale.get_display_name(request.locale)) or code
