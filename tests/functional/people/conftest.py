"""Two people who are logged in, each in a browser of their own."""

from __future__ import annotations

import pytest

from tests.walk import sign_up


@pytest.fixture
def susan(application):
    browser = application.browser()
    sign_up(browser, "susan")
    return browser


@pytest.fixture
def john(application):
    browser = application.browser()
    sign_up(browser, "john")
    return browser
