"""One suite for every search adapter: those that fit the database, or `--search-adapter NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import POSTGRESQL_URL, Application

ADAPTERS = ["postgresql"] if POSTGRESQL_URL else ["fts5"]


@pytest.fixture(params=ADAPTERS)
def application(
    request: pytest.FixtureRequest, make_application: Callable[..., Application]
) -> Iterator[Any]:
    """An application whose search is the adapter under test, installed."""
    name = request.config.getoption("--search-adapter") or request.param
    application = make_application({"microblog.search": name, "microblog.page_size": "3"})
    with application.database.write() as session:
        application.registry.search.install(session)
    yield application
    # On PostgreSQL the database is the one of all tests: leave it as it was.
    with application.database.write() as session:
        application.registry.search.uninstall(session)
        application.registry.search.install(session)


@pytest.fixture
def search(application: Application) -> Any:
    return application.registry.search
