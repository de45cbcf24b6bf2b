"""Pages from right to left: mirrored, nothing cut, and the script counts as the language does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.scenes import fill
from tests.conftest import Application
from tests.plugins.pseudo import TAG

pytestmark = pytest.mark.browser

PATHS = (
    "/",
    "/explore",
    "/users/",
    "/users/susan",
    "/search?q=tea",
    "/search/help",
    "/preferences",
    "/register",
)


def choose(page: Page, site: Site, language: str) -> None:
    page.context.add_cookies([{"name": "preferences", "value": f"language={language}", "url": site.url}])


def test_an_arabic_page_begins_on_the_right(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site, width=1280)
    for language, is_mirrored in (("ar", True), ("de", False)):
        choose(page, site, language)
        page.goto("/")
        brand, navigation = (page.locator(name).bounding_box() for name in (".brand", ".site-nav"))
        assert brand is not None
        assert navigation is not None
        assert (brand["x"] > navigation["x"]) == is_mirrored


@pytest.mark.parametrize("language", ["ar", "de", "es"])
@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_is_wider_than_its_window(
    site: Site, open_window: Callable[..., Page], language: str, width: int
) -> None:
    fill(site.application)
    page = open_window(site, width=width)
    choose(page, site, language)
    for path in PATHS:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_counter_counts_in_arabic(site: Site, open_window: Callable[..., Page]) -> None:
    fill(site.application)
    page = open_window(site)
    choose(page, site, "ar")
    site.log_in(page.context, "susan")
    page.goto("/")
    counter = page.locator("[data-counter-for]")
    page.locator("#body").fill("x" * 278)
    expect(counter).to_have_text("بقي حرفان")
    page.locator("#body").fill("x" * 277)
    expect(counter).to_have_text("بقيت 3 أحرف")


def test_the_chosen_colours_are_there_before_any_script(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site, javascript=False)
    page.emulate_media(color_scheme="light")
    page.context.add_cookies([{"name": "preferences", "value": "colors=dark", "url": site.url}])
    page.goto("/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 21, 19)"
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(23, 32, 29)"


@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_breaks_when_every_text_is_a_third_longer(
    serve: Callable[..., Site],
    make_application: Callable[..., Application],
    open_window: Callable[..., Page],
    width: int,
) -> None:
    site = serve(make_application({"pyramid.includes": "tests.plugins.pseudo"}))
    fill(site.application)
    page = open_window(site, width=width)
    choose(page, site, TAG)
    for path in PATHS:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("nickname", [None, "susan"])
@pytest.mark.parametrize("language", ["en", "ar", "de", "es"])
def test_the_navigation_is_one_line_on_a_phone(
    site: Site, open_window: Callable[..., Page], language: str, nickname: str | None
) -> None:
    fill(site.application)
    page = open_window(site, width=360, nickname=nickname)
    choose(page, site, language)
    page.goto("/explore")
    navigation, link = (page.locator(name).bounding_box() for name in (".site-nav", ".nav-link >> nth=0"))
    assert navigation is not None
    assert link is not None
    assert link["height"] >= 44
    assert navigation["height"] < 1.5 * link["height"]
