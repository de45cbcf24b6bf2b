"""What the tests of search begin with."""

from __future__ import annotations

import pytest

from microblog.accounts.queries import add_user
from tests.conftest import get_adapter


@pytest.fixture
def search(application):
    return get_adapter(application)


@pytest.fixture
def susan(database):
    with database.write() as session:
        return add_user(session, "susan")
