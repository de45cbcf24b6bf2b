"""What a page weighs for somebody who opens it for the first time, and whether it moves while it is loaded.

Bytes are those that come through the wire, heads included; the page is that of a phone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page

from microblog.accounts.queries import add_user
from microblog.ids import new_id
from microblog.people.actions import follow
from microblog.posts.queries import add_posts
from tests.browser.conftest import Site
from tests.browser.scenes import PEOPLE, SCENES, Filled, fill
from tests.conftest import Application

pytestmark = pytest.mark.browser

MOST_BYTES = 60_000
# Of what only its reader may know, which is not compressed (docs/adr/0034).
MOST_BYTES_OF_PRIVATE_PAGES = 70_000
PRIVATE = ("/notifications/", "/messages/")
MOST_BYTES_OF_SCRIPT = 20_000
MOST_REQUESTS = 35  # 25 avatars, and what every page has
LEAST_SHIFT = 0.002  # of the screen
TRIES = 3
NOTE_SHIFTS = f"""window.shifts = []; new PerformanceObserver((list) => {{
    for (const entry of list.getEntries().filter((entry) => entry.value >= {LEAST_SHIFT}))
        window.shifts.push(...entry.sources.map(({{node}}) => node?.outerHTML ?? node?.data ?? ''));
}}).observe({{type: 'layout-shift', buffered: true}});"""
SHIFTS_AFTER_A_FRAME = """() => new Promise((resolve) =>
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(window.shifts))))"""


class Weight:
    """What came through the wire."""

    def __init__(self) -> None:
        self.requests = self.bytes = self.script_bytes = 0
        self._scripts: set[str] = set()

    def note_response(self, event: dict[str, Any]) -> None:
        if event["type"] == "Script":
            self._scripts.add(event["requestId"])

    def note_end(self, event: dict[str, Any]) -> None:
        self.requests += 1
        self.bytes += event["encodedDataLength"]
        if event["requestId"] in self._scripts:
            self.script_bytes += event["encodedDataLength"]


@contextmanager
def weighing(page: Page) -> Iterator[Weight]:
    weight = Weight()
    devtools = page.context.new_cdp_session(page)
    devtools.on("Network.responseReceived", weight.note_response)
    devtools.on("Network.loadingFinished", weight.note_end)
    devtools.send("Network.enable")
    yield weight
    devtools.detach()


def fill_a_page_of_everybody(application: Application) -> Filled:
    """So many people that a page of posts, and one of people, has as many faces as it can have."""
    filled = fill(application)
    with application.database.write() as session:
        for number in range(30):
            user_id = add_user(session, f"neighbour{number}")
            body = f"Number {number} has green tea with @susan on https://example.org/{number} today."
            add_posts(session, [{"id": new_id(), "user_id": user_id, "body": body, "language": "en"}])
            follow(session, PEOPLE.index("susan") + 1, user_id)
            follow(session, user_id, PEOPLE.index("susan") + 1)
    return filled


def judge(name: str, path: str, weight: Weight, shifts: set[str]) -> list[str]:
    found = [f"{name}: this moves: {shift[:200]}" for shift in sorted(shifts)]
    most_bytes = MOST_BYTES_OF_PRIVATE_PAGES if path.startswith(PRIVATE) else MOST_BYTES
    if weight.bytes > most_bytes or weight.script_bytes > MOST_BYTES_OF_SCRIPT:
        found.append(f"{name}: {weight.bytes} bytes, {weight.script_bytes} of script")
    if weight.requests > MOST_REQUESTS:
        found.append(f"{name}: {weight.requests} requests")
    return found


def test_every_page_is_light_and_nothing_moves_while_it_is_loaded(
    make_application: Any, serve: Callable[[Application], Site], open_window: Callable[..., Page]
) -> None:
    application = make_application()
    filled = fill_a_page_of_everybody(application)
    site = serve(application)
    weights: dict[str, Weight] = {}
    found: list[str] = []
    for scene in SCENES:
        if scene.act is not None or scene.status != 200:
            continue
        shifts: set[str] | None = None
        # On a busy machine half a page may be drawn first: what counts is what moves each time.
        for _ in range(TRIES):
            page = open_window(site, width=360, nickname=scene.person)
            page.add_init_script(NOTE_SHIFTS)
            with weighing(page) as weight:
                page.goto(scene.path.format(**vars(filled)))
                new = set(page.evaluate(SHIFTS_AFTER_A_FRAME))
            page.context.close()
            shifts = new if shifts is None else shifts & new
            if not shifts:
                break
        weights[scene.name] = weight
        found += judge(scene.name, scene.path, weight, shifts or set())
    assert not found, "\n".join(found)
    # It weighs what a reader gets: a page of 25 people with the stylesheet, the script and faces.
    home = weights["home"]
    assert home.requests >= 10
    assert home.script_bytes > 3_000
    assert home.bytes > 15_000
