"""Everything can be done in w3m: no script, no style, no mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import serving
from tests.browser.scenes import fill
from tests.browser.text_browser import IS_THERE, TextBrowser
from tests.walk import PASSWORD

pytestmark = pytest.mark.skipif(
    not IS_THERE, reason="Install w3m and tmux (apt-get install w3m tmux) to test in a text browser."
)
POST = "Written in a window of letters, with green tea."


@pytest.fixture
def browser(make_application: Any, tmp_path: Path) -> Iterator[TextBrowser]:
    application = make_application()
    fill(application)
    with serving(application) as site:
        browser = TextBrowser(tmp_path, f"{site.url}/")
        yield browser
        browser.close()


def sign_up(browser: TextBrowser) -> None:
    browser.wait_for("Latest posts")
    browser.follow("Sign up")
    browser.wait_for("A nickname, an address")
    browser.fill("Everybody sees it", "lynx")
    browser.fill("Only the moderators", "lynx@example.org")
    browser.fill("Long is better", PASSWORD, is_secret=True)
    browser.follow("Sign up", match=3)  # after the navigation and the heading
    browser.wait_for("Log out")


def test_a_person_signs_up_writes_follows_searches_deletes_and_leaves(browser: TextBrowser) -> None:
    sign_up(browser)
    browser.write("What is on your mind", POST)
    browser.follow("Post", match=2)
    assert "another draft" not in browser.wait_for("lynx")

    browser.follow("People$")
    browser.wait_for("Find somebody to follow")
    browser.follow("@susan")
    browser.wait_for("Member since")
    browser.follow("Follow$")
    browser.wait_for("You follow")

    browser.fill("Search posts and people", "green tea")
    browser.follow("Search$")
    browser.wait_for("How to ask precisely")
    browser.wait_for(POST)

    browser.follow("Home")
    browser.wait_for("Rain on the roof")
    browser.follow("Delete$")
    browser.wait_for("Delete this post?")
    browser.follow("Delete Keep it")
    assert POST not in browser.wait_for("Your post has been deleted.")

    browser.follow("Log out")
    browser.wait_for("You are logged out.")


def test_a_visitor_reads_and_chooses_a_language(browser: TextBrowser) -> None:
    screen = browser.wait_for("short posts, in the order they were written")  # the last line
    lines = {*map(str.strip, screen.splitlines())}
    assert {"Things to bring, please:", "– a torch", "and nothing else at all."} < lines
    browser.follow("Preferences")
    browser.wait_for("How you see this site")
    browser.choose("Of the pages", "Español")
    browser.wait_for("[Español")
    browser.follow("Save Leave")
    browser.wait_without("How you see this site")
    browser.wait_for("[Español")
