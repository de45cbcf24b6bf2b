"""Steps of people who write, and what happens to them meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, Route, expect

from microblog.accounts import queries
from microblog.accounts.models import User
from tests.browser.conftest import Site
from tests.browser.test_walk import body_field, button, posts
from tests.walk import PASSWORD

BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])


def end_sessions(site: Site) -> None:
    """Of everybody, as after a night."""
    with site.application.database.write() as session:
        for user_id in session.scalars(sa.select(User.id)).all():
            queries.end_all_sessions(session, user_id)


def log_in(page: Page, nickname: str) -> None:
    page.get_by_role("textbox", name="Nickname or e-mail").fill(nickname)
    page.get_by_label("Password").fill(PASSWORD)
    button(page, "Log in").click()


def send(page: Page, text: str) -> None:
    body_field(page).fill(text)
    button(page, "Post").click()


def expect_posts(page: Page, *texts: str) -> None:
    """All there are, newest first."""
    page.goto("/explore")
    expect(posts(page)).to_have_text(list(texts))


def expect_draft(page: Page, text: str) -> None:
    page.goto("/")
    expect(body_field(page)).to_have_value(text)


def lose_the_answer(page: Page) -> None:
    """The next post arrives at the server, and the connection breaks before the answer comes."""

    def handle(route: Route) -> None:
        route.fetch(max_redirects=0)
        page.context.clear_cookies(name="flash")  # it would have come with the answer
        route.abort("aborted")

    page.route("**/posts/", handle, times=1)


def other_draft(page: Page) -> Any:
    return page.get_by_role("textbox", name="You have another draft")
