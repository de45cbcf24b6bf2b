"""Buttons below posts, by mouse and keyboard, with and without script, also on pages that came later."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from microblog.accounts.queries import add_user
from microblog.people.actions import follow
from microblog.posts.queries import add_post
from tests.browser.conftest import Site
from tests.conftest import Application

pytestmark = pytest.mark.browser

MARK = "() => { window.isStillHere = true }"
IS_STILL_HERE = "() => window.isStillHere === true"


@pytest.fixture
def people(site: Site) -> Site:
    """Susan follows ada, who has written a page and two posts more."""
    with site.application.database.write() as session:
        susan, ada = (add_user(session, name) for name in ("susan", "ada"))
        follow(session, susan, ada)
        for number in range(27):
            add_post(session, ada, f"Number {number}")
    return site


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_what_is_pressed_stays_in_place_and_keeps_the_focus(
    people: Site, open_window: Callable[..., Page], language: str
) -> None:
    page = open_window(people, nickname="susan", locale=language)
    page.goto("/")
    page.evaluate(MARK)
    row = page.locator(".reactions").nth(20)
    like = row.locator("[id^=like]")
    like.scroll_into_view_if_needed()
    top = page.evaluate("scrollY")
    like.focus()
    page.keyboard.press("Enter")
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(like).to_be_focused()
    expect(row.locator(".react-count")).to_have_text("1")
    row.locator("[id^=boost]").click()
    expect(row.locator(".react-count")).to_have_count(2)
    page.keyboard.press("Enter")  # on the button that has the focus
    expect(row.locator("[id^=boost]")).to_have_attribute("aria-pressed", "false")
    for number in (18, 19):  # two posts, one after the other
        page.locator(".reactions").nth(number).locator("[id^=bookmark]").click()
    for number in (18, 19):
        button = page.locator(".reactions").nth(number).locator("[id^=bookmark]")
        expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(IS_STILL_HERE)
    assert page.evaluate("scrollY") == top
    page.goto("/account/bookmarks")
    expect(page.locator(".post-body")).to_have_count(2)


def test_without_a_script_one_is_led_back_to_the_post(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(people, nickname="susan", javascript=False)
    page.goto("/explore")
    row = page.locator(".reactions").nth(20)
    name = row.get_attribute("id")
    row.get_by_role("button", name="Like").click()
    expect(page.locator(f"#{name} [id^=like]")).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith(f"/explore#{name}")
    expect(page.locator(f"#{name}")).to_be_in_viewport()


def test_posts_that_came_later_are_liked_in_place(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(people, nickname="susan")
    page.goto("/preferences")
    page.locator("select[name=older]").select_option("endless")
    page.locator("main form button").first.click()
    page.goto("/")
    page.evaluate(MARK)
    page.locator(".pages").scroll_into_view_if_needed()
    expect(page.locator(".reactions")).to_have_count(27)
    like = page.locator(".reactions").nth(26).locator("[id^=like]")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".reactions")).to_have_count(27)
    assert page.evaluate(IS_STILL_HERE)


def test_what_is_refused_is_shown(
    make_application: Callable[..., Application],
    serve: Callable[[Application], Site],
    open_window: Callable[..., Page],
) -> None:
    site = serve(make_application({"microblog.limits.likes.per_account": "1 per hour"}))
    with site.application.database.write() as session:
        susan = add_user(session, "susan")
        for body in ("one", "two"):
            add_post(session, susan, body)
    page = open_window(site, nickname="susan")
    page.goto("/")
    first, second = (page.locator(".reactions").nth(number).locator("[id^=like]") for number in range(2))
    first.click()
    expect(first).to_have_attribute("aria-pressed", "true")
    second.click()
    expect(page.get_by_role("heading", name="Like this post?")).to_be_visible()
    expect(page.locator("[data-flash=error]")).to_contain_text("You have liked, or bookmarked")
