"""Moderation is done on pages and by commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from webtest import TestApp

from microblog.accounts.actions import set_admin, set_moderator
from tests.conftest import Application
from tests.functional.commands.conftest import ini, microblog, no_ini_of_this_machine  # noqa: F401
from tests.walk import enter


@pytest.fixture
def enter_as(application: Application) -> Callable[..., TestApp]:
    """`enter_as("maria", "moderator")`: a browser in which somebody with this role is logged in. Its `id` is
    theirs."""

    def one(nickname: str, role: str = "") -> TestApp:
        browser: Any = application.browser()
        user_id = enter(browser, nickname)
        with application.database.write() as session:
            if role == "admin":
                set_admin(session, user_id, is_admin=True)
            elif role == "moderator":
                set_moderator(session, user_id, is_moderator=True)
        browser.id = user_id
        return browser

    return one
