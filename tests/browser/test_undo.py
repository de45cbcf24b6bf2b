"""A post that waits for its publication, in a browser: the seconds are counted, and it can be taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from microblog.posts.publishing import UNDO_SECONDS
from tests.browser.conftest import Site
from tests.browser.test_walk import body_field, button, posts, sign_up
from tests.browser.writing import BOTH, expect_draft
from tests.conftest import Application

pytestmark = pytest.mark.browser


@pytest.fixture
def patient(make_application: Callable[..., Application], serve: Callable[[Application], Site]) -> Site:
    """A site where one has a hundred seconds."""
    return serve(make_application({UNDO_SECONDS.key: "100"}))


@BOTH
def test_a_post_is_taken_back_into_the_form(
    patient: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(patient, javascript=javascript)
    sign_up(page, "susan")
    body_field(page).fill("The kettle sings.")
    button(page, "Post").click()
    expect(page.locator(".post-waits")).to_contain_text("Will be published in")
    button(page, "Undo").click()
    expect(body_field(page)).to_have_value("The kettle sings.")
    body_field(page).fill("The kettle hums.")
    button(page, "Post").click()
    expect(posts(page)).to_have_text(["The kettle hums."])
    expect_draft(page, "")


def test_the_seconds_are_counted_and_then_it_is_too_late(
    patient: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(patient)
    sign_up(page, "susan")
    body_field(page).fill("The kettle sings.")
    button(page, "Post").click()
    expect(page.locator(".post-waits")).to_be_visible()
    page.clock.install()
    page.reload()
    waits = page.locator(".post-waits p")
    before = int("".join(filter(str.isdigit, waits.inner_text())))
    page.clock.run_for(50_000)
    expect(waits).to_have_text(f"Will be published in {before - 50} seconds")
    page.clock.run_for(51_000)
    expect(page.locator(".post-waits")).to_have_count(0)
    expect(posts(page)).to_have_text(["The kettle sings."])
