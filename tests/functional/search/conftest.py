"""What the tests of search begin with."""

from __future__ import annotations

import pytest

from microblog.accounts.queries import add_user


@pytest.fixture
def search(application):
    return application.registry.search


@pytest.fixture
def susan(database):
    with database.write() as session:
        return add_user(session, "susan")
