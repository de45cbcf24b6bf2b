"""A real Chromium, and the real application behind a real server.

Every test here fails if one of its pages logged an error, broke the content security policy, opened a
dialog, got a 5xx, missed a file, or asked any other host than ours; see `Watch`.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from waitress import wasyncore
from waitress.server import create_server

from microblog.accounts.queries import find_owner_id, start_session
from microblog.security.cookies import SESSION_COOKIE
from microblog.security.identity import hash_token
from tests.browser.watch import Watch
from tests.conftest import Application

BROWSER = os.environ.get("MICROBLOG_TEST_BROWSER")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
HEIGHTS = {320: 640, 360: 780, 1280: 900}  # CSS pixels, by width
# Only what fails waits for so long; beside other tests, which fill disks and keep both cores busy, a page
# that is well has taken more than ten seconds.
WAIT_MILLISECONDS = 60_000


class Site:
    """The application, served at `url`."""

    def __init__(self, application: Application, url: str) -> None:
        self.application = application
        self.url = url

    def start_session(self, nickname: str) -> str:
        """The token of a new session."""
        token = secrets.token_urlsafe(32)
        with self.application.database.write() as session:
            user_id = find_owner_id(session, nickname)
            assert user_id is not None, f"There is no {nickname}."
            start_session(session, user_id, hash_token(token), timedelta(hours=1))
        return token

    def log_in(self, context: BrowserContext, nickname: str) -> None:
        """The cookie of a new session, without the login form."""
        token = self.start_session(nickname)
        context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": self.url, "httpOnly": True}])


@contextmanager
def serving(application: Application) -> Iterator[Site]:
    """Waitress on a free port, in a thread; stopped, and every connection closed, at the end."""
    sockets: dict[Any, Any] = {}
    server: Any = create_server(
        application.wsgi, host="127.0.0.1", port=0, threads=4, map=sockets, clear_untrusted_proxy_headers=True
    )
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            wasyncore.loop(timeout=1, map=sockets, count=1)

    thread = threading.Thread(target=serve, name="waitress")
    thread.start()
    try:
        yield Site(application, f"http://127.0.0.1:{server.effective_port}")
    finally:
        stopping.set()
        server.pull_trigger()
        thread.join()
        server.task_dispatcher.shutdown()
        # Closes the files, too, whose pages a browser left before they were sent.
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        wasyncore.close_all(sockets)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each test opens windows with cookies of their own."""
    if not BROWSER:
        pytest.skip("Set MICROBLOG_TEST_BROWSER=/usr/bin/chromium to test in a real browser.")
    expect.set_options(timeout=WAIT_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which finds barriers in a page."""
    path = os.environ.get("MICROBLOG_TEST_AXE")
    if not path:
        pytest.skip(
            "Set MICROBLOG_TEST_AXE to the axe.min.js of npm's axe-core to look for barriers in the pages."
        )
    return Path(path).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def vnu() -> Path:
    """The Nu HTML checker."""
    path = os.environ.get("MICROBLOG_TEST_VNU")
    if not path:
        pytest.skip(
            "Set MICROBLOG_TEST_VNU to the vnu.jar of npm's vnu-jar to check HTML and CSS (java runs it)."
        )
    return Path(path)


@pytest.fixture
def serve(chromium: Browser) -> Iterator[Callable[[Application], Site]]:
    """Serves an application until the end of the test. Asks for the browser first: without one, no server."""
    with ExitStack() as running:
        yield lambda application: running.enter_context(serving(application))


@pytest.fixture
def site(serve: Callable[[Application], Site], application: Application) -> Site:
    """The application on an empty database, served."""
    return serve(application)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test for what its pages must never do; one that failed says which requests had no answer."""
    watch = Watch()
    yield watch
    print("Requests without an answer:", *watch.unanswered or ["none"])
    assert not watch.troubles, "\n".join(watch.troubles)


@pytest.fixture
def open_window(chromium: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """A new browser, seen through a page: `open_window(site, width=360, nickname="susan")`.

    `nickname` is who is logged in already; more options are those of `new_context`. The page's relative
    addresses are the site's.
    """
    contexts: list[BrowserContext] = []

    def open_window(
        site: Site,
        *,
        width: int = 1280,
        scheme: Any = "light",
        javascript: bool = True,
        nickname: str | None = None,
        locale: str = "en-GB",
        **more: Any,
    ) -> Page:
        context = chromium.new_context(
            base_url=site.url,
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme=scheme,
            java_script_enabled=javascript,
            locale=locale,
            reduced_motion="reduce",
            **more,
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_MILLISECONDS)
        watch.over(context, site.url)
        if nickname is not None:
            site.log_in(context, nickname)
        return context.new_page()

    yield open_window
    for context in contexts:
        context.close()
