"""What is sent without leaving the page has the results that it has without the script, in two languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from microblog.accounts.passwords import hash_password
from microblog.accounts.queries import add_user, set_password
from microblog.people.actions import follow
from microblog.posts.queries import add_post
from tests.browser.conftest import Site
from tests.browser.watch import Watch
from tests.browser.writing import log_in
from tests.walk import PASSWORD

pytestmark = pytest.mark.browser

LANGUAGES = ["en-GB", "ar"]
# A page that is loaded anew forgets it.
MARK = "() => { window.isStillHere = true }"
IS_STILL_HERE = "() => window.isStillHere === true"


@pytest.fixture
def people(site: Site) -> Site:
    """Susan follows ada, each of them has written; nils follows nobody."""
    with site.application.database.write() as session:
        susan, ada, _ = (add_user(session, name) for name in ("susan", "ada", "nils"))
        follow(session, susan, ada)
        add_post(session, ada, "Mine hums.")
        add_post(session, susan, "The kettle sings.")
    return site


def posts(page: Page) -> Locator:
    return page.locator("[data-post-id] .post-body")


def open_page(open_window: Callable[..., Page], site: Site, path: str, **more: Any) -> Page:
    page = open_window(site, nickname="susan", **more)
    page.goto(path)
    page.evaluate(MARK)
    return page


def test_the_language_that_was_chosen_is_that_of_one_post(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/")
    page.locator("#compose-form textarea").fill("Een kleine zin")
    page.locator("#compose-form select").select_option("nl")
    page.locator("#compose-form .primary").click()
    expect(posts(page).first).to_have_attribute("lang", "nl")
    expect(page.locator("#compose-form select")).to_have_value("")
    assert page.evaluate(IS_STILL_HERE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_posting_shows_the_post_and_an_empty_field(
    people: Site, open_window: Callable[..., Page], language: str, javascript: bool
) -> None:
    page = open_window(people, nickname="susan", locale=language, javascript=javascript)
    page.goto("/")
    if javascript:
        page.evaluate(MARK)
    field = page.locator("#compose-form textarea")
    for text in ("One more", "And another"):
        field.fill(text)
        page.locator("#compose-form .primary").click()
        expect(posts(page).first).to_have_text(text)
        expect(field).to_have_value("")
        expect(page.locator(".flash")).to_have_count(1)
    expect(posts(page)).to_have_count(4)
    if javascript:
        assert page.evaluate(IS_STILL_HERE)
        expect(page.locator("#compose-form .primary")).to_be_focused()
    page.reload()
    expect(posts(page)).to_have_text(["And another", "One more", "The kettle sings.", "Mine hums."])


def test_what_is_being_sent_when_one_leaves_the_page_is_sent(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/")
    page.locator("#compose-form textarea").fill("On the way out")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.context.route("**/posts/", hold)
    page.locator("#compose-form .primary").click()
    page.goto("about:blank")
    (route,) = held
    route.continue_()
    other = open_window(people, nickname="ada")
    other.goto("/explore")
    other.wait_for_function(
        """async () => (await (await fetch('/explore')).text()).includes('On the way out')""", polling=100
    )
    other.reload()
    expect(posts(other).first).to_have_text("On the way out")


def test_on_an_older_page_posting_leads_to_the_first_one(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/?before=1")
    page.locator("#compose-form textarea").fill("From below")
    with page.expect_navigation():
        page.locator("#compose-form .primary").click()
    expect(posts(page).first).to_have_text("From below")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/", "/users/susan", "/explore"])
def test_deleting_asks_in_a_dialog_and_removes_the_post(
    people: Site, open_window: Callable[..., Page], path: str, language: str
) -> None:
    page = open_page(open_window, people, path, locale=language)
    count = posts(page).count()
    page.locator(".post-delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("link").click()  # Keep it
    expect(dialog).to_have_count(0)
    expect(page.locator(".post-delete")).to_be_focused()
    page.locator(".post-delete").click()
    page.get_by_role("dialog").get_by_role("button").click()
    expect(posts(page)).to_have_count(count - 1)
    expect(page.locator(".flash")).to_have_count(1)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#posts")).to_be_focused()
    assert page.evaluate(IS_STILL_HERE)
    if path == "/users/susan":
        expect(page.locator(".counts li").first).to_contain_text("0")


# Arabic says one follower without a number, and nobody with one.
@pytest.mark.parametrize(("language", "counts"), [("en", ("1", "0")), ("ar", ("متابع واحد", "0"))])
def test_following_on_a_profile_changes_its_button_and_its_counts(
    people: Site, open_window: Callable[..., Page], language: str, counts: tuple[str, str]
) -> None:
    page = open_page(open_window, people, "/users/nils", locale=language)
    button = page.locator("#follow-form button")
    for count in counts:
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator("[data-followers]")).to_contain_text(count)
        expect(button).to_be_focused()
    assert page.evaluate(IS_STILL_HERE)


def test_a_double_click_in_place_is_one_post(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_page(open_window, people, "/")
    page.locator("#compose-form textarea").fill("Said once")
    page.locator("#compose-form .primary").dblclick()
    expect(posts(page).first).to_have_text("Said once")
    page.reload()
    expect(posts(page)).to_have_text(["Said once", "The kettle sings.", "Mine hums."])


def test_when_the_answer_is_lost_the_form_is_sent_as_a_page_and_done_once(
    people: Site, open_window: Callable[..., Page], watch: Watch
) -> None:
    def lose_the_first_answer(route: Route) -> None:
        route.fetch(max_redirects=0)  # the server has it
        route.abort()

    watch.allowed_failures |= {"net::ERR_FAILED"}
    page = open_page(open_window, people, "/")
    page.route("**/posts/", lose_the_first_answer, times=1)
    page.locator("#compose-form textarea").fill("Said once")
    page.locator("#compose-form .primary").click()
    expect(posts(page)).to_have_text(["Said once", "The kettle sings.", "Mine hums."])
    assert not page.evaluate(IS_STILL_HERE)
    expect(page.locator("#compose-form textarea")).to_have_value("")


def note_sent(page: Page) -> list[str]:
    """The paths of the forms that this page sends from now on."""
    sent: list[str] = []
    page.on("request", lambda each: sent.append(urlsplit(each.url).path) if each.method == "POST" else None)
    return sent


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_refused_is_said_in_place_and_sent_once(
    people: Site, open_window: Callable[..., Page], language: str
) -> None:
    page = open_page(open_window, people, "/", locale=language)
    sent = note_sent(page)
    field, text = page.locator("#compose-form textarea"), "a word too many " * 18
    field.fill(text)
    page.locator("#compose-form select").select_option("nl")
    page.locator("#compose-form .primary").click()
    expect(page.locator("#compose-form .error-summary")).to_be_focused()
    expect(field).to_have_value(text)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#compose-form select")).to_have_value("nl")
    expect(page.locator("#compose-form [data-over-limit]")).to_be_visible()
    assert sent == ["/posts/"]
    field.fill("Shorter")
    page.locator("#compose-form .primary").click()
    expect(posts(page)).to_have_text(["Shorter", "The kettle sings.", "Mine hums."])
    expect(page.locator(".error-summary, .field-errors, [aria-invalid]")).to_have_count(0)
    expect(field).to_have_value("")
    assert sent == ["/posts/", "/posts/"]
    assert page.evaluate(IS_STILL_HERE)


def test_what_is_written_on_while_the_form_is_refused_stays(
    people: Site, open_window: Callable[..., Page]
) -> None:
    def write_on(route: Route) -> None:
        page.locator("#compose-form textarea").fill("Written on")
        route.continue_()

    page = open_page(open_window, people, "/")
    page.route("**/posts/", write_on, times=1)
    page.locator("#compose-form textarea").fill("a word too many " * 18)
    page.locator("#compose-form .primary").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.locator("#compose-form textarea")).to_have_value("Written on")
    page.reload()
    expect(page.locator("#compose-form textarea")).to_have_value("Written on")


@pytest.fixture
def limited(make_application: Any, serve: Callable[..., Site]) -> Site:
    """A site where one may write once a minute, and follow once."""
    limits = {f"microblog.limits.{name}.per_account": "1 per 1 minute" for name in ("posts", "follows")}
    site = serve(make_application(limits))
    with site.application.database.write() as session:
        for name in ("susan", "ada", "nils"):
            add_user(session, name)
    return site


def test_who_writes_too_much_is_told_in_place(limited: Site, open_window: Callable[..., Page]) -> None:
    page = open_page(open_window, limited, "/")
    sent = note_sent(page)
    field = page.locator("#compose-form textarea")
    field.fill("First")
    page.locator("#compose-form .primary").click()
    expect(posts(page)).to_have_text(["First"])
    field.fill("Second")
    with page.expect_response("**/posts/") as response:
        page.locator("#compose-form .primary").click()
    assert (response.value.status, bool(response.value.headers["retry-after"])) == (429, True)
    expect(page.locator("#messages .flash-error")).to_be_focused()
    expect(field).to_have_value("Second")
    assert sent == ["/posts/", "/posts/"]
    assert page.evaluate(IS_STILL_HERE)


@pytest.mark.parametrize("path", ["/users/nils", "/users/"])
def test_who_follows_too_many_is_told_in_place_and_counted_once(
    limited: Site, open_window: Callable[..., Page], path: str
) -> None:
    with limited.application.database.write() as session:
        follow(session, 2, 3)
    page = open_page(open_window, limited, "/users/ada")
    page.locator("#follow-form button").click()
    expect(page.locator("[data-followers]")).to_contain_text("1")
    page.goto(path)
    page.evaluate(MARK)
    sent = note_sent(page)
    page.locator("form.follow[action='/users/nils/follow'] button").click()
    expect(page.locator(".flash-error")).to_be_focused()
    assert sent == ["/users/nils/follow"]
    assert page.evaluate(IS_STILL_HERE)


def test_a_session_that_is_over_shows_the_log_in_form_and_finds_the_text_again(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/")
    with people.application.database.write() as session:
        set_password(session, 1, hash_password(PASSWORD))
    page.context.clear_cookies(name="session")
    sent = note_sent(page)
    page.locator("#compose-form textarea").fill("Not lost")
    page.locator("#compose-form .primary").click()
    expect(page.locator(".flash-error")).to_be_focused()
    expect(page).to_have_title(re.compile("Log in"))
    assert sent == ["/posts/"]
    assert page.evaluate(IS_STILL_HERE)
    log_in(page, "susan")
    expect(page.locator("#compose-form textarea")).to_have_value("Not lost")
    page.locator("#compose-form .primary").click()
    expect(posts(page).first).to_have_text("Not lost")


def test_who_may_no_longer_delete_is_asked_to_log_in_without_the_dialog(
    people: Site, open_window: Callable[..., Page]
) -> None:
    page = open_page(open_window, people, "/")
    page.locator(".post-delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.context.clear_cookies(name="session")
    sent = note_sent(page)
    page.get_by_role("dialog").get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="Log in", level=1)).to_be_visible()
    assert len(sent) == 1


def test_the_page_of_a_fault_is_shown_and_nothing_sent_again(
    make_application: Any, serve: Callable[..., Site], open_window: Callable[..., Page], watch: Watch
) -> None:
    def refuse(session: Any) -> None:
        raise RuntimeError("no commit")

    site = serve(make_application())
    with site.application.database.write() as session:
        add_user(session, "susan")
    page = open_page(open_window, site, "/")
    site.application.database.before_commit(refuse)
    watch.allowed_statuses.add(500)
    sent = note_sent(page)
    page.locator("#compose-form textarea").fill("Not lost")
    page.locator("#compose-form .primary").click()
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator(".recovered textarea")).to_have_value("Not lost")
    assert sent == ["/posts/"]


def test_what_a_proxy_answers_is_no_page_of_ours_and_the_form_is_sent_as_a_page(
    people: Site, open_window: Callable[..., Page], watch: Watch
) -> None:
    page = open_page(open_window, people, "/")
    watch.allowed_statuses.add(502)
    answer = {"status": 502, "body": "<h1>Bad gateway</h1>", "content_type": "text/html"}
    page.route("**/posts/", lambda route: route.fulfill(**answer), times=1)
    page.locator("#compose-form textarea").fill("Said once")
    page.locator("#compose-form .primary").click()
    expect(posts(page)).to_have_text(["Said once", "The kettle sings.", "Mine hums."])
    assert not page.evaluate(IS_STILL_HERE)


def test_when_the_question_cannot_be_fetched_its_page_is_opened(
    people: Site, open_window: Callable[..., Page], watch: Watch
) -> None:
    watch.allowed_failures |= {"net::ERR_FAILED"}
    page = open_page(open_window, people, "/")
    page.route("**/delete**", lambda route: route.abort(), times=1)
    page.locator(".post-delete").click()
    expect(page.locator("h1")).to_have_text("Delete this post?")


@pytest.mark.parametrize(("language", "sentence"), [("en-GB", "2 new posts"), ("ar", None)])
def test_new_posts_are_announced_and_shown_when_one_wants_to(
    people: Site, open_window: Callable[..., Page], language: str, sentence: str | None
) -> None:
    page = open_window(people, nickname="susan", locale=language)
    page.clock.install()
    page.goto("/")
    page.evaluate(MARK)
    link = page.locator(".new-posts a")
    with page.expect_response("**/updates**"):
        page.clock.run_for(31_000)
    expect(link).to_be_hidden()
    with people.application.database.write() as session:
        writer = add_user(session, "writer")
        add_post(session, writer, "For nobody here")
        reader = add_user(session, "susans_friend")
        follow(session, 1, reader)
        add_post(session, reader, "First")
        add_post(session, reader, "Second")
    for _ in range(40):  # in steps, since the next question waits for the answer to the last one
        page.clock.run_for(10_000)
    expect(link).to_be_visible()
    if sentence:
        expect(link).to_have_text(sentence)
    link.click()
    expect(posts(page)).to_have_text(["Second", "First", "The kettle sings.", "Mine hums."])
    expect(page.locator("#posts")).to_be_focused()
    expect(link).to_be_hidden()
    assert page.evaluate(IS_STILL_HERE)


def test_a_page_that_nobody_looks_at_does_not_ask(people: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(people, nickname="susan")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/updates" in request.url else None)
    page.clock.install()
    page.goto("/")
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); "
    hide += "document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    page.clock.run_for(600_000)
    assert asked == []
    page.evaluate(hide, False)
    with page.expect_response("**/updates**"):
        page.clock.run_for(31_000)
    assert len(asked) == 1
