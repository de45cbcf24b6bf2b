"""One suite for every search adapter: those that fit the database, or `--search-adapter NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import POSTGRESQL_URL, Application, elasticsearch_settings

OF_THE_DATABASE = "postgresql" if POSTGRESQL_URL else "fts5"
# The last is the example of docs/search-adapters.md, which reads SQLite only.
ADAPTERS = [
    OF_THE_DATABASE,
    "elasticsearch",
    *([] if POSTGRESQL_URL else ["tests.contract.scanning.ScanningSearch"]),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "application" in metafunc.fixturenames:
        name = metafunc.config.getoption("--search-adapter")
        metafunc.parametrize("application", [name] if name else ADAPTERS, indirect=True)


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
