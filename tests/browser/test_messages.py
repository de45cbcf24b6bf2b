"""Private messages by the keyboard, with and without a script, in English and from right to left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from microblog.accounts.queries import add_user
from microblog.messages.actions import write
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def people(site: Site) -> Site:
    """Ada has written to susan twice."""
    with site.application.database.write() as session:
        susan, ada = (add_user(session, name) for name in ("susan", "ada"))
        for number in range(2):
            write(session, ada, susan, f"Number {number}")
    return site


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
@pytest.mark.parametrize("javascript", [True, False])
def test_a_thread_is_read_answered_and_deleted_by_the_keyboard(
    people: Site, open_window: Callable[..., Page], javascript: bool, locale: str
) -> None:
    page = open_window(people, nickname="susan", javascript=javascript, locale=locale)
    page.goto("/explore")
    link = page.locator(".site-nav a[href='/messages/']")
    expect(link.locator(".nav-count")).to_have_text("1")
    link.press("Enter")
    page.locator(".threads .person-name a").press("Enter")
    expect(page.locator(".message .post-body")).to_have_text(["Number 1", "Number 0"])
    expect(link.locator(".nav-count")).to_have_count(0)
    field = page.locator("#message-form textarea")
    field.fill("An answer")
    if javascript:
        field.press("Control+Enter")
    else:
        page.locator("#message-form button").press("Enter")
    expect(page.locator(".message .post-body")).to_have_text(["An answer", "Number 1", "Number 0"])
    expect(page.locator("#message-form textarea")).to_have_value("")
    mine = page.locator(".message-mine")
    theirs = page.locator(".message:not(.message-mine)").first
    mine_is_right = mine.bounding_box()["x"] > theirs.bounding_box()["x"]  # type: ignore[index]
    assert mine_is_right == (locale != "ar")
    page.locator(".message").nth(1).locator(".post-delete").press("Enter")
    page.locator("#delete-message-form .danger").press("Enter")
    expect(page.locator(".message .post-body")).to_have_text(["An answer", "Number 0"])
    page.locator(".lead a[data-dialog]").press("Enter")
    page.locator("#delete-message-form .danger").press("Enter")
    expect(page.locator(".empty")).to_be_visible()
    assert page.url.endswith("/messages/")
