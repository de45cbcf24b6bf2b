"""One suite for every search adapter: those that fit the database, or `--search-adapter NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from microblog.accounts.queries import add_user
from microblog.paging import Cursor
from microblog.posts.queries import add_post
from microblog.search.feeding import catch_up
from microblog.search.interfaces import ISearch, ISearchIndex, find_search_feed, get_search, get_search_index
from microblog.search.language import parse
from tests.conftest import POSTGRESQL_URL, Application, elasticsearch_settings

OF_THE_DATABASE = "tests.contract.small." + ("SmallPostgreSQL" if POSTGRESQL_URL else "SmallFTS5")
ELASTICSEARCH = "tests.contract.small.SmallElasticsearch"
# The last is the example of docs/search-adapters.md, which reads SQLite only.
ADAPTERS = [
    OF_THE_DATABASE,
    ELASTICSEARCH,
    *([] if POSTGRESQL_URL else ["tests.contract.small.SmallScanning"]),
]


FIRST_PAGE = Cursor()


class Site:
    """Posts of susan and john, and what a search finds of them."""

    def __init__(self, application: Any, settle: Any) -> None:
        self.settle = settle
        self.database = application.database
        self.registry = application.registry
        self.search = get_search(application.registry)
        self.index = get_search_index(application.registry)
        with self.database.write() as session:
            self.people = {name: add_user(session, name) for name in ("susan", "john")}

    def write(self, body: str, author: str = "susan", **more: Any) -> int:
        with self.database.write() as session:
            return add_post(session, self.people[author], body, **more)

    def join(self, nickname: str) -> str:
        """One more author; returns their nickname."""
        with self.database.write() as session:
            self.people[nickname] = add_user(session, nickname)
        return nickname

    def catch_up(self, limit: int = 10) -> int:
        return catch_up(self.registry, limit)

    def find(self, text: str, cursor: Cursor = FIRST_PAGE, limit: int = 100) -> list[int]:
        self.settle()
        with self.database.read() as session:
            return list(self.search.search(session, parse(text), cursor, limit))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "application" in metafunc.fixturenames:
        name = metafunc.config.getoption("--search-adapter")
        metafunc.parametrize("application", [name] if name else ADAPTERS, indirect=True)


@pytest.fixture
def application(
    request: pytest.FixtureRequest, make_application: Callable[..., Application]
) -> Iterator[Any]:
    """An application whose search is the adapter under test, with its index built."""
    name = request.param
    settings = {"microblog.search": name, "microblog.page_size": "3"}
    if name == ELASTICSEARCH:
        settings |= elasticsearch_settings()
    application = make_application(settings)
    index = get_search_index(application.registry)
    with application.database.write() as session:
        index.uninstall(session)
        index.install(session)
    if name != OF_THE_DATABASE:
        index.rebuild(application.database, lambda count: None)
    yield application
    # On PostgreSQL the database is the one of all tests: leave it as it was.
    with application.database.write() as session:
        index.uninstall(session)
        if name == OF_THE_DATABASE:
            index.install(session)


@pytest.fixture
def search(application: Application) -> ISearch:
    return get_search(application.registry)


@pytest.fixture
def index(application: Application) -> ISearchIndex:
    return get_search_index(application.registry)


@pytest.fixture
def settle(application: Application) -> Callable[[], None]:
    """Lets an index outside of the database catch up; one inside is fed by transactions."""

    def until_everything_is_there() -> None:
        if find_search_feed(application.registry) is None:
            while catch_up(application.registry):
                pass

    return until_everything_is_there


@pytest.fixture
def site(application: Any, settle: Any) -> Site:
    return Site(application, settle)
