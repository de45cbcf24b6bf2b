"""A site with a folder of pictures of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from microblog.accounts.queries import add_user
from microblog.db import Database
from microblog.media import actions, queries
from microblog.media.plans import POST
from microblog.media.storage.folder import FolderStorage
from microblog.media.storage.interfaces import get_storage
from microblog.posts.actions import write
from tests.conftest import Application
from tests.pictures import show, store_files

QUOTA = 10_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


@pytest.fixture
def site(make_application: Callable[..., Application], folder: Path) -> Application:
    return make_application({"microblog.media.folder": str(folder)})


@pytest.fixture
def storage(site: Application) -> FolderStorage:
    found = get_storage(site.registry)
    assert isinstance(found, FolderStorage)
    return found


@pytest.fixture
def susan(site: Application) -> int:
    with site.database.write() as session:
        return add_user(session, "susan")


@pytest.fixture
def keep(site: Application, storage: FolderStorage) -> Callable[..., str]:
    """`keep(user_id, purpose)`: the name of a picture that waits, with files of so many bytes."""

    def one(user_id: int, purpose: str = POST, *sizes: int) -> str:
        stored = store_files(storage, *(b"x" * size for size in sizes or (30, 10)))
        with site.database.write() as session:
            actions.keep(session, user_id, purpose, [stored], quota=QUOTA)
        return stored.name

    return one


@pytest.fixture
def post(site: Application, keep: Callable[..., str]) -> Callable[..., tuple[int, str]]:
    """`post(user_id)`: the id of a post with a picture, and the name of the picture."""

    def one(user_id: int) -> tuple[int, str]:
        name = keep(user_id)
        with site.database.write() as session:
            return write(session, user_id, "Look", pictures=show(name)), name

    return one


def get_bytes(database: Database, user_id: int) -> int:
    with database.read() as session:
        return queries.get_bytes(session, user_id)
