"""One large site for all tests of plans."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.accounts.queries import start_session
from microblog.security.identity import hash_token
from tests.conftest import POSTGRESQL_URL, Application, prepare, settings_for
from tests.plans import large_site

READERS_TOKEN = "reader"
NEWCOMERS_TOKEN = "newcomer"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The URL of a migrated database for the module."""
    if not POSTGRESQL_URL:
        url = f"sqlite+pysqlite:///{tmp_path_factory.mktemp('large') / 'large.sqlite3'}"
        prepare(url)
        yield url
        return
    name = f"microblog_plans_{worker_id}_{os.getpid()}"
    server = sa.create_engine(POSTGRESQL_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    url = sa.make_url(POSTGRESQL_URL).set(database=name).render_as_string(hide_password=False)
    prepare(url)
    yield url
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


@pytest.fixture(scope="module")
def site(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The large site, with everything switched on that has a page of its own."""
    more = {
        "microblog.metrics": "true",
        "microblog.profiler.directory": str(tmp_path_factory.mktemp("profiles")),
    }
    application = Application({**settings_for(url), **more})
    large_site.fill(application)
    with application.database.write() as session:
        session.add(User(id=large_site.NEWCOMER, nickname="newcomer", member_since=large_site.LAST_DAY))
        session.flush()
        for person, token in (
            (large_site.READER, READERS_TOKEN),
            (large_site.NEWCOMER, NEWCOMERS_TOKEN),
        ):
            start_session(session, person, hash_token(token), timedelta(days=1))
    yield application
    application.database.close()
