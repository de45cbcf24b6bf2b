"""People sign up, write, follow, find and delete, as people do: by what they see and what they press."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Site
from tests.walk import PASSWORD

pytestmark = pytest.mark.browser

MOST_STOPS = 80  # of the Tab key, on one page
FAMILY = "👩‍👩‍👧‍👦"  # one character to its reader, seven to Unicode

# What Tab stops at, from the top of the page; a radio group would need more.
STOPS = """() => [...document.querySelectorAll('a[href], button, input, textarea, select, summary')]
    .filter((each) => each.type !== 'hidden' && !each.disabled && each.checkVisibility())
    .map((each) => each.outerHTML)"""
FOCUSED = "() => document.activeElement === document.body ? '' : document.activeElement.outerHTML"
# Is there an outline, or the frame around the box in which posts are written?
FOCUS_IS_SEEN = """() => {
    const each = document.activeElement;
    if (each === document.body) return true;  // after the last stop the focus is in the browser's own frame
    const own = getComputedStyle(each);
    const frame = each.closest('.compose-box');
    const box = each.getBoundingClientRect();
    return ((own.outlineStyle !== 'none' && parseFloat(own.outlineWidth) >= 2)
            || (frame && getComputedStyle(frame).boxShadow !== 'none'))
        && box.width > 1 && box.height > 1
        && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
}"""


def posts(page: Page) -> Locator:
    return page.locator("[data-post-id] .post-body")


def button(page: Page, name: str) -> Locator:
    """In the page itself, not in its header."""
    return page.get_by_role("main").get_by_role("button", name=name, exact=True)


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True)


def body_field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="What is on your mind?")


def sign_up(page: Page, nickname: str) -> None:
    page.goto("/")
    link(page, "Create an account").click()
    page.get_by_role("textbox", name="Nickname").fill(nickname)
    page.get_by_role("textbox", name="E-mail").fill(f"{nickname}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    button(page, "Sign up").click()
    expect(page.get_by_role("status").filter(has_text="Welcome! You are signed up")).to_be_visible()


def write(page: Page, text: str) -> None:
    link(page, "Home").click()
    body_field(page).fill(text)
    button(page, "Post").click()
    expect(page.get_by_text("Your post is now live!")).to_be_visible()


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox", name="Search posts and people").fill(text)
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="Search", level=1)).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_two_people_write_follow_find_and_delete(
    site: Site, open_window: Callable[..., Page], width: int, javascript: bool
) -> None:
    susan = open_window(site, width=width, javascript=javascript)
    ada = open_window(site, width=width, javascript=javascript)
    sign_up(susan, "susan")
    expect(susan.get_by_text("It is quiet here")).to_be_visible()
    write(susan, "The kettle sings.\nNobody taught it.")
    expect(posts(susan)).to_have_text(["The kettle sings.\nNobody taught it."], use_inner_text=True)

    sign_up(ada, "ada")
    expect(posts(ada)).to_have_count(0)
    link(ada, "People").click()
    link(ada, "susan").click()
    button(ada, "Follow").click()
    expect(ada.get_by_text("You follow susan now.")).to_be_visible()
    expect(button(ada, "Following (unfollow)")).to_be_visible()
    expect(ada.get_by_role("link", name="1 follower")).to_be_visible()
    link(ada, "Home").click()
    expect(posts(ada)).to_have_count(1)
    expect(link(ada, "Delete")).to_have_count(0)

    search(ada, "kettle")
    expect(posts(ada)).to_have_text([re.compile("The kettle sings")])
    write(ada, "@susan mine hums.")
    posts(ada).get_by_role("link", name="@susan").click()
    expect(ada.get_by_role("heading", name="susan", level=1)).to_be_visible()

    link(susan, "Home").click()
    link(susan, "Delete").click()
    expect(susan.get_by_role("heading", name="Delete this post?")).to_be_visible()
    link(susan, "Keep it").click()
    expect(posts(susan)).to_have_count(1)
    link(susan, "Delete").click()
    button(susan, "Delete").click()
    expect(susan.get_by_text("Your post has been deleted.")).to_be_visible()
    expect(posts(susan)).to_have_count(0)

    search(ada, "kettle")
    expect(ada.get_by_text("Nothing found")).to_be_visible()
    link(ada, "People").click()
    link(ada, "susan").click()
    button(ada, "Following (unfollow)").click()
    expect(ada.get_by_text("You no longer follow susan.")).to_be_visible()
    ada.get_by_role("button", name="Log out").click()
    expect(ada.get_by_text("You are logged out.")).to_be_visible()
    expect(link(ada, "Log in")).to_be_visible()


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until this has the focus; wherever it stops, one sees where."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS_IS_SEEN), f"The focus is not seen: {page.evaluate(FOCUSED)}"
        if target.evaluate("(each) => each === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {target}.")


def go_by_keyboard(page: Page, target: Locator) -> None:
    tab_to(page, target)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("width", [360, 1280])
def test_everything_can_be_done_by_keyboard(site: Site, open_window: Callable[..., Page], width: int) -> None:
    page = open_window(site, width=width)
    page.goto("/")
    go_by_keyboard(page, link(page, "Create an account"))
    tab_to(page, page.get_by_role("textbox", name="Nickname"))
    page.keyboard.type("susan")
    tab_to(page, page.get_by_role("textbox", name="E-mail"))
    page.keyboard.type("susan@example.com")
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    go_by_keyboard(page, button(page, "Sign up"))
    tab_to(page, body_field(page))
    page.keyboard.type("Written with the keys alone.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Your post is now live!")).to_be_visible()
    tab_to(page, page.get_by_role("searchbox", name="Search posts and people"))
    page.keyboard.type("keys")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, link(page, "Delete"))
    page.keyboard.press("Enter")
    expect(button(page, "Delete")).to_be_focused()
    page.keyboard.press("Escape")
    expect(link(page, "Delete")).to_be_focused()
    page.keyboard.press("Enter")
    expect(button(page, "Delete")).to_be_focused()
    with page.expect_navigation():  # a list that was searched is loaded anew when it is empty
        page.keyboard.press("Enter")
    expect(page.get_by_text("Your post has been deleted.")).to_be_visible()
    go_by_keyboard(page, page.get_by_role("button", name="Log out"))
    expect(page.get_by_text("You are logged out.")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_tab_stops_at_everything_once_in_the_order_of_the_page(
    site: Site, open_window: Callable[..., Page], width: int
) -> None:
    page = open_window(site, width=width)
    sign_up(page, "susan")
    write(page, "See https://example.org/ and @susan")
    for path in ("/", "/search?q=see", "/account/profile", "/users/susan"):
        page.goto(path)
        wanted = page.evaluate(STOPS)
        assert wanted
        stops = []
        for _ in range(len(wanted)):
            page.keyboard.press("Tab")
            stops.append(page.evaluate(FOCUSED))
        assert stops == wanted


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_the_first_tab_offers_to_skip_to_the_content(
    site: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(site, javascript=javascript)
    page.goto("/login")
    skip = link(page, "Skip to the content")
    expect(skip).not_to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Nickname or e-mail")).to_be_focused()


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_double_click_writes_one_post(
    site: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(site, javascript=javascript)
    sign_up(page, "susan")
    body_field(page).fill("Said once")
    button(page, "Post").dblclick(no_wait_after=True)
    expect(posts(page)).to_have_text(["Said once"])
    page.goto("/explore")
    expect(posts(page)).to_have_text(["Said once"])
    # The next one is a post of its own, with the same text too.
    write(page, "Said once")
    expect(posts(page)).to_have_text(["Said once", "Said once"])


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_refused_post_is_still_there_to_be_mended(
    site: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    page = open_window(site, javascript=javascript)
    sign_up(page, "susan")
    text = "a word too many " * 18
    body_field(page).fill(text)
    button(page, "Post").click()
    expect(page.get_by_role("alert")).to_contain_text("too long")
    if javascript:  # the page stays, and the text as it was typed
        expect(body_field(page)).to_have_value(text)
    else:
        expect(body_field(page)).to_have_value(text.strip())
        page.go_back()
        expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
        expect(body_field(page)).to_have_value(text)
    body_field(page).fill("Corrected")
    button(page, "Post").click()
    expect(posts(page)).to_have_text(["Corrected"])


def test_a_refused_form_puts_the_focus_on_what_is_wrong(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site)
    page.goto("/login")
    page.get_by_role("textbox", name="Nickname or e-mail").fill("susan")
    page.get_by_label("Password").fill("wrong")
    button(page, "Log in").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("textbox", name="Nickname or e-mail")).to_have_value("susan")
    expect(page.get_by_label("Password")).to_have_value("")


def test_the_link_of_an_error_leads_to_its_field(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site, javascript=False)
    page.goto("/register")
    page.get_by_role("textbox", name="Nickname").fill("a..b")
    page.get_by_role("textbox", name="E-mail").fill("a@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    button(page, "Sign up").click()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_role("textbox", name="Nickname")).to_be_focused()
    expect(page.get_by_text("a.b is free.")).to_be_visible()


def test_a_draft_waits_for_its_author_alone(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    body_field(page).press_sequentially("Half a thought")
    link(page, "Explore").click()
    link(page, "Home").click()
    expect(body_field(page)).to_have_value("Half a thought")
    button(page, "Post").click()
    expect(posts(page)).to_have_text(["Half a thought"])
    expect(body_field(page)).to_have_value("")
    link(page, "Explore").click()
    link(page, "Home").click()
    expect(body_field(page)).to_have_value("")

    body_field(page).press_sequentially("Nobody else's business")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    sign_up(page, "ada")
    expect(body_field(page)).to_have_value("")


def test_the_counter_counts_what_a_reader_counts(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site)
    sign_up(page, "susan")
    counter = page.locator("[data-counter-for]")
    expect(counter).to_have_text("280 characters left")
    body_field(page).fill(f"{FAMILY}e\N{COMBINING ACUTE ACCENT}")
    expect(counter).to_have_text("278 characters left")
    body_field(page).fill(FAMILY * 281)
    expect(counter).to_have_text("1 character too many")
    body_field(page).fill(FAMILY * 280)
    expect(counter).to_have_text("0 characters left")
    button(page, "Post").click()
    expect(posts(page)).to_have_text([FAMILY * 280])


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_the_back_button_shows_nothing_private_after_logging_out(
    site: Site, open_window: Callable[..., Page], javascript: bool
) -> None:
    """FOUNDATION 6, line 23, in a browser with its history."""
    page = open_window(site, javascript=javascript)
    sign_up(page, "susan")
    page.goto("/account/profile")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Log in", level=1)).to_be_visible()
    expect(page.get_by_role("button", name="Log out")).to_have_count(0)
    expect(link(page, "susan")).to_have_count(0)
    page.go_back()  # home
    expect(link(page, "Log in")).to_be_visible()
    expect(link(page, "susan")).to_have_count(0)


def test_a_person_who_was_asked_to_log_in_arrives_at_their_page(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site, javascript=False)
    sign_up(page, "susan")
    page.get_by_role("button", name="Log out").click()
    page.goto("/account/profile")
    page.get_by_role("textbox", name="Nickname or e-mail").fill("susan@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Remember me").check()
    button(page, "Log in").click()
    expect(page.get_by_role("heading", name="Edit your profile")).to_be_visible()
    page.get_by_role("textbox", name="Nickname").fill("susanna")
    page.get_by_role("textbox", name="About me").fill("Kettles.")
    button(page, "Save").click()
    expect(page.get_by_text("Your profile has been saved.")).to_be_visible()
    page.goto("/users/susan")
    expect(page.get_by_role("heading", name="susanna", level=1)).to_be_visible()
    expect(page.get_by_text("Kettles.")).to_be_visible()


def test_each_page_says_what_it_is(site: Site, open_window: Callable[..., Page]) -> None:
    page: Any = open_window(site, javascript=False)
    titles = {"/": "Welcome", "/explore": "Explore", "/users/": "People", "/search?q=tea": "“tea” · Search"}
    for path, title in titles.items():
        page.goto(path)
        expect(page).to_have_title(f"{title} · microblog")
