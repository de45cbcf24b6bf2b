"""Pages: the decorator for views that answer with HTML, the filters of templates, and static files."""

from __future__ import annotations

import hashlib
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from babel.numbers import format_decimal
from jinja2 import pass_context
from jinja2.runtime import Context
from pyramid.authorization import Allow, Authenticated, Everyone
from pyramid.config import not_
from pyramid.httpexceptions import HTTPMovedPermanently, HTTPNotFound
from pyramid.response import Response
from pyramid.static import QueryStringConstantCacheBuster
from pyramid.view import view_config

from microblog.call_sites import passes_on
from microblog.request import Request
from microblog.security.policy import ADMINS, MODERATORS
from microblog.settings import Setting, text, whole_number
from microblog.tree import Api, Root, get_path, is_api
from microblog.web.languages import SourceTexts

SITE_NAME = Setting("microblog.site_name", text, "microblog", "The name of the site, as its pages show it.")
PAGE_SIZE = Setting("microblog.page_size", whole_number(1, 100), 25, "Posts, or people, on a page.")

STATIC = Path(__file__).with_name("static")
STATIC_SECONDS = 365 * 86_400

# What is not said below is inherited from here (docs/moderation.md).
Root.__acl__ = [  # type: ignore[attr-defined]
    (Allow, Everyone, "view"),
    (Allow, ADMINS, "moderate"),
    (Allow, MODERATORS, "moderate"),
    (Allow, Authenticated, "report"),
]


class page_view(view_config):  # noqa: N801  # a decorator, like view_config
    """A view that answers with HTML, at its one address, which is not below `/api`.

    `methods` are those that it accepts; others get a 405 with `Allow`. GET on another spelling of the
    address (a slash too many, another case of a nickname) is a 301 to the right one.

    `compressed`: its page holds nothing that only its reader may know, apart from the token of its forms, so
    its length may be seen (`microblog/web/compression.py`).

    `repeatable`: sending its form twice is the same as once (`microblog/submissions/results.py`).
    """

    def __init__(
        self,
        *,
        methods: tuple[str, ...] = ("GET",),
        permission: str = "view",
        compressed: bool = False,
        repeatable: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(
            request_method=methods,
            permission=permission,
            page=True,
            compressed=compressed,
            repeatable=repeatable,
            containment=not_(Api),
            **settings,
        )


def canonical_deriver(view: Any, info: Any) -> Any:
    """Redirect other spellings of the address of a page, or of a view of the API (see `page_view`)."""
    if not info.options.get("page") and not info.options.get("api"):
        return view

    @passes_on
    def canonical(context: Any, request: Request) -> Any:
        if request.subpath:
            raise HTTPNotFound()
        path = get_path(request, context, request.view_name)
        if (
            request.path_info != unquote(path)
            and request.method in ("GET", "HEAD")
            and not shows_form(request)
        ):
            query = f"?{request.query_string}" if request.query_string else ""
            return move_permanently(request, f"{request.script_name}{path}{query}")
        return view(context, request)

    return canonical


def move_permanently(request: Request, location: str) -> Response:
    """Redirect, without caching it for ever: a nickname may get another owner."""
    if is_api(request):
        return Response(json_body=None, status=301, location=location, cache_control="no-cache")
    return HTTPMovedPermanently(location=location, cache_control="no-cache")


def shows_form(request: Request) -> bool:
    """Does the page show a form again that was sent? It does so at the address to which it was sent."""
    if request.shows_sent_form:
        return True
    return request.kept_form is not None and bool(request.kept_form.token)


canonical_deriver.options = ("page", "api")  # type: ignore[attr-defined]


# Filters


@pass_context
def count(context: Context, number: int) -> str:
    """12,345, or 12.345, in the language of the page or, without a request, of the mail."""
    request = context.get("request")
    return format_number(number, str(context["language"].locale if request is None else request.locale))


@lru_cache(maxsize=1024)
def format_number(number: int, locale: str) -> str:
    return format_decimal(number, locale=locale)


def name_count(shown: str, counted: str) -> str:
    """The accessible name of a link that shows a number: "3 likes", of which "3" is seen.

    Who speaks to a computer says what they see, and a language may have a word for one ("رد واحد").
    """
    return counted if shown in counted else f"{shown} ({counted})"


def compute_static_digest() -> str:
    """A digest of all files of static/: browsers cache them for a year, until it changes."""
    digest = hashlib.sha256()
    for file in sorted(file for file in STATIC.rglob("*") if file.is_file()):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def get_static_path(request: Request, name: str) -> str:
    """The path of a file of static/, which changes with its content."""
    return str(request.static_path(f"microblog.web:static/{name}"))


def trim_texts(config: Any) -> None:
    """The line breaks of a template are not a part of its texts."""
    config.get_jinja2_environment().policies["ext.i18n.trimmed"] = True


def includeme(config: Any) -> None:
    config.declare_settings(SITE_NAME, PAGE_SIZE)
    config.registry.settings.update(
        {
            "jinja2.directories": "microblog.web:templates",
            "jinja2.undefined": "strict",
            "jinja2.trim_blocks": True,
            "jinja2.lstrip_blocks": True,
            "jinja2.newstyle": True,
            "jinja2.i18n.gettext": SourceTexts,
        }
    )
    config.include("pyramid_jinja2")
    config.action(None, trim_texts, args=(config,))
    config.add_template_filter("count", count)
    config.add_template_global("site_name", lambda request: request.microblog[SITE_NAME])
    config.add_template_global("static", lambda request: partial(get_static_path, request))
    config.add_view_deriver(canonical_deriver, name="canonical")
    config.add_static_view("static", "microblog.web:static", cache_max_age=STATIC_SECONDS)
    config.add_cache_buster("microblog.web:static", QueryStringConstantCacheBuster(compute_static_digest()))
