"""The watch over the browser tests sees what it is there for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser

INLINE_SCRIPT = (
    "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
)
TROUBLES = {
    "an inline script": (INLINE_SCRIPT, "Content Security Policy"),
    "a picture from elsewhere": ("new Image().src = 'http://example.org/a.png'", "Content Security Policy"),
    "an error": ("setTimeout(() => { throw new Error('mistake') })", "uncaught: mistake"),
    "a logged error": ("console.error('noted')", "console: noted"),
    "a dialog": ("setTimeout(() => alert('boo'))", "dialog: boo"),
    "a missing picture": ("new Image().src = '/static/nothing.png'", "404 for the image"),
}


def wait_until(page: Any, is_so: Callable[[], object]) -> None:
    """Nothing in the page shows that a message of the browser has arrived."""
    for _ in range(500):
        if is_so():
            return
        page.wait_for_timeout(20)
    pytest.fail("It was not so for ten seconds.")


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_watch_notes(site: Any, open_window: Any, watch: Any, trouble: str) -> None:
    script, note = TROUBLES[trouble]
    page = open_window(site)
    page.goto("/explore")
    page.evaluate(script)
    wait_until(page, lambda: watch.troubles)
    assert any(note in each for each in watch.troubles), watch.troubles
    assert page.evaluate("window.ran") is None
    watch.troubles.clear()


def test_a_quiet_page_is_no_trouble(site: Any, open_window: Any, watch: Any) -> None:
    page = open_window(site)
    page.goto("/explore")
    page.wait_for_load_state("networkidle")
    assert watch.troubles == []


def test_the_watch_knows_which_requests_have_no_answer(site: Any, open_window: Any, watch: Any) -> None:
    slow = f"{site.url}/static/slow.png"
    waiting: list[Any] = []

    def hold(route: Any) -> None:
        waiting.append(route)

    page = open_window(site)
    page.route(slow, hold)
    page.goto("/explore")
    page.evaluate("new Image().src = '/static/slow.png'")
    wait_until(page, lambda: waiting and slow in watch.unanswered)
    watch.allowed_failures.add("net::ERR_FAILED")
    waiting[0].abort()
    wait_until(page, lambda: slow not in watch.unanswered)
