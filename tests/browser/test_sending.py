"""A post is sent once, and is in the box for as long as nobody knows whether it was.

Here it is sent as a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from microblog.accounts import queries
from tests.browser.conftest import ARGUMENTS, BROWSER, WAIT_MILLISECONDS, Site, serving
from tests.browser.scenes import SEND_AS_PAGES
from tests.browser.test_walk import body_field, button, link, posts, sign_up, write
from tests.browser.watch import Watch
from tests.browser.writing import BOTH, expect_draft, expect_posts, lose_the_answer, send
from tests.conftest import Application
from tests.walk import PASSWORD

pytestmark = pytest.mark.browser


LONG_MILLISECONDS = 11_000  # longer than a button waits for an answer
COME_BACK = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"


@pytest.fixture
def open_window(open_window: Callable[..., Page]) -> Callable[..., Page]:
    """Windows whose forms are sent as pages: so they are where sending in place fails (test_in_place.py)."""

    def open_one(site: Site, **options: Any) -> Page:
        page = open_window(site, **options)
        if options.get("javascript", True):
            page.context.add_init_script(f"addEventListener('DOMContentLoaded', {SEND_AS_PAGES})")
        return page

    return open_one


# Nobody knows whether it was sent


def test_a_post_whose_answer_was_lost_is_posted_once_when_it_is_sent_again(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    lose_the_answer(page)
    send(page, "Said once")
    page.reload()
    expect(posts(page)).to_have_text(["Said once"])
    expect(body_field(page)).to_have_value("Said once")
    link(page, "Explore").click()
    link(page, "Home").click()
    button(page, "Post").click()
    expect(page.get_by_text("Your post is now live!")).to_be_visible()
    expect(posts(page)).to_have_text(["Said once"])
    expect(body_field(page)).to_have_value("")


def test_what_is_written_on_after_an_answer_was_lost_is_another_post(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    lose_the_answer(page)
    send(page, "First")
    page.reload()
    expect(body_field(page)).to_have_value("First")
    send(page, "First and more")
    expect(posts(page)).to_have_text(["First and more", "First"])
    expect(body_field(page)).to_have_value("")


def test_an_accepted_post_does_not_take_what_was_written_on_meanwhile(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    # What is sent is gathered when this event comes.
    page.evaluate("""document.querySelector('#compose-form').addEventListener('formdata', (event) => {
        const textarea = event.target.querySelector('textarea');
        textarea.value = 'And more';
        textarea.dispatchEvent(new Event('input', {bubbles: true}));
    })""")
    send(page, "First")
    expect(posts(page)).to_have_text(["First"])
    expect(body_field(page)).to_have_value("And more")
    button(page, "Post").click()
    expect(posts(page)).to_have_text(["And more", "First"])


def test_an_accepted_form_of_the_same_page_is_not_taken_for_the_post(
    site: Site, open_window: Callable[..., Page]
) -> None:
    with site.application.database.write() as session:
        queries.add_user(session, "ada")
    page = open_window(site)
    sign_up(page, "susan")
    page.route("**/posts/", lambda route: route.abort("aborted"), times=1)
    send(page, "It has not arrived")
    page.evaluate("""() => {
        const form = document.querySelector('#header-logout-form').cloneNode(true);
        form.action = '/users/ada/follow';
        document.body.append(form);
        form.submit();
    }""")
    expect(page.get_by_text("You follow ada now.")).to_be_visible()
    expect_draft(page, "It has not arrived")


def test_a_draft_waits_while_there_is_no_connection(
    site: Site, open_window: Callable[..., Page], watch: Watch
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    watch.allowed_failures.add("net::ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    send(page, "From a train")
    page.wait_for_url("chrome-error://**")
    page.context.set_offline(False)
    expect_draft(page, "From a train")
    button(page, "Post").click()
    expect_posts(page, "From a train")


@BOTH
def test_a_text_that_was_posted_is_not_in_the_box_when_somebody_goes_back(
    site: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(site, javascript=javascript)
    sign_up(page, "susan")
    write(page, "Posted")
    link(page, "Explore").click()
    page.go_back()
    page.go_back()
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
    if javascript:  # without it, browsers put the text in again
        expect(body_field(page)).to_have_value("")
        expect_draft(page, "")


def test_a_page_that_comes_back_as_it_was_left_sends_neither_the_posted_text_nor_its_key(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    key = page.locator("#compose-form input[name=key]")
    sent = key.input_value()
    page.route("**/posts/", lambda route: (route.fetch(max_redirects=0), route.abort("aborted")), times=1)
    send(page, "Posted")
    expect(button(page, "Post")).to_be_disabled()
    accepted = page.evaluate("fetch('/').then((answer) => answer.text())")
    assert f'data-accepted="{sent}"' in accepted
    page.evaluate("(key) => localStorage.setItem('accepted forms', JSON.stringify([key]))", sent)
    page.evaluate(COME_BACK)
    expect(button(page, "Post")).to_be_enabled()
    expect(body_field(page)).to_have_value("")
    assert key.input_value() != sent
    send(page, "Posted")
    expect(posts(page)).to_have_text(["Posted", "Posted"])


def test_a_page_that_comes_back_before_an_answer_has_its_text_and_a_button_that_can_be_pressed(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    lose_the_answer(page)
    send(page, "Said once")
    expect(button(page, "Post")).to_be_disabled()
    page.evaluate(COME_BACK)
    expect(button(page, "Post")).to_be_enabled()
    expect(body_field(page)).to_have_value("Said once")
    button(page, "Post").click()
    expect(posts(page)).to_have_text(["Said once"])


class Keepable:
    """The application, but browsers may keep its pages: Chromium brings back none that is `no-store`."""

    def __init__(self, application: Any) -> None:
        self.application, self.database = application, application.database

    def wsgi(self, environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            kept = [(name, value) for name, value in headers if name.lower() != "cache-control"]
            return start_response(status, kept, exc_info)

        return self.application.wsgi(environ, start)


@pytest.fixture
def page_of_a_browser_that_keeps_pages(
    chromium: Browser, application: Application, watch: Watch
) -> Iterator[Page]:
    site_of: Any = Keepable(application)
    with serving(site_of) as site:
        browser = chromium.browser_type.launch(
            executable_path=BROWSER,
            args=list(ARGUMENTS),
            ignore_default_args=["--disable-back-forward-cache"],
        )
        context = browser.new_context(base_url=site.url)
        context.set_default_timeout(WAIT_MILLISECONDS)
        watch.over(context, site.url)
        yield context.new_page()
        browser.close()


def test_the_back_forward_cache_brings_back_neither_a_posted_text_nor_a_dead_button(
    page_of_a_browser_that_keeps_pages: Page,
) -> None:
    page = page_of_a_browser_that_keeps_pages
    sign_up(page, "susan")
    page.goto(f"/?before={2**62}")  # another address than that of the page that follows
    page.evaluate("window.isTheSame = true")
    send(page, "Posted")
    expect(page.get_by_text("Your post is now live!")).to_be_visible()
    page.go_back(wait_until="commit")
    expect(page).to_have_url(re.compile("before="))
    assert page.evaluate("window.isTheSame")
    expect(body_field(page)).to_have_value("")
    expect(button(page, "Post")).to_be_enabled()
    send(page, "Posted")
    expect(posts(page)).to_have_text(["Posted", "Posted"])


# The button


@BOTH
def test_a_double_click_on_sign_up_ends_logged_in(
    site: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(site, javascript=javascript)
    page.goto("/register")
    page.get_by_role("textbox", name="Nickname").fill("susan")
    page.get_by_role("textbox", name="E-mail").fill("susan@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    button(page, "Sign up").dblclick(no_wait_after=True)
    expect(page.get_by_text("Welcome! You are signed up")).to_be_visible()
    expect(link(page, "susan")).to_be_visible()


def test_a_button_sends_once_until_it_has_waited_long_enough(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    page.clock.install()
    page.goto("/")
    asked: list[str] = []

    def note(route: Route) -> None:
        asked.append(route.request.method)
        route.abort("aborted")

    page.route("**/posts/", note)
    body_field(page).fill("Pressed four times")
    page.evaluate(
        "() => { for (const _ of [1, 2, 3]) document.querySelector('#compose-form').requestSubmit() }"
    )
    page.clock.run_for(1)
    expect(button(page, "Post")).to_be_disabled()
    body_field(page).press("Control+Enter")
    page.clock.run_for(LONG_MILLISECONDS)
    expect(button(page, "Post")).to_be_enabled()
    assert asked == ["POST"]
    button(page, "Post").click()
    page.clock.run_for(1)
    expect(button(page, "Post")).to_be_disabled()
    assert asked == ["POST", "POST"]
