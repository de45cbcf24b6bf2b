"""No page puts a barrier before anybody: axe finds nothing, and nothing is wider than the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import HEIGHTS, Site
from tests.browser.scenes import (
    CLOSED,
    CLOSED_SCENES,
    EMPTY_SCENES,
    PROFILE_SCENES,
    SCENES,
    SETTINGS,
    Filled,
    Scene,
    fill,
    fill_profiles,
    names,
    profile_settings,
)

pytestmark = pytest.mark.browser

RUN_AXE = """async (rules) => (await axe.run(
    document, {resultTypes: ['violations'], ...(rules ? {runOnly: rules} : {})}
)).violations"""
RULES = {"light": None, "dark": ["color-contrast", "link-in-text-block"]}  # the others see no colours
WIDER_THAN_THE_SCREEN = """() => {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const wide = [...document.body.querySelectorAll('*')]
        .filter((each) => each.getBoundingClientRect().right > page.clientWidth + 1)
        .map((each) => `${each.tagName} ${each.className}`.trim());
    return [`${page.scrollWidth} px on a screen of ${page.clientWidth}`, ...wide];
}"""
# Text that is cut off without a sign of it: its box hides what does not fit.
CUT_OFF = """() => [...document.body.querySelectorAll('*')].filter((each) => {
    const style = getComputedStyle(each);
    return style.overflowX === 'hidden' && style.textOverflow !== 'ellipsis' && each.clientWidth > 1
        && each.scrollWidth > each.clientWidth + 1;
}).map((each) => `${each.tagName} ${each.className}`)"""


def barriers(page: Page, axe: str) -> list[str]:
    """What axe finds, in light and dark, on a telephone and a desk: a line for each element."""
    found = []
    page.evaluate(axe)
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        for scheme, rules in RULES.items():
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for violation in page.evaluate(RUN_AXE, rules):
                for node in violation["nodes"]:
                    summary = " ".join(node["failureSummary"].split())
                    found.append(f"{width} px, {scheme}: {violation['id']}: {node['target']}: {summary}")
    return found


def too_wide(page: Page) -> list[str]:
    """What does not fit: on small screens, and when the text is twice as large."""
    found = []
    for width, size in ((320, "100%"), (360, "100%"), (360, "200%"), (1280, "200%")):
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        page.evaluate("(size) => { document.documentElement.style.fontSize = size }", size)
        found += [
            f"{width} px, text {size}: {each}"
            for each in page.evaluate(WIDER_THAN_THE_SCREEN) + page.evaluate(CUT_OFF)
        ]
    page.evaluate("document.documentElement.style.fontSize = ''")
    return found


def check(page: Page, axe: str) -> None:
    found = barriers(page, axe) + too_wide(page)
    assert not found, "\n".join(found)


@pytest.fixture
def filled_site(make_application: Any, serve: Any) -> tuple[Site, Filled]:
    application = make_application(SETTINGS)
    filled = fill(application)
    return serve(application), filled


@pytest.mark.parametrize("scene", SCENES, ids=names(SCENES))
def test_nobody_meets_a_barrier(
    filled_site: tuple[Site, Filled], open_window: Callable[..., Page], axe: str, scene: Scene
) -> None:
    site, filled = filled_site
    page = open_window(site, nickname=scene.person)
    scene.play(page, filled)
    check(page, axe)


@pytest.mark.parametrize("scene", EMPTY_SCENES, ids=names(EMPTY_SCENES))
def test_nobody_meets_a_barrier_where_nothing_is_yet(
    site: Site, open_window: Callable[..., Page], axe: str, scene: Scene
) -> None:
    page = open_window(site)
    scene.play(page)
    check(page, axe)


@pytest.mark.parametrize("scene", CLOSED_SCENES, ids=names(CLOSED_SCENES))
def test_nobody_meets_a_barrier_where_registration_is_closed(
    make_application: Any, serve: Any, open_window: Callable[..., Page], axe: str, scene: Scene
) -> None:
    page = open_window(serve(make_application(CLOSED)))
    scene.play(page)
    check(page, axe)


@pytest.mark.parametrize("scene", PROFILE_SCENES, ids=names(PROFILE_SCENES))
def test_no_admin_meets_a_barrier_at_profiles(
    make_application: Any,
    serve: Any,
    open_window: Callable[..., Page],
    axe: str,
    scene: Scene,
    tmp_path: Path,
) -> None:
    application = make_application(profile_settings(tmp_path))
    fill(application)
    filled = fill_profiles(application)
    page = open_window(serve(application), nickname=scene.person)
    scene.play(page, filled)
    check(page, axe)
