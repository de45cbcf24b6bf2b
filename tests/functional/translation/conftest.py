"""A site with a translation service, and posts in Spanish."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import orm

from microblog.accounts.queries import add_user, find_owner_id
from microblog.posts.actions import write
from tests.conftest import Application
from tests.translating import DeepLServer, Service

POST = "¡Qué día! con @susan en https://example.org/ #flores"


@pytest.fixture
def service() -> Iterator[Service]:
    with DeepLServer() as service:
        yield service


@pytest.fixture
def site(service: Service, make_application: Callable[..., Application]) -> Application:
    return make_application(service.settings)


@pytest.fixture
def post_id(site: Application) -> int:
    """A post in Spanish by maria."""
    with site.database.write() as session:
        return write(session, add_user(session, "maria"), POST, language="es")


def find_person(session: orm.Session, nickname: str) -> int:
    found = find_owner_id(session, nickname)
    assert found is not None, f"There is no {nickname}."
    return found
