"""The pages about the site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from babel import Locale
from pyramid.httpexceptions import HTTPNotFound, HTTPServiceUnavailable

from microblog.about.library import BrokenText
from microblog.about.pages import PAGES
from microblog.i18n import _
from microblog.request import Request
from microblog.tree import Root
from microblog.web.pages import page_view
from microblog.web.settings import CONTACT

UNAVAILABLE = _("The text of this page cannot be shown at the moment. Try again later.")


def list_languages(locale: Locale) -> Iterator[str]:
    """From the most precise: zh-Hant-TW, zh-Hant, zh-TW, zh."""
    language, script, territory = locale.language, locale.script, locale.territory
    if script and territory:
        yield f"{language}-{script}-{territory}"
    if script:
        yield f"{language}-{script}"
    if territory:
        yield f"{language}-{territory}"
    yield language


def show_page(name: str) -> Any:
    return page_view(context=Root, name=name, compressed=True, renderer=f"templates/{name}.jinja2")


@show_page("about")
@show_page("help")
@show_page("privacy")
@page_view(context=Root, name="rules", compressed=True, renderer="templates/text.jinja2")
@page_view(context=Root, name="terms", compressed=True, renderer="templates/text.jinja2")
def show_site_page(root: Root, request: Request) -> Any:
    """What the operator wrote, else what microblog says of itself."""
    page = PAGES[request.view_name]
    try:
        text = request.registry.site_texts.find(page.name, list_languages(request.locale))
    except BrokenText:
        raise HTTPServiceUnavailable(UNAVAILABLE) from None  # the library has logged it
    values = {"page_name": page.name, "label": page.label, "contact": request.microblog[CONTACT]}
    rules = PAGES["rules"]
    values["rules_url"] = rules.link(request) if rules.exists(request) else None
    if text is not None:
        request.override_renderer = "templates/text.jinja2"
        direction = Locale.parse(text.language, sep="-").text_direction
        return {**values, "text": text, "direction": direction}
    if not page.has_default:
        raise HTTPNotFound()
    return values
