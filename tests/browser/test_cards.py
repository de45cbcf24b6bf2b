"""Cards on people, by mouse and by keyboard, in two languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from microblog.accounts.queries import add_user
from microblog.posts.actions import write
from tests.browser.conftest import Site
from tests.browser.test_accessibility import CUT_OFF, WIDER_THAN_THE_SCREEN

pytestmark = pytest.mark.browser


@pytest.fixture
def people(site: Site) -> Site:
    with site.application.database.write() as session:
        add_user(session, "susan")
        ada = add_user(session, "ada")
        write(session, ada, "@susan mine hums, and so does that of @ada.")
    return site


def card(page: Page) -> Locator:
    return page.locator(".card")


@pytest.mark.parametrize("language", ["en-GB", "ar"])
@pytest.mark.parametrize("width", [360, 1280])
def test_resting_on_a_name_shows_who_it_is(
    people: Site, open_window: Callable[..., Page], language: str, width: int
) -> None:
    page = open_window(people, width=width, nickname="susan", locale=language)
    page.goto("/explore")
    for link in (page.locator(".post-author a"), page.locator(".post-body a").last):
        link.hover()
        expect(card(page)).to_be_visible()
        expect(card(page)).to_contain_text("ada")
        box, screen = card(page).bounding_box(), page.viewport_size
        assert box
        assert screen
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= screen["width"]
        assert page.evaluate(WIDER_THAN_THE_SCREEN) + page.evaluate(CUT_OFF) == []
        card(page).hover()  # it stays
        page.mouse.move(0, 0)
        expect(card(page)).to_have_count(0)


def test_by_keyboard_the_card_is_the_next_stop_and_escape_closes_it(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(people, nickname="susan")
    page.goto("/explore")
    link = page.locator(".post-author a")
    link.focus()
    expect(card(page)).to_be_visible()
    page.keyboard.press("Tab")
    expect(card(page).get_by_role("button")).to_be_focused()
    page.keyboard.press("Escape")
    expect(card(page)).to_have_count(0)
    expect(link).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".post-when")).to_be_focused()


def test_one_follows_from_a_card_and_stays(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(people, nickname="susan")
    page.goto("/explore")
    page.evaluate("() => { window.isStillHere = true }")
    page.locator(".post-author a").hover()
    card(page).get_by_role("button", name="Follow").click()
    expect(page.locator(".flash")).to_have_text("You follow ada now.")
    page.locator(".post-author a").hover()
    expect(card(page).get_by_role("button", name="Following (unfollow)")).to_be_visible()
    assert page.evaluate("window.isStillHere")


def test_a_card_that_cannot_be_fetched_is_not_shown_and_the_link_leads_on(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(people)
    page.route("**/card", lambda route: route.fulfill(status=204))
    page.goto("/explore")
    page.locator(".post-author a").hover()
    page.locator(".post-author a").click()
    expect(page.get_by_role("heading", name="ada", level=1)).to_be_visible()


def test_other_links_have_no_card(people: Site, open_window: Callable[..., Page]) -> None:
    with people.application.database.write() as session:
        write(session, add_user(session, "nils"), "https://elsewhere.example/users/ada")
    page = open_window(people, nickname="susan")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/explore")
    asked.clear()
    page.clock.install()
    page.locator(".post-body a").first.hover()
    page.locator(".post-when").first.hover()
    page.clock.run_for(5_000)
    assert not [url for url in asked if url.endswith("/card")]
