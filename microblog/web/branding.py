"""How a site looks unlike others: its logo and its accent colour, from the ini file.

`/theme.css` comes after our own stylesheet and changes a few of its variables; without an accent colour there
is none. Both addresses change with what they give, so browsers keep it for a year.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from microblog.i18n import _
from microblog.request import Request
from microblog.settings import Setting
from microblog.tree import Root
from microblog.web.colors import get_colors
from microblog.web.contrast import BLACK, READABLE, STEPS, WHITE, Color, get_contrast, mix, parse_color
from microblog.web.pages import SITE_NAME, STATIC_SECONDS, get_static_path, page_view

LARGEST_LOGO = 200_000  # bytes
PICTURES = {
    ".svg": ("image/svg+xml", b"<"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".webp": ("image/webp", b"RIFF"),
}
OUR_ICONS = (("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"))
MASKABLE = ("icon-maskable.png", "512x512", "maskable")  # of which devices cut off the corners
MANIFEST_SECONDS = 3_600
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
IN_A_LINK_ON_ACCENT = 0.1  # the share of the accent in --accent-soft
STRONGER = 0.25  # the share of black or white in --accent-strong


DESCRIPTION = _("Short posts, in the order they were written.")


@dataclass(frozen=True)
class Picture:
    path: Path
    content_type: str
    content: bytes
    digest: str

    def __str__(self) -> str:
        return str(self.path)

    @property
    def sizes(self) -> str:
        """Its width and height as a manifest names them; "any" where it does not say them in the same way."""
        if self.content_type != "image/png":
            return "any"
        width, height = struct.unpack(">II", self.content[16:24].ljust(8, b"\0"))
        return f"{width}x{height}"


def picture(value: str) -> Picture | None:
    """The file of a logo, read once.

    :raises ValueError: when it is no picture, or too large.
    """
    if not value:
        return None
    path = Path(value)
    content_type, beginning = PICTURES.get(path.suffix.lower(), ("", b""))
    if not content_type:
        raise ValueError(f"must be a picture whose name ends with {', '.join(PICTURES)}")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_LOGO + 1)
    except OSError as error:
        raise ValueError(f"must be a file that can be read ({error.strerror})") from None
    if len(content) > LARGEST_LOGO:
        raise ValueError(f"must have at most {LARGEST_LOGO:,} bytes")
    if not content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(beginning):
        raise ValueError(f"must be a picture of the kind that its name says ({path.suffix})")
    return Picture(path, content_type, content, hashlib.sha256(content).hexdigest()[:12])


@dataclass(frozen=True)
class Scheme:
    """The backgrounds of pages in light or dark, as app.css has them, and where their text colours lie."""

    name: str
    paper: Color
    surface: Color
    end: Color

    def find_contrast(self, accent: Color) -> float:
        """The least contrast of this accent on any background that it stands on."""
        backgrounds = (self.paper, self.surface, mix(self.surface, accent, IN_A_LINK_ON_ACCENT))
        return min(get_contrast(accent, background) for background in backgrounds)

    def make_readable(self, accent: Color) -> Color:
        """This accent, moved towards black or white until it can be read."""
        colors = (mix(accent, self.end, step / STEPS) for step in range(STEPS + 1))
        return next(color for color in colors if self.find_contrast(color) >= READABLE)

    def parse_accent(self, value: str) -> Color | None:
        """:raises ValueError: when it is no colour, or cannot be read on these pages."""
        if not value:
            return None
        accent = parse_color(value)
        contrast = self.find_contrast(accent)
        if contrast < READABLE:
            raise ValueError(
                f"must be readable on {self.name} pages: with a contrast of {READABLE} to their background, "
                f"where this one has {contrast:.1f} ({self.make_readable(accent)} would do)"
            )
        return accent

    def list_variables(self, accent: Color) -> str:
        """The variables of app.css that follow from the accent."""
        on_accent = max(WHITE, BLACK, self.paper, key=lambda color: get_contrast(color, accent))
        variables = {
            "accent": accent,
            "accent-strong": mix(accent, self.end, STRONGER),
            "accent-soft": mix(self.surface, accent, IN_A_LINK_ON_ACCENT),
            "on-accent": on_accent,
        }
        return " ".join(f"--{name}: {color};" for name, color in variables.items())


LIGHT = Scheme("light", parse_color("#fafbfa"), parse_color("#ffffff"), BLACK)
DARK = Scheme("dark", parse_color("#0f1513"), parse_color("#161e1b"), WHITE)

LOGO = Setting(
    "microblog.logo",
    picture,
    None,
    "The path of a square picture (SVG, PNG or WebP) that stands beside the name of the site, and for it.",
)
ACCENT = Setting(
    "microblog.accent_color",
    LIGHT.parse_accent,
    None,
    "The colour of links and buttons on light pages, such as #7a3e9d; without it they are green.",
)
ACCENT_DARK = Setting(
    "microblog.accent_color_dark",
    DARK.parse_accent,
    None,
    "The same on dark pages; without it, microblog.accent_color made as light as it takes to be read.",
)
SETTINGS = (LOGO, ACCENT, ACCENT_DARK)


@dataclass(frozen=True)
class Branding:
    """What the layout shows of it; the addresses are None where nothing is set."""

    logo: Picture | None
    stylesheet: str | None

    @property
    def stylesheet_digest(self) -> str:
        return hashlib.sha256((self.stylesheet or "").encode()).hexdigest()[:12]


def make_stylesheet(light: Color | None, dark: Color | None) -> str | None:
    """The variables for light and dark pages, as app.css distinguishes them; None when nothing is set."""
    if light is not None and dark is None:
        dark = DARK.make_readable(light)
    rules = []
    if light is not None:
        variables = LIGHT.list_variables(light)
        rules.append(f':root:is(:not([data-colors]), [data-colors="light"]) {{ {variables} }}')
    if dark is not None:
        variables = DARK.list_variables(dark)
        rules.append(f"@media (prefers-color-scheme: dark) {{ :root:not([data-colors]) {{ {variables} }} }}")
        rules.append(f'@media not print {{ :root[data-colors="dark"] {{ {variables} }} }}')
    return "\n".join(rules) or None


def link_logo(request: Request) -> str | None:
    logo = request.registry.branding.logo
    return None if logo is None else str(request.link("logo", v=logo.digest))


def link_theme(request: Request) -> str | None:
    branding = request.registry.branding
    return (
        None if branding.stylesheet is None else str(request.link("theme.css", v=branding.stylesheet_digest))
    )


def answer_for_a_year(body: bytes, content_type: str) -> Response:
    return Response(
        body, content_type=content_type, cache_control=f"public, max-age={STATIC_SECONDS}, immutable"
    )


@page_view(context=Root, name="logo", permission=NO_PERMISSION_REQUIRED)
def show_logo(root: Root, request: Request) -> Response:
    logo = request.registry.branding.logo
    if logo is None:
        raise HTTPNotFound()
    response = answer_for_a_year(logo.content, logo.content_type)
    response.headers["Content-Security-Policy"] = PICTURE_POLICY  # an SVG may have its style inside it
    return response


@page_view(context=Root, name="theme.css", permission=NO_PERMISSION_REQUIRED)
def show_theme(root: Root, request: Request) -> Response:
    stylesheet = request.registry.branding.stylesheet
    if stylesheet is None:
        raise HTTPNotFound()
    return answer_for_a_year(stylesheet.encode(), "text/css")


def list_icons(request: Request) -> list[dict[str, str]]:
    """The logo, else our own pictures."""
    logo = request.registry.branding.logo
    if logo is not None:
        return [{"src": link_logo(request) or "", "sizes": logo.sizes, "type": logo.content_type}]
    return [
        {"src": get_static_path(request, name), "sizes": sizes, "type": "image/png", "purpose": purpose}
        for name, sizes, purpose in (*OUR_ICONS, MASKABLE)
    ]


@page_view(context=Root, name="manifest.webmanifest", permission=NO_PERMISSION_REQUIRED)
def show_manifest(root: Root, request: Request) -> Response:
    """What a telephone needs to put the site beside its applications."""
    colors = get_colors(request) or request.registry.color_schemes["light"]
    manifest = {
        "id": request.link(),
        "name": request.microblog[SITE_NAME],
        "short_name": request.microblog[SITE_NAME],
        "description": request.translate(DESCRIPTION),
        "lang": request.language.tag,
        "dir": request.text_direction,
        "start_url": request.link(),
        "scope": request.link(),
        "display": "standalone",
        "background_color": colors.paper,
        "theme_color": colors.paper,
        "icons": list_icons(request),
    }
    response = Response(
        json_body=manifest,
        content_type="application/manifest+json",
        cache_control=f"private, max-age={MANIFEST_SECONDS}",
    )
    response.vary = ("Cookie", "Accept-Language")
    return response


def lazily(link: Callable[[Request], str | None]) -> Callable[[Request], Callable[[], str | None]]:
    """For templates: called only by the pages that show it."""
    return lambda request: lambda: link(request)


def includeme(config: Any) -> None:
    config.declare_settings(*SETTINGS)
    settings = config.registry.microblog
    stylesheet = make_stylesheet(settings[ACCENT], settings[ACCENT_DARK])
    config.registry.branding = Branding(settings[LOGO], stylesheet)
    config.add_template_global("logo_url", lazily(link_logo))
    config.add_template_global("theme_url", lazily(link_theme))
