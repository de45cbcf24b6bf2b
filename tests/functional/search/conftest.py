"""What the tests of search begin with."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from microblog.accounts.queries import add_user
from microblog.search.interfaces import (
    ISearch,
    ISearchDelivery,
    ISearchFeed,
    ISearchIndex,
    ISearchMaintenance,
)
from tests.conftest import Application, get_adapter

PARTS = (ISearch, ISearchIndex, ISearchFeed, ISearchMaintenance, ISearchDelivery)


def derive(search: Any, **methods: Any) -> Any:
    """An adapter like this one, of a class of its own: in these methods it has a fault, or does more."""
    other = copy.copy(search)
    other.__class__ = type(f"Derived{type(search).__name__}", (type(search),), methods)
    return other


@pytest.fixture
def use_adapter(application: Application) -> Iterator[Callable[[Any], None]]:
    """`use_adapter(adapter)`: until the end of the test the site searches with this one."""
    registry = application.registry
    before = {part: registry.queryUtility(part) for part in PARTS}

    def use(search: Any) -> None:
        for part in PARTS:
            if part.providedBy(search):
                registry.registerUtility(search, part)

    yield use
    for part, adapter in before.items():
        if adapter is not None:
            registry.registerUtility(adapter, part)


@pytest.fixture
def search(application):
    return get_adapter(application)


@pytest.fixture
def susan(database):
    with database.write() as session:
        return add_user(session, "susan")
