"""The number of unread notifications in the header is kept up to date while somebody sees the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from microblog.accounts.queries import add_user, end_all_sessions
from microblog.posts.actions import write
from microblog.reactions.actions import like, unlike
from tests.browser.conftest import Site
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

HIDE = """(hidden) => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""
COUNT = "**/notifications/count"


@pytest.fixture
def people(site: Site) -> tuple[Site, int, int, int]:
    """Susan with a post, and john: the site, both, and the post."""
    with site.application.database.write() as session:
        susan, john = add_user(session, "susan"), add_user(session, "john")
        return site, susan, john, write(session, susan, "Mine whistles.")


def open_page(open_window: Callable[..., Page], site: Site, path: str = "/explore") -> tuple[Page, list[int]]:
    """A page whose time stands still, and the statuses of the answers to its questions."""
    page = open_window(site, nickname="susan")
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status) if "/count" in answer.url else None)
    page.clock.install()
    page.goto(path)
    return page, statuses


def let_it_ask(page: Page) -> None:
    with page.expect_response(COUNT):
        page.clock.run_for(61_000)


def test_the_number_follows_what_happens_and_stands_in_the_title(
    people: tuple[Site, int, int, int], open_window: Callable[..., Page]
) -> None:
    site, _, john, post = people
    page, _ = open_page(open_window, site)
    badge = page.locator("[data-unread-count]")
    expect(badge).to_be_hidden()
    let_it_ask(page)
    expect(badge).to_be_hidden()
    with site.application.database.write() as session:
        like(session, john, post)
    let_it_ask(page)
    expect(badge).to_have_text("1")
    expect(page.get_by_role("link", name="Notifications: 1 unread")).to_be_visible()
    expect(page).to_have_title("(1) Explore · microblog")
    with site.application.database.write() as session:
        unlike(session, john, post)
    let_it_ask(page)
    expect(badge).to_be_hidden()
    expect(page).to_have_title("Explore · microblog")


def test_a_page_that_nobody_sees_asks_nothing_and_one_that_is_seen_again_asks(
    people: tuple[Site, int, int, int], open_window: Callable[..., Page]
) -> None:
    site, _, john, post = people
    page, statuses = open_page(open_window, site)
    page.evaluate(HIDE, True)
    page.clock.run_for(600_000)
    assert statuses == []
    with site.application.database.write() as session:
        like(session, john, post)
    with page.expect_response(COUNT):
        page.evaluate(HIDE, False)
        page.clock.run_for(1_000)
    expect(page.locator("[data-unread-count]")).to_have_text("1")


def test_who_is_logged_out_meanwhile_is_not_asked_for_again(
    people: tuple[Site, int, int, int], open_window: Callable[..., Page]
) -> None:
    site, susan, _, _ = people
    page, statuses = open_page(open_window, site)
    with site.application.database.write() as session:
        end_all_sessions(session, susan)
    let_it_ask(page)
    page.clock.run_for(600_000)
    assert statuses == [303]


def test_what_fails_is_asked_less_and_less_often(
    people: tuple[Site, int, int, int], open_window: Callable[..., Page], watch: Watch
) -> None:
    site, _, john, post = people
    watch.allowed_statuses.add(500)
    page, _ = open_page(open_window, site)
    asked: list[int] = []

    def fail(route: Route) -> None:
        asked.append(1)
        route.fulfill(status=500)

    page.route(COUNT, fail)
    for minutes in (1, 2, 4):  # each wait is twice as long as the one before
        with page.expect_response(COUNT):
            page.clock.run_for(minutes * 60_000)
        page.evaluate("new Promise(requestIdleCallback)")
    page.clock.run_for(120_000)
    assert len(asked) == 3
    page.unroute(COUNT)
    with site.application.database.write() as session:
        like(session, john, post)
    with page.expect_response(COUNT):
        page.clock.run_for(361_000)
    expect(page.locator("[data-unread-count]")).to_have_text("1")


def test_one_click_leads_to_the_post_and_the_number_is_gone(
    people: tuple[Site, int, int, int], open_window: Callable[..., Page]
) -> None:
    site, _, john, post = people
    with site.application.database.write() as session:
        like(session, john, post)
    page = open_window(site, nickname="susan")
    page.goto("/notifications/")
    page.get_by_role("button", name="Mine whistles.").click()
    page.wait_for_url(f"**/posts/{post}")
    expect(page.locator("[data-unread-count]")).to_be_hidden()
    page.go_back()
    page.reload()
    expect(page.get_by_role("button", name="Mine whistles.")).to_be_visible()
    expect(page.locator(".notification-unread")).to_have_count(0)


def test_each_button_works_after_the_other(
    people: tuple[Site, int, int, int], open_window: Callable[..., Page]
) -> None:
    """They are of one form, which is sent once at a time."""
    site, susan, john, post = people
    with site.application.database.write() as session:
        second = write(session, susan, "It sings.")
        like(session, john, post)
        like(session, john, second)
    page = open_window(site, nickname="susan")
    page.goto("/notifications/")
    page.get_by_role("button", name="Mark as read").first.click()
    expect(page.locator(".notification-unread")).to_have_count(1)
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator(".notification-unread")).to_have_count(0)
    expect(page.get_by_text("Everything is marked as read.")).to_be_visible()
