"""Pictures in a browser: chosen, dropped, pasted, removed and looked at, with and without script."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from microblog.accounts.queries import add_user
from microblog.media.actions import attach
from microblog.media.shown import ShownPictures, dump
from microblog.posts.queries import add_post
from tests.browser.conftest import Site
from tests.browser.watch import Watch
from tests.pictures import keep_pictures, paint

pytestmark = pytest.mark.browser

SMALL = (160, 120)
# A transfer as of a file manager: Chromium makes no such event by itself.
TRANSFER = """(element, [kind, names]) => {
    const bytes = (name) => Uint8Array.from(atob(name), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    for (const [number, name] of names.entries()) {
        transfer.items.add(new File([bytes(name)], `${number}.jpg`, { type: 'image/jpeg' }));
    }
    const event = kind === 'paste'
        ? new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true })
        : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
    element.dispatchEvent(event);
}"""


def make_file(seed: int, name: str = "hills.jpg") -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": paint(seed, SMALL)}


def encode(*seeds: int) -> list[str]:
    return [b64encode(paint(seed, SMALL)).decode() for seed in seeds]


@pytest.fixture
def susan(site: Site) -> int:
    with site.application.database.write() as session:
        return add_user(session, "susan")


@pytest.fixture
def home(site: Site, susan: int, open_window: Callable[..., Page]) -> Page:
    page = open_window(site, nickname="susan")
    page.goto("/")
    return page


def choose(page: Page, *files: FilePayload) -> None:
    page.locator("#compose-form-pictures").set_input_files(list(files))


def items(page: Page) -> Locator:
    return page.locator("#compose-form-shown li")


def write(page: Page, text: str) -> None:
    page.get_by_label("What is on your mind?").fill(text)


def publish(page: Page) -> None:
    page.get_by_role("button", name="Post", exact=True).click()


def test_pictures_are_added_when_they_are_chosen_and_stay_with_what_is_typed(home: Page) -> None:
    write(home, "A walk")
    choose(home, make_file(1), make_file(2))
    expect(items(home)).to_have_count(2)
    second = home.get_by_label("What picture 2 shows")
    expect(second).to_be_focused()
    second.fill("Hills")
    choose(home, make_file(3))
    expect(items(home)).to_have_count(3)
    expect(home.get_by_label("What picture 2 shows")).to_have_value("Hills")
    home.get_by_role("button", name="Remove picture 1").click()
    expect(items(home)).to_have_count(2)
    expect(home.get_by_label("What picture 1 shows")).to_have_value("Hills")
    publish(home)
    expect(home.locator(".post .post-picture img")).to_have_count(2)
    expect(home.locator(".post .post-picture img").first).to_have_attribute("alt", "Hills")
    expect(home.locator(".post-body")).to_have_text("A walk")
    # The form is as new.
    expect(items(home)).to_have_count(0)
    write(home, "Another one")
    publish(home)
    expect(home.locator(".post-body").first).to_have_text("Another one")
    expect(home.locator(".post").first.locator(".post-picture")).to_have_count(0)


def test_a_post_of_a_picture_alone_needs_no_text(home: Page) -> None:
    choose(home, make_file(1))
    expect(items(home)).to_have_count(1)
    publish(home)
    expect(home.locator(".post .post-picture")).to_have_count(1)


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_pictures_are_dropped_on_the_form_or_pasted_into_the_text(home: Page, kind: str) -> None:
    place = home.locator("#compose-form" if kind == "drop" else "#compose-form textarea[name=body]")
    if kind == "drop":
        place.evaluate(TRANSFER, ["dragover", encode(1)])
        expect(place).to_have_class("compose is-dropping")
    place.evaluate(TRANSFER, [kind, encode(1, 2)])
    expect(items(home)).to_have_count(2)
    expect(home.locator("#compose-form")).to_have_class("compose")


def test_what_is_no_picture_is_said_beside_the_form_and_the_others_stay(home: Page) -> None:
    write(home, "Mixed")
    bad: FilePayload = {"name": "cat.jpg", "mimeType": "image/jpeg", "buffer": b"<html>"}
    choose(home, make_file(1), bad)
    expect(items(home)).to_have_count(1)
    expect(home.locator(".compose-said")).to_contain_text("This is not a picture that we can read.")
    expect(home.get_by_label("What is on your mind?")).to_have_value("Mixed")
    choose(home, make_file(2))
    expect(items(home)).to_have_count(2)
    expect(home.locator(".compose-said")).to_have_count(0)


def test_a_connection_that_breaks_loses_nothing(home: Page, watch: Watch) -> None:
    watch.allowed_failures |= {"net::ERR_FAILED"}
    write(home, "Patience")
    choose(home, make_file(1))
    expect(items(home)).to_have_count(1)
    home.route("**/posts/", lambda route: route.abort())
    choose(home, make_file(2))
    expect(home.locator(".compose-said")).to_have_text(
        "The pictures could not be sent. Check your connection, and try again."
    )
    expect(items(home)).to_have_count(1)
    home.unroute("**/posts/")
    choose(home, make_file(2))
    expect(items(home)).to_have_count(2)
    expect(home.get_by_label("What is on your mind?")).to_have_value("Patience")


def test_a_reply_takes_pictures_where_it_is_written(
    site: Site, susan: int, open_window: Callable[..., Page]
) -> None:
    with site.application.database.write() as session:
        post_id = add_post(session, susan, "Show me")
    page = open_window(site, nickname="susan")
    page.goto("/explore")
    page.locator(f"#answer-{post_id}").click()
    page.locator(f"#reply-form-{post_id}-pictures").set_input_files(make_file(1))
    expect(page.locator(f"#reply-form-{post_id}-shown li")).to_have_count(1)
    page.locator(f"#reply-form-{post_id}").get_by_role("button", name="Reply").click()
    expect(page.locator(".reply-place .flash")).to_contain_text("Your reply is now live!")
    page.goto(f"/posts/{post_id}")
    expect(page.locator(".post-picture")).to_have_count(1)


def test_without_script_pictures_are_added_by_a_button(
    site: Site, susan: int, open_window: Callable[..., Page]
) -> None:
    page = open_window(site, nickname="susan", javascript=False)
    page.goto("/")
    write(page, "A walk")
    choose(page, make_file(1))
    page.get_by_role("button", name="Add and describe").click()
    page.get_by_label("What picture 1 shows").fill("Hills")
    expect(page.get_by_label("What is on your mind?")).to_have_value("A walk")
    publish(page)
    expect(page.locator(".post-picture img")).to_have_attribute("alt", "Hills")
    page.locator(".post-picture").click()
    expect(page.locator("h1")).to_have_text("Picture 1 of 1")
    page.get_by_role("link", name="To the post").click()
    expect(page.locator(".post-body")).to_have_text("A walk")


@pytest.fixture
def album(site: Site, susan: int, open_window: Callable[..., Page]) -> Page:
    """A post with three pictures."""
    pictures = keep_pictures(site.application, susan, ["One", "", "Three"])
    with site.application.database.write() as session:
        post_id = add_post(session, susan, "Look", pictures=dump(ShownPictures(tuple(pictures))))
        attach(session, susan, post_id, [each.name for each in pictures])
    page = open_window(site)
    page.goto("/explore")
    return page


def test_pictures_are_looked_at_by_the_keyboard_where_they_are(album: Page) -> None:
    first = album.locator(".post-picture").first
    first.focus()
    album.keyboard.press("Enter")
    viewer = album.get_by_role("dialog", name="Picture 1 of 3")
    expect(viewer.locator("img")).to_have_attribute("alt", "One")
    album.keyboard.press("ArrowRight")
    expect(album.get_by_role("dialog", name="Picture 2 of 3")).to_be_visible()
    expect(album.locator("dialog [rel=next]")).to_be_focused()
    album.keyboard.press("ArrowRight")
    expect(album.get_by_role("dialog", name="Picture 3 of 3")).to_be_visible()
    album.keyboard.press("ArrowRight")  # there is no other one
    album.keyboard.press("ArrowLeft")
    expect(album.get_by_role("dialog", name="Picture 2 of 3")).to_contain_text("no description")
    album.get_by_role("link", name="Previous picture").click()
    expect(album.get_by_role("dialog", name="Picture 1 of 3")).to_be_visible()
    album.keyboard.press("Escape")
    expect(album.locator("dialog")).to_have_count(0)
    expect(first).to_be_focused()
    first.click()
    album.get_by_role("dialog").get_by_role("link", name="To the post").click()
    expect(album.locator("dialog")).to_have_count(0)
    assert album.url.endswith("/explore")


def test_in_arabic_the_arrows_lead_the_other_way(
    album: Page, site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site, locale="ar")
    page.goto("/explore")
    page.locator(".post-picture").first.click()
    image = page.locator("dialog img")
    expect(image).to_have_attribute("alt", "One")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("dialog [rel=next]")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(image).to_have_attribute("alt", "Three")


def test_a_page_does_not_move_when_its_pictures_come(album: Page) -> None:
    box = album.locator(".post-picture").first.bounding_box()
    held: list[Route] = []
    album.route("**/media/**", lambda route: held.append(route))  # noqa: PLW0108  # Playwright asks functions for their parameters
    album.goto("/explore", wait_until="domcontentloaded")
    expect(album.locator(".post-actions, .post-pictures").first).to_be_visible()
    assert album.locator(".post-picture").first.bounding_box() == box
    assert album.locator(".post-picture rect").first.get_attribute("fill") != "#ffffff"
    for route in held:
        route.continue_()


def test_a_place_gets_no_larger_picture_than_it_needs(album: Page) -> None:
    image = album.locator(".post-picture img").first
    expect(image).to_have_js_property("complete", True)  # Playwright's
    source = image.evaluate("image => image.currentSrc")
    assert source.endswith("-1.webp")
