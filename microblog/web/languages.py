"""In which language a page is: the person's choice, else the visitor's, else what their browser asks for.

A choice is a person's own (`Identity.preferences`) or a cookie; see `microblog/preferences/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from babel import Locale
from babel.lists import format_list
from webob.acceptparse import create_accept_language_header

from microblog.i18n import LANGUAGE, Catalogue, Language
from microblog.request import Registry, Request
from microblog.security.cookies import get_cookie_name
from microblog.tree import is_api

PREFERENCES_COOKIE = "preferences"
LONGEST_PREFERENCES = 500  # characters, in a cookie and with a person
MOST_PREFERENCES = 20
LONGEST_ACCEPTED = 300  # characters of Accept-Language that are read; browsers send about fifty


class SourceTexts:
    """What Jinja uses where no request is: the English texts."""

    def __init__(self, domain: str) -> None:
        self.gettext = Catalogue().find
        self.ngettext = Catalogue().find_plural
        self.pgettext = Catalogue().find_in_context


@lru_cache(maxsize=1024)
def read_preferences(text: str) -> Mapping[str, str]:
    """What is chosen, by name; whatever cannot be read is nothing."""
    try:
        return dict(parse_qsl(text[:LONGEST_PREFERENCES], max_num_fields=MOST_PREFERENCES))
    except ValueError:
        return {}


def write_preferences(chosen: Mapping[str, str]) -> str:
    return urlencode({name: value for name, value in sorted(chosen.items()) if value})


def get_preferences(request: Request) -> Mapping[str, str]:
    """`request.preferences`: what the reader has chosen, and where a person has not, their browser."""
    identity = request.identity
    cookie = request.cookies.get(get_cookie_name(request, PREFERENCES_COOKIE), "")
    in_browser = {} if is_api(request) else read_preferences(cookie)
    if identity is None or not identity.preferences:
        return in_browser
    return {**in_browser, **read_preferences(identity.preferences)}


@lru_cache(maxsize=1024)
def choose_tag(header: str, tags: tuple[str, ...], default: str) -> str:
    """The language among `tags` that a browser asks for by `Accept-Language`."""
    if len(header) > LONGEST_ACCEPTED:
        header = header[:LONGEST_ACCEPTED].rpartition(",")[0]
    accepted = create_accept_language_header(header)
    return str(accepted.lookup(tags, default=default))


def choose_language(registry: Registry, chosen: str, accepted: str) -> Language:
    languages = registry.languages
    if chosen in languages:
        return languages[chosen]
    # The site's own comes first: it is taken where a browser likes several as much.
    default = registry.microblog[LANGUAGE]
    return languages[choose_tag(accepted[: LONGEST_ACCEPTED + 1], tuple(languages), default)]


def get_language(request: Request) -> Language:
    """`request.language`"""
    header = request.environ.get("HTTP_ACCEPT_LANGUAGE", "")
    return choose_language(request.registry, request.preferences.get("language", ""), header)


def translate(request: Request, text: str) -> str:
    """A message in the language of the page; any other text as it is."""
    return request.language.catalogue.translate(text)


def list_items(request: Request, items: Iterable[str], style: str = "standard") -> str:
    """ "a, b and c", in the language of the page; each item is translated."""
    return format_list([translate(request, item) for item in items], style, request.locale)  # type: ignore[arg-type]


def get_locale(request: Request) -> Locale:
    return request.language.locale


def get_text_direction(request: Request) -> str:
    return request.language.direction


def includeme(config: Any) -> None:
    config.add_request_method(get_preferences, "preferences", reify=True)
    config.add_request_method(get_language, "language", reify=True)
    config.add_request_method(get_locale, "locale", property=True)
    config.add_request_method(get_text_direction, "text_direction", property=True)
    config.add_request_method(translate)
    config.add_request_method(list_items)
    config.add_template_global("language", lambda request: request.language)
    config.add_template_global("translate", lambda request: request.translate)
    config.add_template_global("_", lambda request: request.language.catalogue.gettext)
    config.add_template_global("gettext", lambda request: request.language.catalogue.gettext)
    config.add_template_global("pgettext", lambda request: request.language.catalogue.pgettext)
    config.add_template_global("plural_forms", lambda request: request.language.list_forms)
    config.add_template_global("ngettext", lambda request: request.language.catalogue.ngettext)
