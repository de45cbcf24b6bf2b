"""Nothing that somebody writes is lost: not with a session, a connection or the storage of the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, Route, expect

from microblog.accounts import queries
from microblog.accounts.models import User
from microblog.posts.forms import MAX_LENGTH
from tests.browser.conftest import Site
from tests.browser.test_walk import body_field, button, link, posts, sign_up, write
from tests.browser.watch import Watch
from tests.walk import PASSWORD

pytestmark = pytest.mark.browser

LONG_MILLISECONDS = 11_000  # longer than a button waits for an answer
BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
FORBIDDEN = """Object.defineProperty(window, '{name}', {{
    get() {{ throw new DOMException('The operation is insecure.', 'SecurityError'); }},
}})"""
FULL = """Storage.prototype.setItem = function () {
    throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
}"""
COME_BACK = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"


def end_sessions(site: Site) -> None:
    """Of everybody, as after a night."""
    with site.application.database.write() as session:
        for user_id in session.scalars(sa.select(User.id)).all():
            queries.end_sessions_of(session, user_id)


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


# The session ends


@BOTH
def test_a_post_that_is_sent_after_the_session_has_ended_is_there_after_the_log_in_and_is_posted_once(
    site: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(site, javascript=javascript)
    sign_up(page, "susan")
    text = "Written all evening.\nSent after the night."
    body_field(page).fill(text)
    end_sessions(site)
    button(page, "Post").click()
    expect(page.get_by_role("alert")).to_contain_text("You have been logged out.")
    log_in(page, "susan")
    expect(page.get_by_role("status").filter(has_text="This form was not sent yet")).to_be_visible()
    expect(body_field(page)).to_have_value(text)
    button(page, "Post").click()
    expect(page.get_by_text("Your post is now live!")).to_be_visible()
    expect(body_field(page)).to_have_value("")
    expect_posts(page, text)
    expect_draft(page, "")


@BOTH
def test_a_profile_that_is_saved_after_the_session_has_ended_is_there_after_the_log_in(
    site: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(site, javascript=javascript)
    sign_up(page, "susan")
    page.goto("/account/profile")
    page.get_by_role("textbox", name="About me").fill("Kettles.")
    end_sessions(site)
    button(page, "Save").click()
    log_in(page, "susan")
    expect(page.get_by_role("textbox", name="About me")).to_have_value("Kettles.")
    button(page, "Save").click()
    expect(page.get_by_text("Your profile has been saved.")).to_be_visible()


def test_a_draft_survives_a_log_in_by_another_way(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    body_field(page).fill("Sent too late")
    end_sessions(site)
    button(page, "Post").click()
    expect(page.get_by_role("heading", name="Log in", level=1)).to_be_visible()
    page.goto("/explore")
    link(page, "Log in").click()
    log_in(page, "susan")
    expect(link(page, "susan")).to_be_visible()
    expect_draft(page, "Sent too late")


def test_a_text_that_is_too_long_for_the_log_in_page_is_in_the_box_again_all_the_same(
    make_application: Any, serve: Any, open_window: Callable[..., Page]
) -> None:
    site = serve(make_application({MAX_LENGTH.key: "100000"}))
    page = open_window(site)
    sign_up(page, "susan")
    text = "x" * 100_000
    body_field(page).fill(text)
    end_sessions(site)
    button(page, "Post").click()
    expect(page.get_by_role("alert")).to_contain_text("copy it first")
    expect(page.get_by_role("heading", name="What you had typed")).to_be_visible()
    log_in(page, "susan")
    expect(body_field(page)).to_have_value(text)
    button(page, "Post").click()
    expect(page.get_by_text("Your post is now live!")).to_be_visible()
    expect(body_field(page)).to_have_value("")


def test_neither_the_text_that_the_server_gives_back_nor_another_one_is_lost(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    body_field(page).fill("From the server")
    end_sessions(site)
    button(page, "Post").click()
    log_in(page, "susan")
    expect(body_field(page)).to_have_value("From the server")
    again = page.url
    link(page, "Home").click()
    body_field(page).fill("From the browser")
    page.goto(again)
    expect(body_field(page)).to_have_value("From the server")
    expect(other_draft(page)).to_have_value("From the browser")
    button(page, "Swap the two drafts").click()
    expect(body_field(page)).to_be_focused()
    expect(body_field(page)).to_have_value("From the browser")
    expect(other_draft(page)).to_have_value("From the server")
    page.reload()
    expect(body_field(page)).to_have_value("From the server")
    expect(other_draft(page)).to_have_value("From the browser")
    button(page, "Post").click()
    expect(posts(page)).to_have_text(["From the server"])
    expect(body_field(page)).to_have_value("From the browser")
    expect(other_draft(page)).to_be_hidden()
    button(page, "Post").click()
    expect(posts(page)).to_have_text(["From the browser", "From the server"])
    expect_draft(page, "")


@BOTH
def test_a_form_whose_token_is_too_old_is_shown_again_filled_in(
    site: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(site, javascript=javascript)
    sign_up(page, "susan")
    body_field(page).fill("Begun before the log-in of another tab")
    other = page.context.new_page()
    other.goto("/")
    other.get_by_role("button", name="Log out").click()
    link(other, "Log in").click()
    log_in(other, "susan")
    expect(link(other, "susan")).to_be_visible()
    button(page, "Post").click()
    expect(page.get_by_role("alert")).to_contain_text("too old")
    expect(body_field(page)).to_have_value("Begun before the log-in of another tab")
    button(page, "Post").click()
    expect_posts(page, "Begun before the log-in of another tab")


def test_a_refused_draft_is_kept_and_once_it_is_mended_nothing_of_it_is_left(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    text = "a word too many " * 18
    send(page, text)
    expect(page.get_by_role("alert")).to_contain_text("too long")
    expect_draft(page, text)
    send(page, "Mended")
    expect(posts(page)).to_have_text(["Mended"])
    expect_draft(page, "")


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


# Other tabs, other people


def test_two_tabs_have_drafts_of_their_own(site: Site, open_window: Callable[..., Page]) -> None:
    one = open_window(site)
    sign_up(one, "susan")
    two = one.context.new_page()
    two.goto("/")
    body_field(one).fill("The first tab")
    body_field(two).fill("The second tab")
    expect_draft(one, "The first tab")
    expect_draft(two, "The second tab")
    button(one, "Post").click()
    expect(posts(one)).to_have_text(["The first tab"])
    expect_draft(two, "The second tab")
    expect_draft(one, "")


def test_a_tab_hears_from_another_one_that_its_post_was_accepted(
    site: Site, open_window: Callable[..., Page]
) -> None:
    one = open_window(site)
    sign_up(one, "susan")
    two = one.context.new_page()
    one.route("**/posts/", lambda route: (route.fetch(max_redirects=0), route.abort("aborted")), times=1)
    send(one, "Posted")
    expect(button(one, "Post")).to_be_disabled()
    two.goto("/")
    expect(two.get_by_text("Your post is now live!")).to_be_visible()
    expect(body_field(one)).to_have_value("")
    expect_draft(one, "")


def test_nobody_sees_the_draft_of_who_was_logged_in_before(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "ada")
    page.get_by_role("button", name="Log out").click()
    sign_up(page, "susan")
    body_field(page).fill("Nobody else's business")
    end_sessions(site)
    page.goto("/login")
    log_in(page, "ada")
    expect(link(page, "ada")).to_be_visible()
    expect_draft(page, "")
    expect(other_draft(page)).to_be_hidden()
    end_sessions(site)
    page.goto("/login")
    log_in(page, "susan")
    expect(link(page, "susan")).to_be_visible()
    expect_draft(page, "Nobody else's business")


def test_who_logs_out_leaves_no_draft_and_who_could_not_has_lost_none(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    body_field(page).fill("Half a thought")
    page.route("**/logout", lambda route: route.abort("aborted"), times=1)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log out")).to_be_disabled()
    expect_draft(page, "Half a thought")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    assert "Half a thought" not in page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")


# The storage


@pytest.mark.parametrize(
    "trouble",
    [FORBIDDEN.format(name="sessionStorage"), FORBIDDEN.format(name="localStorage"), FULL],
    ids=["no sessionStorage", "no localStorage", "full"],
)
def test_without_storage_a_post_is_written_refused_and_kept_as_without_the_script(
    site: Site, open_window: Callable[..., Page], trouble: str
) -> None:
    page = open_window(site)
    page.add_init_script(trouble)
    sign_up(page, "susan")
    send(page, "a word too many " * 18)
    expect(page.get_by_role("alert")).to_contain_text("too long")
    body_field(page).fill("Mended")
    end_sessions(site)
    button(page, "Post").click()
    log_in(page, "susan")
    expect(body_field(page)).to_have_value("Mended")
    button(page, "Post").dblclick(no_wait_after=True)
    expect(posts(page)).to_have_text(["Mended"])
    expect(body_field(page)).to_have_value("")


def test_without_storage_the_browser_brings_back_what_was_written(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    page.add_init_script(FULL)
    sign_up(page, "susan")
    body_field(page).fill("Half a thought")
    link(page, "Explore").click()
    page.go_back()
    expect(body_field(page)).to_have_value("Half a thought")


def test_a_draft_of_a_hundred_thousand_characters_is_kept(
    make_application: Any, serve: Any, open_window: Callable[..., Page]
) -> None:
    page = open_window(serve(make_application({MAX_LENGTH.key: "100000"})))
    sign_up(page, "susan")
    text = ("für " * 24 + "ein\n") * 1_000
    # Chromium itself needs ten seconds to type it.
    body_field(page).evaluate(
        "(each, text) => { each.value = text; each.dispatchEvent(new Event('input', {bubbles: true})) }", text
    )
    link(page, "Explore").click()
    link(page, "Home").click()
    expect(body_field(page)).to_have_value(text)


def test_what_is_stored_and_is_no_draft_stops_nothing(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    page.evaluate(
        "(name) => { sessionStorage.setItem(name, '{broken'); localStorage.setItem('accepted forms', '[') }",
        page.evaluate("`drafts of ${document.body.dataset.person}`"),
    )
    page.reload()
    write(page, "Written all the same")
    expect(body_field(page)).to_have_value("")
