"""A site whose limits are those of an operator who has changed none, at a time that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from webtest import TestResponse

from microblog.accounts import actions
from microblog.accounts.passwords import hash_password
from microblog.security.cookies import SESSION_COOKIE
from microblog.security.limits.process import ProcessCounts
from tests.conftest import Application, settings_for
from tests.walk import PASSWORD, token

WRONG = "not the password of anybody"
HOME, ELSEWHERE, ATTACKER = "192.0.2.7", "198.51.100.4", "203.0.113.66"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def defaults(shared_application: Application) -> dict[str, str]:
    """What each limit is when the ini file says nothing, by its key."""
    settings = shared_application.registry.microblog
    return {item.key: str(item.default) for item in settings if item.key.startswith("microblog.limits.")}


@pytest.fixture(scope="session")
def shared_site(migrated: Callable[[], str], defaults: dict[str, str]) -> Iterator[Application]:
    site = Application({**settings_for(migrated()), **defaults})
    yield site
    site.database.close()


@pytest.fixture
def site(application: Application, shared_site: Application) -> Application:
    """On an empty database, like `application`; its process was just started."""
    shared_site.database.close()
    shared_site.registry.deferred.clear()
    shared_site.registry.process_counts = ProcessCounts(shared_site.registry.deferred)
    return shared_site


@pytest.fixture
def make_site(
    site: Application, defaults: dict[str, str], migrated: Callable[[], str]
) -> Iterator[Callable[..., Application]]:
    """Builds another one on the database of `site`, with its limits but for those that a test gives:
    `make_site({"login.per_account": "0"})`."""
    url = site.database.engine.url.render_as_string(hide_password=False)
    made: list[Application] = []

    def make(limits: dict[str, str] | None = None, **more: str) -> Application:
        own = {f"microblog.limits.{key}": rate for key, rate in (limits or {}).items()}
        made.append(Application({**settings_for(url), **defaults, **own, **more}))
        return made[-1]

    yield make
    for application in made:
        application.database.close()


@pytest.fixture(autouse=True)
def time() -> Iterator[Any]:
    """Stands still until a test moves it: `time.shift(seconds)`."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def susan(site: Application) -> int:
    return add_person(site, "susan")


def add_person(site: Application, nickname: str) -> int:
    """Signed up somewhere else, so that no browser of the test is known."""
    with site.database.write() as session:
        email = f"{nickname}@example.com"
        return actions.create_account(session, nickname, email=email, password_hash=hash_password(PASSWORD))


class Client:
    """Sends forms from one address, as a browser that has never been here. Without an address (None) it comes
    by a Unix socket."""

    def __init__(self, site: Application, address: str | None) -> None:
        self.browser = site.browser(**({} if address is None else {"REMOTE_ADDR": address}))
        self._token = ""

    @property
    def token(self) -> str:
        """Of all forms, until the browser is logged in or out."""
        self._token = self._token or token(self.browser, "/login" if not self.is_logged_in else "/")
        return self._token

    @property
    def is_logged_in(self) -> bool:
        return SESSION_COOKIE in self.browser.cookies

    def post(self, path: str, **fields: str) -> TestResponse:
        return self.browser.post(path, [("csrf_token", self.token), *fields.items()], status="*")

    def log_in(self, nickname: str = "susan", password: str = PASSWORD) -> TestResponse:
        answer = self.post("/login", nickname=nickname, password=password)
        if self.is_logged_in:
            self._token = ""
        return answer

    def tries(self, number: int, nickname: str = "susan", password: str = WRONG) -> list[int]:
        """The statuses of so many tries to log in."""
        return [self.log_in(nickname, password).status_int for _ in range(number)]


def retry_after(page: TestResponse) -> int:
    """Seconds, of an answer that says when to try again."""
    assert page.headers["Cache-Control"] == "no-store"
    return int(page.headers["Retry-After"])
