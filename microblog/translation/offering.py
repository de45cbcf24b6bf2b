"""To whom which translation is offered."""

from __future__ import annotations

from markupsafe import Markup

from microblog.posts.post_actions import draw_link
from microblog.posts.queries import PostRow
from microblog.posts.rules import UNDETERMINED
from microblog.request import Request
from microblog.translation.interfaces import get_translator
from microblog.translation.languages import is_same_language
from microblog.translation.nothing import NoTranslator

VIEW = "translate"  # which has no link to itself


def is_on(request: Request) -> bool:
    """Is there a translator?"""
    return get_translator(request.registry).name != NoTranslator.name


def get_service(request: Request) -> str:
    """Who translates, as people know it; "" when nobody does."""
    return get_translator(request.registry).title


def get_target(request: Request) -> str:
    """The language that posts are translated into: that of the page."""
    return request.language.tag


def can_translate(request: Request, post: PostRow) -> bool:
    """Is the language of the post known, and another one than the page's?"""
    language = post.language
    if language is None or language == UNDETERMINED:
        return False
    return is_on(request) and not is_same_language(language, get_target(request))


def offers_translation(request: Request, post: PostRow) -> bool:
    """Is the post in a language that its reader does not read? Asked for each post of a list."""
    language, read = post.language, request.read_languages
    return (
        language is not None
        and language not in read  # mostly, and quick
        and request.view_name != VIEW
        and can_translate(request, post)
        and not any(is_same_language(language, known) for known in read)
    )


def draw_translate_link(request: Request, post: PostRow) -> Markup:
    text = request.language.catalogue.gettext("Translate")
    return draw_link(request, post, VIEW, text, ' rel="nofollow" data-translate')
