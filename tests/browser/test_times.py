"""Times go on while a page is open, and are those of the reader's place, in two languages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from microblog.accounts.queries import add_user
from microblog.ids import new_id_at
from microblog.posts.queries import add_posts
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser

CHATHAM = "Pacific/Chatham"  # 13:45 hours before UTC, in its summer


def write_posts(site: Site, *ages: timedelta) -> None:
    now = datetime.now(UTC)
    with site.application.database.write() as session:
        author = add_user(session, "ada")
        rows = [
            {"id": new_id_at(now - age), "user_id": author, "body": f"{age}", "language": None}
            for age in ages
        ]
        add_posts(session, rows)


def times(page: Page) -> Locator:
    return page.locator(".post-when time")


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        (
            "en-GB",
            ["just now", "3 minutes ago", "5 hours ago"],
            ["10 minutes ago", "13 minutes ago", "5 hours ago"],
        ),
        ("ar", ["الآن", "قبل 3 دقائق", "قبل 5 ساعات"], ["قبل 10 دقائق", "قبل 13 دقيقة", "قبل 5 ساعات"]),
    ],
)
def test_times_go_on(
    site: Site, open_window: Callable[..., Page], language: str, before: list[str], after: list[str]
) -> None:
    write_posts(
        site, timedelta(seconds=10), timedelta(minutes=3, seconds=10), timedelta(hours=5), timedelta(days=30)
    )
    page = open_window(site, locale=language)
    page.clock.install()
    page.goto("/explore")
    if language != "ar":  # whose words for it are those of a translator
        expect(times(page).first).to_have_text(before[0])
    expect(times(page).nth(1)).to_have_text(before[1])
    expect(times(page).nth(2)).to_have_text(before[2])
    date = times(page).nth(3).inner_text()
    page.clock.fast_forward(timedelta(minutes=10).seconds * 1000)
    for number, words in enumerate([*after, date]):
        expect(times(page).nth(number)).to_have_text(words)


def test_without_javascript_times_are_there(site: Site, open_window: Callable[..., Page]) -> None:
    write_posts(site, timedelta(minutes=3, seconds=10))
    page = open_window(site, javascript=False)
    page.goto("/explore")
    expect(times(page)).to_have_text("3 minutes ago")


def test_the_second_page_knows_the_zone_of_the_device(site: Site, open_window: Callable[..., Page]) -> None:
    with site.application.database.write() as session:
        author = add_user(session, "ada")
        post_id = new_id_at(datetime(2020, 12, 31, 20, tzinfo=UTC))
        add_posts(session, [{"id": post_id, "user_id": author, "body": "x", "language": None}])
    page = open_window(site, timezone_id=CHATHAM)
    page.goto("/explore")
    expect(times(page)).to_have_text("31 Dec 2020")
    page.goto("/explore")
    expect(times(page)).to_have_text("1 Jan 2021")
    expect(times(page)).to_have_attribute("title", "1 January 2021, 09:45 GMT+13:45")
    assert [cookie["value"] for cookie in page.context.cookies()] == ["Pacific%2FChatham"]
