"""With script the form of a reply opens below a post of a list, and closes; the list stays where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from microblog.accounts.passwords import hash_password
from microblog.accounts.queries import add_user, set_password
from microblog.people.actions import follow
from microblog.posts.actions import delete
from microblog.posts.queries import add_post
from tests.browser.conftest import Site
from tests.browser.test_accessibility import check
from tests.browser.test_in_place import IS_STILL_HERE, LANGUAGES, MARK, note_sent, open_page
from tests.browser.watch import Watch
from tests.browser.writing import end_sessions, log_in
from tests.conftest import Application
from tests.walk import PASSWORD

pytestmark = pytest.mark.browser

NUMBER = 20  # of the post that is answered: a reader has scrolled to it


def fill(site: Site) -> Site:
    """Susan follows ada, who has written a page of posts and two more."""
    with site.application.database.write() as session:
        susan, ada = (add_user(session, name) for name in ("susan", "ada"))
        follow(session, susan, ada)
        for number in range(27):
            add_post(session, ada, f"Number {number}")
    return site


@pytest.fixture
def people(site: Site) -> Site:
    return fill(site)


def item(page: Page, number: int = NUMBER) -> Locator:
    return page.locator(".posts > li").nth(number)


def link(page: Page, number: int = NUMBER) -> Locator:
    return item(page, number).locator("[data-reply]")


def field(page: Page, number: int = NUMBER) -> Locator:
    return item(page, number).locator(".reply-place textarea")


def open_form(page: Page, number: int = NUMBER) -> None:
    link(page, number).click()
    expect(field(page, number)).to_be_focused()
    expect(link(page, number)).to_have_attribute("aria-expanded", "true")


def send(page: Page) -> None:
    item(page).locator(".reply-place .primary").click()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/", "/explore", "/users/ada", "/search?q=number"])
def test_a_reply_is_sent_below_its_post_and_the_list_stays(
    people: Site, open_window: Callable[..., Page], path: str, language: str, width: int
) -> None:
    page = open_page(open_window, people, path, locale=language, width=width)
    open_form(page)
    expect(field(page)).to_be_in_viewport()
    box = item(page).locator(".reply-place").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    field(page).fill("Of course")
    page.keyboard.press("Control+Enter")
    expect(item(page).locator(".flash")).to_be_in_viewport()
    expect(item(page).locator(".reply-place")).to_be_focused()
    expect(item(page).locator("form.compose")).to_have_count(0)
    expect(item(page).locator(".reply .react-count")).to_have_text("1")
    expect(link(page)).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#messages > *")).to_have_count(0)
    assert page.evaluate(IS_STILL_HERE)
    item(page).locator(".reply .react-count").click()
    expect(page.locator(".replies .post-body")).to_have_text(["Of course"])


def test_by_keyboard_the_form_opens_closes_and_keeps_its_text(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/")
    expect(link(page)).to_have_attribute("aria-expanded", "false")
    for close in ("Escape", "Cancel", "link"):
        link(page).focus()
        page.keyboard.press("Enter")
        expect(field(page)).to_be_focused()
        page.keyboard.type("more ")
        if close == "Escape":
            page.keyboard.press("Escape")
        elif close == "Cancel":
            item(page).get_by_role("button", name="Cancel").focus()
            page.keyboard.press("Enter")
        else:
            link(page).click()
        expect(item(page).locator("form.compose")).to_have_count(0)
        expect(link(page)).to_be_focused()
        expect(link(page)).to_have_attribute("aria-expanded", "false")
    open_form(page)
    expect(field(page)).to_have_value("more more more ")
    expect(page.locator("#compose-form textarea")).to_have_value("")
    page.reload()
    open_form(page)
    expect(field(page)).to_have_value("more more more ")


def test_escape_closes_the_list_of_people_first(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_page(open_window, people, "/")
    open_form(page)
    page.keyboard.type("@ad")
    offered = item(page).get_by_role("listbox")
    expect(offered).to_be_visible()
    page.keyboard.press("Escape")
    expect(offered).to_be_hidden()
    expect(field(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(link(page)).to_be_focused()


def test_several_forms_are_open_at_once_each_with_its_own_text(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/")
    for number in (3, 4):
        open_form(page, number)
        field(page, number).fill(f"To {number}")
        item(page, number).get_by_label("Your reply").focus()
        expect(field(page, number)).to_be_focused()
    page.locator("#compose-form textarea").fill("To everybody")
    ids = page.locator("[id]").evaluate_all("(each) => each.map(({ id }) => id)")
    assert len(ids) == len(set(ids))
    item(page, 4).locator(".reply-place .primary").click()
    expect(item(page, 4).locator(".flash")).to_be_visible()
    expect(field(page, 3)).to_have_value("To 3")
    expect(page.locator("#compose-form textarea")).to_have_value("To everybody")


def test_double_clicks_open_once_and_send_once(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_page(open_window, people, "/")
    link(page).dblclick()
    field(page).fill("Said once")
    page.keyboard.press("Escape")
    link(page).dblclick()
    expect(field(page)).to_have_value("Said once")
    item(page).locator(".reply-place .primary").dblclick()
    expect(item(page).locator(".flash")).to_be_visible()
    expect(item(page).locator(".reply .react-count")).to_have_text("1")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_reply_shows_its_error_in_place_and_keeps_the_text(
    people: Site, open_window: Callable[..., Page], language: str
) -> None:
    page = open_page(open_window, people, "/", locale=language)
    sent, text = note_sent(page), "a word too many " * 18
    open_form(page)
    field(page).fill(text)
    send(page)
    expect(item(page).locator(".error-summary")).to_be_focused()
    expect(field(page)).to_have_value(text)
    page.keyboard.press("Escape")
    expect(link(page)).to_be_focused()
    open_form(page)
    expect(field(page)).to_have_value(text)
    field(page).fill("Shorter")
    send(page)
    expect(item(page).locator(".reply .react-count")).to_have_text("1")
    assert len(sent) == 2
    assert page.evaluate(IS_STILL_HERE)


def test_who_writes_too_much_is_told_in_place(
    make_application: Callable[..., Application],
    serve: Callable[[Application], Site],
    open_window: Callable[..., Page],
) -> None:
    site = fill(serve(make_application({"microblog.limits.posts.per_account": "1 per 1 minute"})))
    page = open_page(open_window, site, "/")
    open_form(page)
    field(page).fill("First")
    send(page)
    expect(item(page).locator(".flash-success")).to_be_visible()
    open_form(page)
    field(page).fill("Second")
    for _ in range(2):
        send(page)
        expect(item(page).locator(".flash-error")).to_be_focused()
        expect(item(page).locator(".flash")).to_have_count(1)
        expect(field(page)).to_have_value("Second")
        page.keyboard.press("Tab")
    assert page.evaluate(IS_STILL_HERE)


def test_a_post_that_is_deleted_meanwhile_leaves_the_text(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/")
    open_form(page)
    field(page).fill("Of course")
    post_id = item(page).locator("article").get_attribute("data-post-id")
    assert post_id
    with people.application.database.write() as session:
        delete(session, int(post_id), 2)
    send(page)
    expect(item(page).locator(".error-summary")).to_contain_text("deleted meanwhile")
    expect(field(page)).to_have_value("Of course")
    assert page.evaluate(IS_STILL_HERE)


def test_when_the_form_cannot_be_loaded_the_link_is_followed(
    people: Site, open_window: Callable[..., Page], watch: Watch
) -> None:
    watch.allowed_failures |= {"net::ERR_FAILED"}
    page = open_page(open_window, people, "/")
    page.route("**/posts/*", lambda route: route.abort(), times=1)
    link(page).click()
    expect(page.locator("form.compose")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="Replies")).to_have_count(1)


def test_with_control_the_link_opens_a_tab(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_page(open_window, people, "/")
    for options in ({"modifiers": ["Control"]}, {"button": "middle"}):
        with page.context.expect_page() as opened:
            link(page).click(**options)
        expect(opened.value.locator(".post-large")).to_have_count(1)
    expect(page.locator(".reply-place")).to_have_count(0)


def test_on_the_page_of_a_post_its_link_leads_to_the_form_that_is_there(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/")
    item(page).locator(".post-when").click()
    page.locator(".post-large [data-reply]").click()
    expect(page.get_by_label("Your reply")).to_be_focused()
    expect(page.locator("form.compose")).to_have_count(1)
    page.keyboard.type("Of course")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".replies .post-body")).to_have_text(["Of course"])
    page.locator(".replies [data-reply]").click()
    expect(page.locator(".replies .reply-place textarea")).to_be_focused()


def test_a_session_that_is_over_shows_the_log_in_form_and_finds_the_reply_again(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/")
    open_form(page)
    with people.application.database.write() as session:
        set_password(session, 1, hash_password(PASSWORD))
    end_sessions(people)
    field(page).fill("Not lost")
    send(page)
    expect(page.get_by_role("heading", name="Log in", level=1)).to_be_visible()
    log_in(page, "susan")
    expect(page.get_by_label("Your reply")).to_have_value("Not lost")
    page.locator("main form.compose .primary").click()
    expect(page.locator(".replies .post-body")).to_have_text(["Not lost"])


def test_who_was_logged_out_before_is_led_to_the_page(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_page(open_window, people, "/explore")
    end_sessions(people)
    link(page).click()
    expect(page.get_by_role("link", name="Log in").last).to_be_visible()
    expect(page.locator(".post-large")).to_have_count(1)


def test_without_a_script_the_link_leads_to_the_form(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(people, nickname="susan", javascript=False)
    page.goto("/")
    link(page).click()
    expect(page.locator("form.compose")).to_be_in_viewport()
    page.get_by_label("Your reply").fill("Of course")
    page.locator("form.compose .primary").click()
    expect(page.locator(".replies .post-body")).to_have_text(["Of course"])


def test_a_reply_that_can_be_taken_back_says_so_in_place(
    make_application: Callable[..., Application],
    serve: Callable[[Application], Site],
    open_window: Callable[..., Page],
) -> None:
    site = fill(serve(make_application({"microblog.posts.undo_seconds": "100"})))
    with site.application.database.write() as session:
        add_post(session, 2, "Now")
    page: Any = open_window(site, nickname="susan")
    page.goto("/")
    page.evaluate(MARK)
    open_form(page)
    field(page).fill("Of course")
    send(page)
    expect(item(page).locator(".flash")).to_contain_text("It will be published in")
    assert page.evaluate(IS_STILL_HERE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_neither_the_form_nor_what_is_said_there_is_a_barrier(
    people: Site, open_window: Callable[..., Page], axe: str, language: str
) -> None:
    page = open_window(people, nickname="susan", locale=language, bypass_csp=True)
    page.goto("/")
    open_form(page, 0)
    page.keyboard.type(" ")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    open_form(page, 1)
    page.keyboard.type("Of course")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".reply-place .flash")).to_be_visible()
    open_form(page, 2)
    check(page, axe)
