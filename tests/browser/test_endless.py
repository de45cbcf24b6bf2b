"""Older posts come by themselves for those who want it, and the links to their pages stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from microblog.accounts.queries import add_user
from microblog.posts.queries import add_post
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser

POSTS = 45
ON_A_PAGE = 20
NEWEST_FIRST = [f"Post {number}" for number in reversed(range(POSTS))]


@pytest.fixture
def long_site(make_application: Any, serve: Any) -> Site:
    application = make_application({"microblog.page_size": str(ON_A_PAGE)})
    with application.database.write() as session:
        author = add_user(session, "ada")
        for number in range(POSTS):
            add_post(session, author, f"Post {number}")
    site: Site = serve(application)
    return site


def want_them(page: Page, site: Site) -> None:
    page.context.add_cookies([{"name": "preferences", "value": "older=endless", "url": site.url}])


def posts(page: Page) -> Locator:
    return page.locator("[data-post-id] .post-body")


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_older_posts_come_as_one_comes_to_the_end(
    long_site: Site, open_window: Callable[..., Page], language: str
) -> None:
    page = open_window(long_site, width=360, locale=language)
    want_them(page, long_site)
    page.goto("/explore")
    expect(posts(page)).to_have_count(ON_A_PAGE)
    expect(page.locator(".end")).to_have_count(0)
    for count in (2 * ON_A_PAGE, POSTS):
        posts(page).last.scroll_into_view_if_needed()
        page.mouse.wheel(0, 2000)
        expect(posts(page)).to_have_count(count)
    expect(posts(page)).to_have_text(NEWEST_FIRST)
    expect(page.locator(".end")).to_be_visible()
    page.locator(".seam a").first.click()  # a page of its own
    expect(posts(page).first).to_have_text(NEWEST_FIRST[ON_A_PAGE])


def test_nobody_gets_them_who_has_not_asked(long_site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(long_site, width=360)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "before=" in request.url else None)
    page.goto("/explore")
    posts(page).last.scroll_into_view_if_needed()
    page.mouse.wheel(0, 5000)
    with page.expect_navigation():
        page.get_by_role("link", name="Older posts").click()
    assert asked == [page.url]


def test_where_they_do_not_come_the_link_leads_to_them(
    long_site: Site, open_window: Callable[..., Page], watch: Any
) -> None:
    watch.allowed_failures |= {"net::ERR_FAILED"}
    page = open_window(long_site, width=360)
    want_them(page, long_site)
    page.route("**/explore?before=*", lambda route: route.abort(), times=1)
    page.goto("/explore")
    with page.expect_event("requestfailed"):
        posts(page).last.scroll_into_view_if_needed()
        page.mouse.wheel(0, 5000)
    page.get_by_role("link", name="Older posts").click()
    expect(posts(page).first).to_have_text(NEWEST_FIRST[ON_A_PAGE])


def test_without_javascript_the_choice_changes_nothing(
    long_site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(long_site, javascript=False)
    page.goto("/preferences")
    page.locator("select[name=older]").select_option("endless")
    page.get_by_role("main").get_by_role("button").first.click()
    page.goto("/explore")
    expect(posts(page)).to_have_count(ON_A_PAGE)
    page.get_by_role("link", name="Older posts").click()
    page.get_by_role("link", name="Older posts").click()
    expect(page.get_by_text("You are up to date.")).to_be_visible()
