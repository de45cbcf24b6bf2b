"""People who are offered behind an @, by keyboard and by mouse, in two directions of writing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from microblog.accounts.queries import add_user
from microblog.people.actions import follow
from tests.browser.conftest import Site
from tests.browser.test_accessibility import CUT_OFF, WIDER_THAN_THE_SCREEN

pytestmark = pytest.mark.browser


@pytest.fixture
def people(site: Site) -> Site:
    with site.application.database.write() as session:
        susan, *others = (add_user(session, name) for name in ("susan", "ada", "adam", "adele"))
        follow(session, susan, others[-1])
    return site


@pytest.mark.parametrize(("language", "width"), [("en-GB", 1280), ("ar", 360)])
def test_people_are_offered_and_chosen_by_keyboard_and_mouse(
    people: Site, open_window: Callable[..., Page], language: str, width: int
) -> None:
    page = open_window(people, width=width, nickname="susan", locale=language)
    page.goto("/")
    text, offered = page.locator("#body"), page.locator("[role=option]")
    text.press_sequentially("to susan@ada")
    text.press_sequentially(" and @a")
    expect(offered).to_have_text(["@adele", "@ada", "@adam"])
    expect(text).to_have_role("combobox")
    expect(text).to_have_attribute("aria-expanded", "true")
    assert page.evaluate(WIDER_THAN_THE_SCREEN) + page.evaluate(CUT_OFF) == []
    for key, chosen in (("ArrowDown", "@ada"), ("ArrowUp", "@adele"), ("ArrowUp", "@adam")):
        text.press(key)
        active = page.locator(f"#{text.get_attribute('aria-activedescendant')}")
        expect(active).to_have_text(chosen)
        expect(active).to_have_attribute("aria-selected", "true")
    text.press("Enter")
    expect(text).to_have_value("to susan@ada and @adam ")
    expect(text).to_have_role("textbox")
    text.press_sequentially("@ad")
    offered.nth(1).click()
    expect(text).to_have_value("to susan@ada and @adam @ada ")
    expect(text).to_be_focused()
    text.press_sequentially("@ad")
    expect(offered.first).to_be_visible()
    text.press("Escape")
    expect(offered.first).to_be_hidden()
    text.press("Enter")
    text.press_sequentially("@nobody")
    expect(text).to_have_value("to susan@ada and @adam @ada @ad\n@nobody")
    expect(offered.first).to_be_hidden()
