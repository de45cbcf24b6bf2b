"""The languages of posts: which one is chosen or detected, and what they are called."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from babel import Locale
from markupsafe import Markup
from sqlalchemy import orm

from microblog.i18n import _
from microblog.posts.detection import detect_language
from microblog.posts.post_actions import draw_link
from microblog.posts.queries import PostRow
from microblog.posts.rules import is_known_language
from microblog.preferences.queries import replace_preferences
from microblog.request import Registry, Request
from microblog.settings import Setting, boolean
from microblog.web.languages import LONGEST_PREFERENCES, read_preferences, write_preferences

DETECT_LANGUAGES = Setting(
    "microblog.posts.detect_languages",
    boolean,
    True,
    "Whether the language of a post is detected when its author chooses none.",
)
RECENT = "wrote"  # among the preferences of a person
MOST_RECENT = 3
LETTERS_OF_A_CODE = 2  # of the languages that all lists show; others have codes of three letters


class LanguageName(NamedTuple):
    code: str
    name: str


def get_detector(registry: Registry) -> Callable[[str], str | None]:
    """What gives the language of a text, or None; None for all texts when detection is switched off."""
    return detect_language if registry.microblog[DETECT_LANGUAGES] else know_nothing


def know_nothing(text: str) -> None:
    return None


def choose_language(request: Request, chosen: str, body: str) -> str | None:
    """The language of a post: what its author has chosen, else what it is found to be."""
    return chosen or get_detector(request.registry)(body)


@lru_cache(maxsize=4096)
def name_language(locale: Locale, tag: str) -> str:
    """What a language is called in another one, `German` or `Portuguese (BR)`; the tag if it has no name."""
    primary, _dash, region = tag.partition("-")
    name = locale.languages.get(primary) or Locale("en").languages.get(primary)
    if not name:
        return tag
    name = name[0].upper() + name[1:]
    return f"{name} ({region.upper()})" if region else name


@lru_cache(maxsize=256)
def list_names(locale: Locale, codes: frozenset[str]) -> tuple[LanguageName, ...]:
    """In the order of the alphabet, whatever the accents."""
    names = (LanguageName(code, name_language(locale, code)) for code in codes)
    return tuple(sorted(names, key=lambda each: unicodedata.normalize("NFKD", each.name).casefold()))


def list_all_codes() -> frozenset[str]:
    return frozenset(code for code in map(str, Locale("en").languages) if len(code) == LETTERS_OF_A_CODE)


def offer_languages(
    request: Request, codes: Iterable[str], *more: str | None
) -> tuple[list[LanguageName], tuple[LanguageName, ...]]:
    """What to choose from: the reader's own languages and `more`, and all others."""
    first = [*filter(None, more), *list_recent(request), *request.read_languages]
    own = [tag.lower() for tag in dict.fromkeys(first)]
    named = [LanguageName(tag, name_language(request.locale, tag)) for tag in own]
    return named, list_names(request.locale, frozenset(codes) - frozenset(own))


def list_recent(request: Request) -> list[str]:
    """The languages that the author has chosen before, the last one first."""
    return [tag for tag in request.preferences.get(RECENT, "").split() if is_known_language(tag)][
        :MOST_RECENT
    ]


def remember_language(request: Request, session: orm.Session, chosen: str) -> None:
    """The author will find it at the top of the form."""
    recent = [chosen, *(tag for tag in list_recent(request) if tag != chosen)]
    before = request.me.preferences
    after = write_preferences({**read_preferences(before), RECENT: " ".join(recent[:MOST_RECENT])})
    if after != before and len(after) <= LONGEST_PREFERENCES:
        replace_preferences(session, request.me.id, before, after)


def offer_usual_languages(request: Request, *more: str | None) -> object:
    """Those that are offered in a form that is always there."""
    return offer_languages(request, request.registry.languages_to_read, *more)


def shows_language(request: Request, post: PostRow) -> bool:
    """Its author sees it, on the page of the post."""
    me = request.identity
    return me is not None and me.id == post.author_id and request.path_info == f"/posts/{post.id}"


def draw_language_link(request: Request, post: PostRow) -> Markup:
    text = _("Set the language")
    if post.language:
        text = _("Language: %(language)s", language=name_language(request.locale, post.language))
    return draw_link(request, post, "language", request.translate(text))


def includeme(config: Any) -> None:
    config.declare_settings(DETECT_LANGUAGES)
    config.add_post_action(
        "language",
        draw=draw_language_link,
        order=90,
        shown=shows_language,
    )
    config.add_template_global(
        "offer_usual_languages", lambda request: lambda *more: offer_usual_languages(request, *more)
    )
    config.add_template_global(
        "language_name", lambda request: lambda tag: name_language(request.locale, tag)
    )
