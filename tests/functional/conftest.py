"""Functional tests: a user's walk through WebTest, after which nothing of a request is left."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from webtest import TestApp

from microblog.db import Base
from tests.clock import Clock
from tests.conftest import Application
from tests.walk import enter


@pytest.fixture(scope="session")
def built(shared_application: Application) -> Application:
    """The application; what was made until now is no longer looked through for garbage."""
    shared_application.browser().get("/")  # with everything that the first request loads
    gc.collect()
    gc.freeze()
    return shared_application


@pytest.fixture(autouse=True)
def nothing_outlives_its_request(built: Application, application: Application) -> Iterator[None]:
    """After the test no session is alive, no connection is out, and no mapped object survives.

    This is how the bug of the original, a session that was kept at import time, would show.
    """
    yield
    gc.collect()
    assert not list(application.database.sessions), "A session outlived its request."
    pool: Any = application.database.engine.pool
    assert pool.checkedout() == 0, "A connection was not given back."
    survivors = [item for item in gc.get_objects() if isinstance(item, Base)]
    assert not survivors, f"Mapped objects outlived their request: {survivors}"
    freeze(next(COUNT))


# Of tests in this process.
COUNT = count(1)
TESTS_BETWEEN_LOOKS = 50


def freeze(number: int) -> None:
    """Caches grow with each test, and to look through them again after each takes a seventh of its time. Now
    and then it has to be: what a test still has at its end, such as an application, is garbage after it.
    """
    if number % TESTS_BETWEEN_LOOKS == 0:
        gc.unfreeze()
        gc.collect()
    gc.freeze()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def susan(application: Application) -> TestApp:
    """A browser in which susan is logged in."""
    browser = application.browser()
    enter(browser, "susan")
    return browser


@pytest.fixture
def john(application: Application) -> TestApp:
    """A browser in which john is logged in."""
    browser = application.browser()
    enter(browser, "john")
    return browser
