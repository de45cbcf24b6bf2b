"""Nothing that somebody writes is lost: not with a session, a connection or the storage of the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from microblog.posts.forms import MAX_LENGTH
from tests.browser.conftest import Site
from tests.browser.scenes import SEND_AS_PAGES
from tests.browser.test_walk import body_field, button, link, posts, sign_up, write
from tests.browser.writing import BOTH, end_sessions, expect_draft, expect_posts, log_in, other_draft, send

pytestmark = pytest.mark.browser

FORBIDDEN = """Object.defineProperty(window, '{name}', {{
    get() {{ throw new DOMException('The operation is insecure.', 'SecurityError'); }},
}})"""
FULL = """Storage.prototype.setItem = function () {
    throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
}"""


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


def test_the_text_of_an_edit_is_none_of_the_drafts(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    write(page, "The kettle sings.")
    body_field(page).fill("To be written on")
    for text in ("The kettle hums.", "The kettle whistles."):
        link(page, "Edit").first.click()
        field = page.get_by_label("The text of the post")
        expect(field).to_have_value("The kettle sings." if "hums" in text else "The kettle hums.")
        expect(page.locator(".other-draft")).to_have_count(0)
        field.fill(text)
        button(page, "Save").click()
        expect(page.get_by_text("Your post has been saved.")).to_be_visible()
        page.goto("/")
        expect_posts(page, text)
        expect_draft(page, "To be written on")


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
    expect(page.locator("#messages")).to_contain_text("now live")
    expect_posts(page, "Begun before the log-in of another tab")


def test_a_refused_draft_is_kept_until_it_is_corrected_and_sent(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    text = "a word too many " * 18
    send(page, text)
    expect(page.get_by_role("alert")).to_contain_text("too long")
    expect_draft(page, text)
    send(page, "Corrected")
    expect(posts(page)).to_have_text(["Corrected"])
    expect_draft(page, "")


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
    one.evaluate(SEND_AS_PAGES)
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
    body_field(page).fill("Corrected")
    end_sessions(site)
    button(page, "Post").click()
    log_in(page, "susan")
    expect(body_field(page)).to_have_value("Corrected")
    button(page, "Post").dblclick(no_wait_after=True)
    expect(posts(page)).to_have_text(["Corrected"])
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
