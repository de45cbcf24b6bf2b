"""A small site: susan, who has a post and follows grace; john, and grace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
import time_machine
from webtest import TestApp

from microblog.accounts import passwords, queries
from microblog.people.actions import follow
from microblog.posts.queries import add_post
from tests.conftest import Application
from tests.functional.submissions.forms import FORMS, Filled
from tests.walk import PASSWORD, log_in

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@cache
def password_hash() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def post_id(application: Application) -> int:
    with application.database.write() as session:
        people = [
            queries.add_user(session, name, password_hash=password_hash())
            for name in ("susan", "john", "grace")
        ]
        follow(session, people[0], people[2])
        return add_post(session, people[0], "Mine")


@pytest.fixture
def person(application: Application, post_id: int) -> Callable[[str], TestApp]:
    """`person("john")` is a browser in which john is logged in."""

    def log_in_as(nickname: str) -> TestApp:
        browser = application.browser()
        assert log_in(browser, nickname).status_int == 303
        return browser

    return log_in_as


@pytest.fixture
def susan(person: Callable[[str], TestApp]) -> TestApp:
    return person("susan")


@pytest.fixture(params=FORMS)
def form_of_susan(request: Any, post_id: int) -> Filled:
    """Each of the forms in turn."""
    filled = FORMS[request.param]
    return replace(filled, path=filled.path.format(mine=post_id))
