"""Texts of posts in a real browser: the order in which links are seen, what is shortened, what is counted."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from microblog.accounts.queries import add_user
from microblog.posts.models import Post
from microblog.texts import split_graphemes, to_unix_lines
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser

PHONE, DESKTOP = 360, 1280
LONG = "https://example.org/" + "a/long/way/" * 12 + "end"
# From where to where each character of an element is seen, by its place in the text.
BOXES = """(element) => {
    const found = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        for (let place = 0; place < node.length; place += 1) {
            const range = document.createRange();
            range.setStart(node, place);
            range.setEnd(node, place + 1);
            const {left, right, top} = range.getBoundingClientRect();
            found.push([node.data[place], left, right, top]);
        }
    }
    return found;
}"""
COPY = """(element) => {
    getSelection().selectAllChildren(element);
    const copied = getSelection().toString();
    getSelection().removeAllRanges();
    return copied;
}"""


@pytest.fixture
def susan(site: Site) -> Site:
    with site.application.database.write() as session:
        add_user(session, "susan")
    return site


def write(site: Site, page: Page, text: str) -> Locator:
    """The body of the new post, as the home page shows it."""
    page.goto("/")
    page.get_by_label("What is on your mind?").fill(text)
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_text("Your post is now live!")).to_be_visible()
    return page.locator("[data-post-id] .post-body").first


def seen_from_the_left(element: Locator) -> str:
    """The characters of a line in the order in which they stand on the screen."""
    return "".join(box[0] for box in sorted(element.evaluate(BOXES), key=lambda box: (round(box[3]), box[1])))


@pytest.mark.parametrize("text", ["مرحبا {} كيف حالك؟", "שלום {} מה שלומך?", "hello {} there"])
def test_links_and_mentions_are_seen_in_their_own_order(
    susan: Site, open_window: Callable[..., Page], text: str
) -> None:
    links = [
        "@susan",
        "@susan_",
        "@_1",
        "example.org/a-b?c=1",
        "https://example.org/a/",
        "https://example.org/?",
    ]
    with susan.application.database.write() as session:
        for nickname in ("susan_", "_1"):
            add_user(session, nickname)
    body = write(susan, open_window(susan, nickname="susan"), "\n".join(map(text.format, links)))
    shown = body.locator("a").all()
    assert [seen_from_the_left(each) for each in shown] == [*links[:-1], "https://example.org/"]
    # It is the isolation that does it.
    body.evaluate("(each) => each.querySelectorAll('a').forEach((a) => a.removeAttribute('dir'))")
    assert (seen_from_the_left(shown[0]) == "@susan") == text.startswith("hello")


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("around", ["see {} there", "مرحبا {} هنا"])
def test_a_long_address_is_shown_shortened_and_is_copied_as_a_whole(
    susan: Site, open_window: Callable[..., Page], width: int, around: str
) -> None:
    page = open_window(susan, nickname="susan", width=width)
    body = write(susan, page, around.format(LONG))
    tail = body.locator(".address-tail")
    seen, whole = tail.evaluate("(each) => [each.getBoundingClientRect().width, each.scrollWidth]")
    assert seen < whole
    assert body.evaluate("(each) => each.getBoundingClientRect().height") < 100  # pixels: two or three lines
    assert "underline" in tail.evaluate("(each) => getComputedStyle(each).textDecorationLine")
    # The host is never cut off.
    host_end = next(box for box in body.locator("a").evaluate(BOXES) if box[0] == "g")
    assert 0 < host_end[1] < host_end[2] < width
    assert body.evaluate(COPY) == around.format(LONG)
    # Read aloud as a whole, too; browsers put a space before the path.
    shown = page.get_by_role("link", name=LONG.removeprefix("https://example.org"))
    assert shown.get_attribute("href") == shown.get_attribute("title") == LONG
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_long_host_is_shown_as_a_whole(susan: Site, open_window: Callable[..., Page]) -> None:
    host = "https://www.bank.example." + "login." * 12 + "evil.example"
    body = write(susan, open_window(susan, nickname="susan", width=PHONE), f"{host}/{'a' * 60}")
    box = body.bounding_box()
    assert box is not None
    letters = body.locator("a").evaluate(BOXES)[: len(host)]
    assert "".join(letter[0] for letter in letters) == host
    assert all(box["x"] <= left < right <= box["x"] + box["width"] + 1 for _, left, right, _ in letters)


def test_a_word_that_was_searched_is_seen_in_a_long_address(
    susan: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(susan, nickname="susan", width=PHONE)
    write(susan, page, f"see {LONG} there")
    page.goto("/search?q=end")
    mark = page.locator(".post-body mark")
    assert mark.text_content() == "end"
    box, room = mark.bounding_box(), page.locator(".post-body").bounding_box()
    assert box is not None
    assert room is not None
    assert room["x"] <= box["x"] < box["x"] + box["width"] <= room["x"] + room["width"] + 1
    hit = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y)?.localName",
        [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2],
    )
    assert hit == "mark"


# The counter

LIMIT = 20
FAMILY = "👩🏾‍👨🏾‍👧🏾‍👧🏾"
CHARACTERS = [
    *(
        "a",
        "é",
        "e\u0301",
        "日",
        "한",
        "각",
        "क्ष",
        "क्\u200cष",
        "नि",
        "กำ",
        "ก็",
        "মো",
        "ക്ഷ",
        "\u0600١",
        "ﬁ",
        "ß",
    ),
    *(
        FAMILY,
        "🇩🇪",
        "1️⃣",
        "❤️",
        "👍🏽",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "👩‍❤️‍💋‍👨",
        "\u00ad",
        "\u200b",
        "\u2800",
        "\u3164",
        "\ufeff",
        "\u200e",
    ),
]
SPACES = [" ", "\n", "\t", "\u00a0", "\u3000", "\u2003", "\u2028", "\u1680"]
NO_SPACES_OF_PYTHON = ["\ufeff", "\u200b", "\u180e", "\u2060"]


def texts_at_the_limit() -> list[str]:
    chance = random.Random(2026)
    texts = [
        "x" * LIMIT,
        "x" * (LIMIT + 1),
        FAMILY * LIMIT,
        FAMILY * (LIMIT + 1),
        "x" * (LIMIT - 1) + "\n\ny",
    ]
    for space in SPACES + NO_SPACES_OF_PYTHON:
        texts += [space * 3 + "x" * LIMIT + space * 3, "x" + space * (LIMIT - 1) + "x", "x" * LIMIT + space]
    for _ in range(60):
        text = "".join(
            chance.choices([*CHARACTERS, *SPACES[:3]], k=LIMIT + chance.choice([-1, 0, 0, 1, 1, 2]))
        )
        texts.append(chance.choice(["", " ", "\n \n"]) + text + chance.choice(["", " ", "\n\n", "\u3000\n"]))
    return texts


def left_by_the_counter(page: Page) -> int:
    counter = page.locator("[data-counter-for=body]")
    number = int("".join(each for each in counter.inner_text() if each.isdigit()))
    return -number if "too many" in counter.inner_text() else number


def test_the_counter_and_the_server_agree_about_every_text(
    make_application: Any, serve: Any, open_window: Callable[..., Page]
) -> None:
    application = make_application({"microblog.posts.max_length": str(LIMIT)})
    with application.database.write() as session:
        add_user(session, "susan")
    site = serve(application)
    page = open_window(site, nickname="susan")
    page.goto("/")
    area = page.get_by_label("What is on your mind?")
    token = page.locator("#compose-form [name=csrf_token]").input_value()
    verdicts: set[tuple[str, int]] = set()
    for text in texts_at_the_limit():
        area.fill(text)
        left = left_by_the_counter(page)
        assert left == LIMIT - len(split_graphemes(to_unix_lines(text))), ascii(text)
        # The server itself is asked about those that the counter has at the limit, or one beyond it.
        if left in (0, -1) and len(verdicts) < 20:
            lines = text.replace("\n", "\r\n")  # as a browser sends them
            fields: dict[str, str | float | bool] = {"csrf_token": token, "body": lines}
            answer = page.request.post("/posts/", form=fields, headers={"Origin": site.url}, max_redirects=0)
            assert answer.status == (422 if left < 0 else 303), ascii(text)
            verdicts.add((text, left))
    assert {left for _, left in verdicts} == {0, -1}
    with application.database.read() as session:
        kept = set(session.scalars(sa.select(Post.body)))
    assert kept == {to_unix_lines(text) for text, left in verdicts if left == 0}


def test_what_the_script_takes_for_spaces_is_what_the_server_takes(
    susan: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(susan, nickname="susan")
    page.goto("/")
    area = page.get_by_label("What is on your mind?")
    spaces = {chr(point) for point in range(0x10000) if chr(point).isspace()} - {"\r"}
    counted = area.evaluate(
        """(area, points) => points.map((point) => {
            area.value = `x${String.fromCharCode(point)}`;
            area.dispatchEvent(new Event('input'));
            const counter = document.querySelector('[data-counter-for]');
            return [point, parseInt(counter.textContent.replace(/\\D/g, ''))];
        }).filter(([, left]) => left === 279).map(([point]) => point)""",
        [
            point
            for point in range(0x10000)
            if not 0xD800 <= point < 0xE000 and point != 13 and point not in MARKS
        ],
    )
    assert {chr(point) for point in counted} == spaces


MARKS = {point for point in range(0x10000) if len(split_graphemes(f"x{chr(point)}")) == 1}


@pytest.mark.parametrize("has_styles", [True, False])
def test_lines_are_copied_as_they_were_written(
    susan: Site, open_window: Callable[..., Page], has_styles: bool
) -> None:
    page = open_window(susan, nickname="susan")
    text = "One:\n\ntwo https://example.org/ @susan\nthree"
    body = write(susan, page, text)
    if not has_styles:
        page.evaluate("for (const sheet of document.styleSheets) sheet.disabled = true")
    copied = body.evaluate(COPY)
    assert [line.strip() for line in copied.splitlines()] == text.splitlines()
