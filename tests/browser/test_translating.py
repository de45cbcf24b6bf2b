"""Having a post translated, in place with a little script, and by its page without."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from microblog.accounts.queries import add_user
from microblog.posts.actions import write
from tests.browser.conftest import Site
from tests.browser.watch import Watch
from tests.conftest import Application
from tests.translating import DROP, DeepLServer, Service

pytestmark = pytest.mark.browser

POST = "¡Qué día! con @susan"
TRANSLATED = "¡QUÉ DÍA! CON @susan"
NOTE = "Translated from Spanish by DeepL."


@pytest.fixture
def service() -> Iterator[Service]:
    with DeepLServer() as service:
        yield service


@pytest.fixture
def translated_site(
    service: Service, make_application: Callable[..., Application], serve: Callable[[Application], Site]
) -> Site:
    site = serve(make_application(service.settings))
    with site.application.database.write() as session:
        susan = add_user(session, "susan")
        write(session, susan, POST, language="es")
        write(session, susan, "In English.", language="en")
    return site


def test_a_post_is_translated_where_it_stands(
    translated_site: Site, open_window: Callable[..., Page], service: Service
) -> None:
    page = open_window(translated_site, nickname="susan")
    page.goto("/explore")
    post = page.get_by_role("article").filter(has_text="susan").nth(1)
    translate = post.get_by_role("link", name="Translate")
    expect(page.get_by_role("link", name="Translate")).to_have_count(1)
    translate.focus()
    page.keyboard.press("Enter")
    expect(post.get_by_text(TRANSLATED, exact=True)).to_be_visible()
    expect(post.get_by_text(NOTE)).to_be_visible()
    expect(post.locator("[data-translation]")).to_be_focused()
    expect(post.get_by_text(POST, exact=True)).to_be_hidden()
    expect(translate).to_be_hidden()
    assert page.url.endswith("/explore")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(post.get_by_role("link", name="Show original")).to_be_focused()
    page.keyboard.press("Enter")
    expect(post.get_by_text(POST, exact=True)).to_be_visible()
    expect(post.get_by_text(NOTE)).to_have_count(0)
    expect(translate).to_be_focused()
    page.keyboard.press("Enter")
    expect(post.get_by_text(TRANSLATED, exact=True)).to_be_visible()
    assert len(service.asked) == 1


def test_without_javascript_the_same_is_on_a_page(
    translated_site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(translated_site, javascript=False, nickname="susan")
    page.goto("/explore")
    page.get_by_role("link", name="Translate").click()
    page.get_by_role("button", name="Translate into English").click()
    expect(page.get_by_text(TRANSLATED, exact=True)).to_be_visible()
    expect(page.get_by_text(NOTE)).to_be_visible()
    page.get_by_role("link", name="Show original").click()
    expect(page.get_by_text(POST, exact=True)).to_be_visible()


def test_a_service_that_is_down_is_told_below_the_post_and_can_be_asked_again(
    translated_site: Site, open_window: Callable[..., Page], service: Service, watch: Watch
) -> None:
    watch.allowed_statuses = {503}
    service.reply = DROP
    page = open_window(translated_site, nickname="susan")
    page.goto("/explore")
    page.get_by_role("link", name="Translate").click()
    problem = page.get_by_role("alert")
    expect(problem).to_have_text(
        "The translation service does not answer at the moment. Please try again later."
    )
    expect(page.get_by_text(POST, exact=True)).to_be_visible()
    service.reply = None
    page.get_by_role("link", name="Translate").click()
    expect(page.get_by_text(TRANSLATED, exact=True)).to_be_visible()
    expect(problem).to_have_count(0)


def test_a_visitor_is_led_to_the_page_that_says_why_not(
    translated_site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(translated_site)
    page.goto("/explore")
    page.get_by_role("link", name="Translate").click()
    expect(page.get_by_role("heading", name="Translation", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Log in to have it translated")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_reader_of_arabic_gets_arabic_from_right_to_left(
    translated_site: Site, open_window: Callable[..., Page], service: Service, javascript: bool
) -> None:
    service.reply = service.give(['يا له من يوم! مع <x id="k0n0">@susan</x>'])
    page = open_window(translated_site, nickname="susan", locale="ar", javascript=javascript)
    page.goto("/explore")
    # In English and in Spanish: both are foreign now.
    page.locator("a[data-translate]").last.click()
    if not javascript:
        page.locator("#translate-form button").click()
    translation = page.locator("[data-translation]")
    body = translation.locator(".post-body")
    expect(body).to_have_text("يا له من يوم! مع @susan")
    expect(body).to_have_attribute("lang", "ar")
    assert body.evaluate("(element) => getComputedStyle(element).direction") == "rtl"
    expect(translation).to_contain_text("الإسبانية")
    assert service.asked[0].body["target_lang"] == "AR"
    translation.locator("a[data-show-original]").click()
    expect(page.get_by_text(POST, exact=True)).to_be_visible()
