"""The colours of the pages: the browser's, or those that the reader has chosen (`/preferences`).

app.css has the colours of each, by the attribute `data-colors` of `<html>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from microblog.i18n import _
from microblog.request import Request

PREFERENCE = "colors"


@dataclass(frozen=True, kw_only=True)
class ColorScheme:
    """Colours that a reader can choose.

    `scheme` is "light" or "dark", as the browser's own parts are drawn, and `paper` the colour of the page.
    Of those that `follows_browser`, the browser chooses for whoever has chosen none.
    """

    name: str
    label: str
    scheme: str
    paper: str
    follows_browser: bool = False


def add_color_scheme(config: Any, scheme: ColorScheme) -> None:
    """Directive: colours that a reader can choose; app.css has them for `[data-colors="name"]`."""
    config.action(
        ("color scheme", scheme.name), config.registry.color_schemes.__setitem__, args=(scheme.name, scheme)
    )


def get_colors(request: Request) -> ColorScheme | None:
    """The colours that the reader has chosen; None for those of their browser."""
    return request.registry.color_schemes.get(request.preferences.get(PREFERENCE, ""))


def includeme(config: Any) -> None:
    config.registry.color_schemes = {}
    config.add_directive("add_color_scheme", add_color_scheme)
    config.add_color_scheme(
        ColorScheme(name="light", label=_("Light"), scheme="light", paper="#fafbfa", follows_browser=True)
    )
    config.add_color_scheme(
        ColorScheme(name="dark", label=_("Dark"), scheme="dark", paper="#0f1513", follows_browser=True)
    )
    config.add_color_scheme(
        ColorScheme(name="contrast", label=_("Light, high contrast"), scheme="light", paper="#ffffff")
    )
    config.add_color_scheme(
        ColorScheme(name="contrast-dark", label=_("Dark, high contrast"), scheme="dark", paper="#000000")
    )
    config.add_template_global("colors", get_colors)
    config.add_template_global("color_schemes", lambda request: request.registry.color_schemes.values())
