"""The avatar and the header in the form of a profile, as a browser shows them before they are sent."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from microblog.accounts.queries import add_user
from microblog.media.plans import AVATAR, HEADER
from tests.browser.conftest import Site
from tests.pictures import paint
from tests.portraits import give_portrait

pytestmark = pytest.mark.browser

CHOSEN = "This one will be shown once you save."
# Of the one picture that is drawn: the text of all of it.
DRAWN = "() => document.querySelector('[data-portrait] canvas')?.toDataURL()"


def make_file(seed: int) -> FilePayload:
    return {"name": f"{seed}.jpg", "mimeType": "image/jpeg", "buffer": paint(seed, (300, 200))}


BROKEN: FilePayload = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}


@pytest.fixture
def susan(site: Site) -> int:
    with site.application.database.write() as session:
        user_id = add_user(session, "susan")
    give_portrait(site.application, user_id, AVATAR)
    return user_id


@pytest.fixture
def form(site: Site, susan: int, open_window: Callable[..., Page]) -> Page:
    page = open_window(site, nickname="susan")
    page.goto("/account/profile")
    return page


def box(page: Page, purpose: str) -> Locator:
    return page.locator(f"[data-portrait={purpose}]")


def field(page: Page, purpose: str) -> Locator:
    return box(page, purpose).locator("input[type=file]")


@pytest.mark.parametrize("purpose", [AVATAR, HEADER])
def test_a_picture_that_is_chosen_is_shown_before_it_is_sent(form: Page, purpose: str) -> None:
    drawn = box(form, purpose).locator("canvas")
    expect(drawn).to_have_count(0)
    field(form, purpose).set_input_files(make_file(1))
    expect(drawn).to_be_visible()
    first = form.evaluate(DRAWN)
    expect(box(form, purpose)).to_contain_text(CHOSEN)
    expect(box(form, purpose).locator("img:visible, .field-checkbox:visible")).to_have_count(0)
    field(form, purpose).set_input_files(make_file(2))
    form.wait_for_function(f"(first) => ![null, first].includes(({DRAWN})() ?? null)", arg=first)
    expect(drawn).to_have_count(1)
    width, height = (int(drawn.evaluate(f"(canvas) => canvas.{side}")) for side in ("width", "height"))
    assert width == height if purpose == AVATAR else width == 3 * height


def test_what_was_there_is_shown_again_when_nothing_or_no_picture_is_chosen(form: Page) -> None:
    present = box(form, AVATAR).locator("img")
    nothing: list[FilePayload] = []
    for files in (nothing, [BROKEN]):
        field(form, AVATAR).set_input_files(make_file(1))
        expect(present).to_be_hidden()
        field(form, AVATAR).set_input_files(files)
        expect(present).to_be_visible()
        expect(box(form, AVATAR).locator("canvas")).to_have_count(0)
        expect(box(form, AVATAR)).not_to_contain_text(CHOSEN)
        expect(box(form, AVATAR).locator(".field-checkbox")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_what_was_chosen_is_that_of_the_profile_when_it_is_saved(
    site: Site, susan: int, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(site, nickname="susan", javascript=javascript)
    page.goto("/account/profile")
    before = box(page, AVATAR).locator("img").get_attribute("src")
    field(page, AVATAR).set_input_files(make_file(1))
    field(page, HEADER).set_input_files(make_file(2))
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".profile > .avatar")).to_be_visible()
    assert page.locator(".profile > .avatar").get_attribute("src") != before
    expect(page.locator("img.banner")).to_be_visible()


def test_a_picture_that_is_refused_is_said_at_its_field(form: Page) -> None:
    field(form, AVATAR).set_input_files(BROKEN)
    form.get_by_role("button", name="Save").click()
    expect(box(form, AVATAR).locator(".field-errors")).to_contain_text(
        "This is not a picture that we can read"
    )
    expect(box(form, AVATAR).locator("img")).to_be_visible()


def test_the_keyboard_reaches_and_removes_a_picture(form: Page) -> None:
    remove = box(form, AVATAR).get_by_role("checkbox")
    field(form, AVATAR).focus()
    form.keyboard.press("Tab")
    expect(remove).to_be_focused()
    form.keyboard.press("Space")
    form.get_by_role("button", name="Save").focus()
    form.keyboard.press("Enter")
    expect(form.locator(".profile > .avatar")).to_have_attribute("src", re.compile("^/avatars/"))
