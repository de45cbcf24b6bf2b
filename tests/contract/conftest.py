"""One suite for every search adapter: those that fit the database, or `--search-adapter NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from microblog.accounts.queries import add_user
from microblog.paging import Cursor
from microblog.posts.queries import add_post
from microblog.search.embedded.side_table import SideTableSearch
from microblog.search.language import parse
from tests.conftest import POSTGRESQL_URL, Application, elasticsearch_settings

OF_THE_DATABASE = "postgresql" if POSTGRESQL_URL else "fts5"
# The last is the example of docs/search-adapters.md, which reads SQLite only.
ADAPTERS = [
    OF_THE_DATABASE,
    "elasticsearch",
    *([] if POSTGRESQL_URL else ["tests.contract.scanning.ScanningSearch"]),
]


FIRST_PAGE = Cursor()


class Site:
    """Posts of susan and john, and what a search finds of them."""

    def __init__(self, application: Any, settle: Any) -> None:
        self.settle = settle
        self.database = application.database
        self.search = application.registry.search
        with self.database.write() as session:
            self.people = {name: add_user(session, name) for name in ("susan", "john")}

    def write(self, body: str, author: str = "susan", **more: Any) -> int:
        with self.database.write() as session:
            return add_post(session, self.people[author], body, **more)

    def find(self, text: str, cursor: Cursor = FIRST_PAGE, limit: int = 100) -> list[int]:
        self.settle()
        with self.database.read() as session:
            return list(self.search.search(session, parse(text), cursor, limit))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "application" in metafunc.fixturenames:
        name = metafunc.config.getoption("--search-adapter")
        names = [name] if name else ADAPTERS
        if "inside" in metafunc.fixturenames:  # tests/functional/search has the same for the others
            names = [name for name in names if name != "elasticsearch"]
        metafunc.parametrize("application", names, indirect=True)


@pytest.fixture
def application(
    request: pytest.FixtureRequest, make_application: Callable[..., Application]
) -> Iterator[Any]:
    """An application whose search is the adapter under test, installed."""
    name = request.param
    settings = {"microblog.search": name, "microblog.page_size": "3"}
    if name == "elasticsearch":
        settings |= elasticsearch_settings()
    application = make_application(settings)
    search = application.registry.search
    with application.database.write() as session:
        search.uninstall(session)
        search.install(session)
    if name == "elasticsearch":
        search.seconds_for_a_query = 30.0  # a busy machine is no failure
    if name != OF_THE_DATABASE:
        search.rebuild(application.database, lambda count: None)
    yield application
    # On PostgreSQL the database is the one of all tests: leave it as it was.
    with application.database.write() as session:
        search.uninstall(session)
        if name == OF_THE_DATABASE:
            search.install(session)


@pytest.fixture
def search(application: Application) -> Any:
    return application.registry.search


@pytest.fixture
def settle(application: Application) -> Callable[[], None]:
    """Lets an index outside of the database catch up; one inside has nothing to catch up with."""
    search = application.registry.search

    def until_everything_is_there() -> None:
        if hasattr(search, "refresh"):
            while search.catch_up(application.database, 1000):
                pass
            search.refresh()

    return until_everything_is_there


@pytest.fixture
def site(application: Any, settle: Any) -> Site:
    return Site(application, settle)


@pytest.fixture
def inside(application: Any) -> None:
    """For tests of an index inside the database, which is made of tables that are known."""
    if not isinstance(application.registry.search, SideTableSearch):
        pytest.skip("Run without --search-adapter too: this is about tables of an index in the database.")
