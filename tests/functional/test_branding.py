"""A site with a logo and a colour of its own."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.settings import SettingsError
from microblog.web.branding import ACCENT, ACCENT_DARK, DARK, LARGEST_LOGO, LIGHT, LOGO
from microblog.web.contrast import BLACK, READABLE, WHITE, Color, get_contrast, parse_color
from microblog.web.pages import STATIC

PNG = (STATIC / "icon.png").read_bytes()
COLORS = st.builds(Color, *[st.integers(0, 255)] * 3)


def test_a_site_without_branding_has_neither_stylesheet_nor_logo_of_its_own(browser):
    page = browser.get("/")
    assert len(page.html.select("link[rel=stylesheet]")) == 1
    assert page.html.select_one(".brand svg") is not None
    assert page.html.select_one("link[rel=icon]")["href"].startswith("/static/favicon.svg")


@pytest.mark.parametrize("path", ["/", "/login", "/broken-address"])
def test_the_logo_stands_beside_the_name_and_in_the_tab(make_application, tmp_path, path):
    (tmp_path / "logo.png").write_bytes(PNG)
    application = make_application({LOGO.key: str(tmp_path / "logo.png")})
    # This is how `microblog settings` shows it.
    assert str(application.registry.microblog[LOGO]) == str(tmp_path / "logo.png")
    browser = application.browser()
    page = browser.get(path, status="*")
    logo = page.html.select_one(".brand img")
    assert (logo["alt"], logo["width"], logo["height"]) == ("", "28", "28")
    assert page.html.select_one("link[rel=icon]")["href"] == logo["src"]
    answer = browser.get(logo["src"])
    assert (answer.content_type, answer.body) == ("image/png", PNG)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_drawn_logo_may_have_its_style_inside_it_and_no_script(make_application, tmp_path):
    (tmp_path / "logo.SVG").write_text('\ufeff <svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8")
    browser = make_application({LOGO.key: str(tmp_path / "logo.SVG")}).browser()
    answer = browser.get("/logo")
    assert answer.content_type == "image/svg+xml"
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("logo.gif", b"GIF89a", "must be a picture whose name ends with .svg, .png, .webp"),
        ("logo.png", b"<svg/>", "must be a picture of the kind that its name says"),
        ("logo.svg", b"", "must be a picture of the kind that its name says"),
        ("logo.png", PNG + b"x" * LARGEST_LOGO, "must have at most 200,000 bytes"),
        ("logo.png", None, "must be a file that can be read"),
    ],
)
def test_what_is_no_logo_stops_the_start(make_application, tmp_path: Path, name, content, why):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(f"microblog.logo {why}")):
        make_application({LOGO.key: str(tmp_path / name)})


def test_the_accent_colour_changes_light_and_dark_pages(make_application):
    browser = make_application({ACCENT.key: "#7A3E9D"}).browser()
    ours, theme = browser.get("/").html.select("link[rel=stylesheet]")
    assert ours["href"].startswith("/static/app.css")
    answer = browser.get(theme["href"])
    assert answer.content_type == "text/css"
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    light, dark, chosen_dark = answer.text.split("\n")
    assert light.startswith(':root:is(:not([data-colors]), [data-colors="light"]) { --accent: #7a3e9d;')
    assert "--on-accent: #ffffff" in light
    assert "prefers-color-scheme: dark" in dark
    assert '[data-colors="dark"]' in chosen_dark
    assert "#7a3e9d" not in dark + chosen_dark


def test_empty_values_are_no_branding(make_application):
    browser = make_application({LOGO.key: "", ACCENT.key: "", ACCENT_DARK.key: ""}).browser()
    for path in ("/logo", "/theme.css"):
        browser.get(path, status=404)


def test_dark_pages_may_have_a_colour_of_their_own(make_application):
    browser = make_application({ACCENT.key: "#7a3e9d", ACCENT_DARK.key: "#d0a0ff"}).browser()
    assert "--accent: #d0a0ff" in browser.get("/theme.css").text
    browser = make_application({ACCENT_DARK.key: "#d0a0ff"}).browser()
    assert browser.get("/theme.css").text.startswith("@media (prefers-color-scheme: dark) {")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        (
            ACCENT.key,
            "#ffee00",
            "must be readable on light pages: with a contrast of 4.5 to their background, where this one has "
            "1.2 (#756d00 would do); '#ffee00' (ini) is not.",
        ),
        (ACCENT_DARK.key, "#0a6b5a", "must be readable on dark pages"),
        (ACCENT.key, "green", "must be a colour such as #0a6b5a; 'green' (ini) is not."),
        (ACCENT.key, "#abc", "must be a colour such as #0a6b5a"),
    ],
)
def test_a_colour_that_cannot_be_read_stops_the_start_with_one_that_can(make_application, key, value, why):
    with pytest.raises(SettingsError, match=re.escape(f"{key} {why}")):
        make_application({key: value})


def test_dark_pages_look_the_same_whether_the_browser_or_the_reader_chose_them():
    """CSS has no way to say both conditions at once that all browsers know."""
    css = (STATIC / "app.css").read_text(encoding="utf-8")

    def find_colors(selector: str) -> dict[str, str]:
        block = css.partition(f"{selector} {{")[2].partition("}")[0]
        return dict(re.findall(r"(--[\w-]+): ([^;]+);", block))

    assert find_colors(":root:not([data-colors])") == find_colors(':root[data-colors="dark"]') != {}


def test_the_pages_behind_are_those_of_the_stylesheet():
    css = (STATIC / "app.css").read_text()
    for name in ("paper", "surface"):
        light, dark = re.findall(rf"--{name}: (#\w+);", css)[:2]
        assert (str(getattr(LIGHT, name)), str(getattr(DARK, name))) == (light, dark)


@given(COLORS)
def test_every_colour_becomes_one_that_can_be_read(color):
    for scheme in (LIGHT, DARK):
        readable = scheme.make_readable(color)
        assert scheme.find_contrast(readable) >= READABLE
        assert scheme.parse_accent(str(readable)) == readable
        on_accent = parse_color(re.findall(r"--on-accent: (#\w+)", scheme.list_variables(readable))[0])
        assert get_contrast(readable, on_accent) >= READABLE


def test_contrast_is_that_of_wcag():
    assert get_contrast(BLACK, WHITE) == pytest.approx(21)
    assert get_contrast(WHITE, WHITE) == 1
    assert get_contrast(parse_color("#767676"), WHITE) == pytest.approx(4.54, abs=0.005)


def test_a_telephone_can_install_the_site(browser):
    link = browser.get("/").html.select_one("link[rel=manifest]")["href"]
    answer = browser.get(link)
    assert answer.content_type == "application/manifest+json"
    manifest = answer.json
    assert (manifest["name"], manifest["start_url"], manifest["scope"]) == ("microblog", "/", "/")
    assert (manifest["display"], manifest["lang"], manifest["dir"]) == ("standalone", "en", "ltr")
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        picture = browser.get(icon["src"])
        width, height = struct.unpack(">II", picture.body[16:24])
        assert (picture.content_type, f"{width}x{height}") == ("image/png", icon["sizes"])


def test_a_manifest_is_in_the_language_and_the_colours_of_its_reader_and_below_the_mount_point(browser):
    browser.set_cookie("preferences", "colors=contrast-dark")
    answer = browser.get(
        "/manifest.webmanifest", headers={"Accept-Language": "ar"}, extra_environ={"SCRIPT_NAME": "/blog"}
    )
    manifest = answer.json
    assert (manifest["lang"], manifest["dir"], manifest["theme_color"]) == ("ar", "rtl", "#000000")
    assert (manifest["id"], manifest["start_url"], manifest["scope"]) == ("/blog/",) * 3
    assert set(answer.vary) == {"Cookie", "Accept-Language"}


@pytest.mark.parametrize(
    ("name", "content", "sizes"), [("logo.png", PNG, "256x256"), ("logo.svg", b"<svg/>", "any")]
)
def test_the_icon_of_an_installed_site_is_its_logo(make_application, tmp_path, name, content, sizes):
    (tmp_path / name).write_bytes(content)
    browser = make_application({LOGO.key: str(tmp_path / name)}).browser()
    (icon,) = browser.get("/manifest.webmanifest").json["icons"]
    assert icon["sizes"] == sizes
    assert browser.get(icon["src"]).content_type == icon["type"]
