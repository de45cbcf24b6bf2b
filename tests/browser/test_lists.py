"""Lists on a phone and on a desk: what is on the first screen, and following without leaving one's place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from microblog.accounts.queries import add_user
from microblog.people.actions import follow
from microblog.posts.queries import add_post
from tests.browser.conftest import HEIGHTS, Site
from tests.browser.scenes import SEND_AS_PAGES
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

PEOPLE = 12
TEXT = "The kettle sings before it boils. Nobody taught it, and nobody can make it stop."
WHOLLY_SEEN = """(posts) => posts.filter((post) => {
    const box = post.getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight;
}).length"""


@pytest.fixture
def people(site: Site) -> Site:
    with site.application.database.write() as session:
        susan = add_user(session, "susan")
        for number in range(PEOPLE):
            person = add_user(session, f"person{number:02}")
            add_post(session, person, TEXT)
            if number == PEOPLE - 1:
                follow(session, susan, person)
    return site


@pytest.mark.parametrize("path", ["/", "/explore"])
def test_three_posts_are_on_the_first_screen_of_a_phone(
    people: Site, open_window: Callable[..., Page], path: str
) -> None:
    with people.application.database.write() as session:
        reader = add_user(session, "reader")
        for _ in range(4):
            add_post(session, reader, TEXT)
    page = open_window(people, width=360, nickname="reader")
    page.goto(path)
    assert page.locator(".post").evaluate_all(WHOLLY_SEEN) >= 3
    assert HEIGHTS[360] == 780


@pytest.mark.parametrize("width", [360, 1280])
def test_following_in_a_list_keeps_the_place_and_the_focus(
    people: Site, open_window: Callable[..., Page], width: int
) -> None:
    page = open_window(people, width=width, nickname="susan")
    page.goto("/users/")
    person = page.get_by_role("article", name="person10")
    person.get_by_role("button", name="Follow").focus()
    place = page.evaluate("scrollY")
    assert place > 0
    page.keyboard.press("Enter")
    expect(person.get_by_role("button", name="Following (unfollow)")).to_be_focused()
    expect(person).to_contain_text("1 follower")
    expect(page.get_by_role("status").filter(has_text="You follow person10 now.")).to_have_count(1)
    assert page.evaluate("scrollY") == place
    page.keyboard.press("Enter")
    expect(person.get_by_role("button", name="Follow", exact=True)).to_be_focused()
    expect(person).to_contain_text("0 followers")
    page.reload()
    expect(person.get_by_role("button", name="Follow", exact=True)).to_be_visible()


def test_whoever_is_unfollowed_stays_in_the_list_until_it_is_loaded_anew(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(people, nickname="susan")
    page.goto("/users/susan/following")
    page.get_by_role("button", name="Following (unfollow)").click()
    expect(page.get_by_role("button", name="Follow", exact=True)).to_be_focused()
    page.reload()
    expect(page.get_by_text("Following nobody yet")).to_be_visible()


def test_without_javascript_one_comes_back_to_the_same_person(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(people, width=360, javascript=False, nickname="susan")
    page.goto("/users/")
    page.get_by_role("article", name="person10").get_by_role("button").click()
    button = page.get_by_role("article", name="person10").get_by_role("button", name="Following (unfollow)")
    expect(button).to_be_in_viewport()


def test_who_was_logged_out_meanwhile_is_asked_to_log_in(
    people: Site, open_window: Callable[..., Page], watch: Watch
) -> None:
    watch.allowed_statuses = {400}  # of the form that was sent with the session that is over
    page = open_window(people, nickname="susan")
    page.goto("/users/")
    page.context.clear_cookies(name="session")
    page.get_by_role("article", name="person01").get_by_role("button", name="Follow").click()
    expect(page.get_by_role("heading", name="Log in", level=1)).to_be_visible()


def test_the_page_of_a_refused_post_is_loaded_anew_as_itself(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(people, nickname="susan")
    page.goto("/")
    page.evaluate(SEND_AS_PAGES)
    field = page.get_by_role("textbox", name="What is on your mind?")
    text = "Too long. " * 40
    field.fill(text)
    page.get_by_role("button", name="Post").click()
    expect(page.get_by_role("heading", name="Write a post")).to_be_visible()
    page.goto(page.url)  # Enter in the address bar
    expect(page.get_by_role("heading", name="Write a post")).to_be_visible()
    expect(field).to_have_value(text)
