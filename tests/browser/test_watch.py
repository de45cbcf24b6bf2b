"""The watch over the browser tests sees what it is there for."""

from __future__ import annotations

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


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_watch_notes(site: Any, open_window: Any, watch: Any, trouble: str) -> None:
    script, note = TROUBLES[trouble]
    page = open_window(site)
    page.goto("/explore")
    page.evaluate(script)
    for _ in range(100):
        if watch.troubles:
            break
        page.wait_for_timeout(20)  # nothing in the page shows that the message has arrived
    assert any(note in each for each in watch.troubles), watch.troubles
    assert page.evaluate("window.ran") is None
    watch.troubles.clear()


def test_a_quiet_page_is_no_trouble(site: Any, open_window: Any, watch: Any) -> None:
    page = open_window(site)
    page.goto("/explore")
    page.wait_for_load_state("networkidle")
    assert watch.troubles == []
