"""High contrast: every text has a contrast of 7, for visitors too; print has neither forms nor dark pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.scenes import SETTINGS, fill
from tests.browser.test_accessibility import RUN_AXE

pytestmark = pytest.mark.browser

PATHS = ("/", "/search?q=green+tea", "/users/susan", "/users/", "/preferences", "/help", "/nowhere", "/login")
ENHANCED = ["color-contrast-enhanced", "link-in-text-block"]


@pytest.mark.parametrize("scheme", ["contrast", "contrast-dark"])
@pytest.mark.parametrize("nickname", [None, "susan"])
def test_in_high_contrast_every_text_can_be_read_with_weak_eyes(
    make_application: Any,
    serve: Any,
    open_window: Callable[..., Page],
    axe: str,
    scheme: str,
    nickname: str | None,
) -> None:
    application = make_application(SETTINGS)
    fill(application)
    site: Site = serve(application)
    page = open_window(site, width=360, nickname=nickname)
    page.context.add_cookies([{"name": "preferences", "value": f"colors={scheme}", "url": site.url}])
    found = []
    for path in PATHS:
        page.goto(path)
        page.evaluate(axe)
        for violation in page.evaluate(RUN_AXE, ENHANCED):
            found += [
                f"{path}: {node['html'][:100]}: {node['failureSummary']}" for node in violation["nodes"]
            ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["contrast", "contrast-dark", "dark"])
def test_a_visitor_chooses_colours_without_an_account(
    site: Site, open_window: Callable[..., Page], scheme: str
) -> None:
    page = open_window(site, javascript=False)
    page.goto("/preferences")
    page.locator("select[name=colors]").select_option(scheme)
    page.get_by_role("main").get_by_role("button").first.click()
    page.goto("/explore")
    expect(page.locator("html")).to_have_attribute("data-colors", scheme)


def test_print_shows_posts_without_forms_on_light_paper(
    make_application: Any, serve: Any, open_window: Callable[..., Page]
) -> None:
    application = make_application(SETTINGS)
    fill(application)
    site: Site = serve(application)
    page = open_window(site, nickname="susan")
    page.context.add_cookies([{"name": "preferences", "value": "colors=dark", "url": site.url}])
    page.goto("/")
    page.emulate_media(media="print")
    for selector in (".site-nav", ".compose", ".pager", ".post-delete", ".site-footer"):
        expect(page.locator(selector).first).to_be_hidden()
    expect(page.locator(".post-body").first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(250, 251, 250)"
