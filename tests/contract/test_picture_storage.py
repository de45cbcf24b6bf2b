"""One suite for every storage of pictures, by its interface alone; and what becomes of S3 in an outage."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from microblog.media.storage.choice import STORAGES, get_class, make_storage
from microblog.media.storage.interfaces import IPictureStorage, StorageUnavailable
from microblog.media.storage.s3 import S3Storage
from microblog.media.storage.settings import FOLDER, STORAGE
from microblog.settings import Settings
from tests.contract.shelf import MOST
from tests.s3 import S3Server, read

OWN = "tests.contract.shelf.Shelf"
PICTURE = secrets.token_bytes(700_000)  # more than one chunk
SECONDS_OF_A_CLOCK = timedelta(seconds=5)


def make_name(number: int = 0) -> str:
    return f"{secrets.token_urlsafe(16)}-{number}.webp"


A_NAME = "-Ab_0123456789abcdefgh"
NO_NAMES = [
    "",
    "a",
    "../../../../etc/passwd",
    f"../{A_NAME}-0.webp",
    f"{A_NAME}-0.webp/..",
    f"/{A_NAME}-0.webp",
    f"{A_NAME}-0.webp\n",
    f"{A_NAME}-0.html",
    f"{A_NAME}-0\0webp",
    f"{A_NAME}-10.webp",
    f"{A_NAME}x-0.webp",
    f"{'é' * 22}-0.webp",
    f"{A_NAME}-٣.webp",  # a digit, but not of ours
]


@dataclass
class Kept:
    """A storage, and a function that gives one of another process: the same, where it is in memory."""

    storage: Any
    settings: Settings
    open_again: Callable[[], Any]

    def names(self) -> list[str]:
        return [info.name for info in self.storage.list_files()]

    def content(self, file_name: str) -> bytes | None:
        return get_content(self.storage, file_name)


def get_content(storage: Any, file_name: str) -> bytes | None:
    stored = storage.read(file_name)
    if stored is None:
        return None
    try:
        return b"".join(stored.data)
    finally:
        stored.close()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture(params=[*sorted(STORAGES), OWN])
def kept(request: Any, tmp_path: Path) -> Kept:
    values = {
        "microblog.media.storage": request.param,
        "microblog.media.folder": str(tmp_path / "new" / "media"),
    }
    if request.param == "s3":
        values |= request.getfixturevalue("s3_server").make_bucket()
    settings = read(values, FOLDER, MOST)
    storage = make_storage(settings)
    return Kept(storage, settings, lambda: storage if request.param == OWN else make_storage(settings))


def test_a_storage_provides_its_interface(kept):
    assert verifyObject(IPictureStorage, kept.storage)
    assert type(kept.storage) is get_class(kept.settings[STORAGE])


def test_nothing_is_there_at_first(kept):
    assert kept.names() == []
    assert kept.content(make_name()) is None
    assert kept.storage.find(make_name()) is None


def test_what_was_stored_is_read(kept):
    name = make_name()
    before = datetime.now(UTC)
    kept.storage.put(name, PICTURE)
    assert kept.content(name) == PICTURE
    found = kept.storage.find(name)
    assert (found.name, found.size) == (name, len(PICTURE))
    assert abs(found.modified - before) < SECONDS_OF_A_CLOCK
    assert found.modified.utcoffset() == timedelta(0)
    assert kept.content(name.replace("-0.", "-1.")) is None


def test_a_file_says_its_size_and_time_before_it_is_read(kept):
    name = make_name()
    kept.storage.put(name, PICTURE)
    stored = kept.storage.read(name)
    assert stored.size == len(PICTURE)
    assert stored.info == kept.storage.find(name)
    stored.close()


def test_an_empty_file_is_one(kept):
    name = make_name()
    kept.storage.put(name, b"")
    assert kept.content(name) == b""
    assert kept.storage.find(name).size == 0


def test_what_was_stored_is_there_for_another_process(kept):
    name = make_name()
    kept.storage.put(name, b"a picture")
    other = kept.open_again()
    assert get_content(other, name) == b"a picture"
    other.delete([name])
    assert kept.content(name) is None


def test_storing_the_same_again_is_harmless(kept):
    name = make_name()
    for _ in range(3):
        kept.storage.put(name, b"a picture")
    assert kept.content(name) == b"a picture"
    assert kept.names() == [name]


def test_deleted_files_are_gone_and_others_stay(kept):
    names = [make_name(number) for number in (0, 1, 2)]
    for name in names:
        kept.storage.put(name, b"a picture")
    kept.storage.delete(names[:2])
    assert [kept.content(name) for name in names] == [None, None, b"a picture"]
    assert kept.names() == names[2:]


def test_deleting_what_is_not_there_is_harmless(kept):
    name = make_name()
    kept.storage.delete([name])
    kept.storage.put(name, b"a picture")
    kept.storage.delete([make_name(), name, name])
    kept.storage.delete([name])
    kept.storage.delete([])
    assert kept.names() == []


def test_a_deleted_file_can_be_stored_again(kept):
    name = make_name()
    kept.storage.put(name, b"a picture")
    kept.storage.delete([name])
    kept.storage.put(name, b"a picture")
    assert kept.content(name) == b"a picture"


def test_all_files_are_listed_in_the_order_of_their_names(kept):
    names = [make_name(number % 2) for number in range(30)]
    names += [f"{names[0][:2]}{make_name()[2:]}", f"--{make_name()[2:]}", f"__{make_name()[2:]}"]
    for number, name in enumerate(names):
        kept.storage.put(name, b"x" * number)
    listed = list(kept.storage.list_files())
    assert [info.name for info in listed] == sorted(names)
    assert {info.name: info.size for info in listed} == {name: size for size, name in enumerate(names)}
    assert all(info == kept.storage.find(info.name) for info in listed)


def test_a_list_may_be_left_in_the_middle_and_files_deleted_while_it_is_read(kept):
    for _ in range(5):
        kept.storage.put(make_name(), b"a picture")
    listed = kept.storage.list_files()
    next(listed)
    listed.close()
    for info in kept.storage.list_files():
        kept.storage.delete([info.name])
    assert kept.names() == []


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_of_a_file_is_refused(kept, name):
    kept.storage.put(good := make_name(), b"a picture")
    for act in (
        lambda: kept.storage.put(name, b"a picture"),
        lambda: kept.storage.find(name),
        lambda: kept.storage.read(name),
        lambda: kept.storage.delete([good, name]),
    ):
        with pytest.raises(ValueError, match="not the name of a file"):
            act()
    assert kept.names() == [good]


def test_a_check_leaves_nothing_behind(kept):
    assert kept.storage.check().endswith(".")
    assert kept.names() == []


def test_several_threads_may_use_it_at_once(kept):
    names = [[make_name() for _ in range(10)] for _ in range(4)]
    kept.storage.put(shared := make_name(), PICTURE)
    faults: list[object] = []

    def work(own: list[str]) -> None:
        try:
            for name in own:
                kept.storage.put(name, name.encode())
                if kept.content(name) != name.encode() or kept.content(shared) != PICTURE:
                    faults.append(name)
            kept.storage.delete(own[5:])
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(own,)) for own in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert kept.names() == sorted([shared, *(name for own in names for name in own[:5])])


# An S3 server that goes away and comes back


@pytest.fixture
def server() -> Iterator[S3Server]:
    """One of the test's own."""
    with S3Server() as own:
        yield own


SECONDS_OF_PATIENCE = 1.0  # for each of two attempts; the client waits as long before it sends a body
SECONDS_FOR_TWO_ATTEMPTS = 20.0  # far more than it takes, and far less than for ever


def test_a_server_that_stops_in_the_middle_holds_nobody_up_and_is_used_again(server):
    values = server.make_bucket()
    storage = S3Storage(read({**values, "microblog.media.s3.timeout": str(SECONDS_OF_PATIENCE)}))
    first, second = make_name(), make_name()
    storage.put(first, PICTURE)
    server.stop()
    began = time.monotonic()
    with pytest.raises(StorageUnavailable, match=r"could not be asked .*timeout.* Check that it runs"):
        storage.put(second, PICTURE)
    assert time.monotonic() - began < SECONDS_FOR_TWO_ATTEMPTS
    # From now on nobody waits for it.
    began = time.monotonic()
    acts: list[Callable[[], object]] = [
        lambda: storage.put(second, PICTURE),
        lambda: storage.find(first),
        lambda: storage.read(first),
        lambda: storage.delete([first]),
        lambda: list(storage.list_files()),
    ]
    for act in acts * 5:
        with pytest.raises(StorageUnavailable) as refusal:
            act()
        assert refusal.value.is_known
    assert time.monotonic() - began < SECONDS_OF_PATIENCE
    with pytest.raises(StorageUnavailable) as refusal:
        storage.check()  # asks all the same
    assert not refusal.value.is_known
    server.go_on()
    assert storage.check().startswith("Pictures are kept in the bucket")
    storage.put(second, PICTURE)
    assert get_content(storage, first) == get_content(storage, second) == PICTURE


def test_a_server_that_was_killed_is_used_again_without_anybody_s_help(server):
    values = server.make_bucket("pictures")
    storage = S3Storage(read(values), seconds_between_tries=0.0)
    name = make_name()
    storage.put(name, PICTURE)
    server.kill()
    with pytest.raises(StorageUnavailable, match="could not be asked"):
        storage.put(name, PICTURE)
    with pytest.raises(StorageUnavailable, match="could not be asked"):
        storage.read(name)
    server.start()
    server.make_bucket("pictures")  # it keeps nothing
    assert storage.read(name) is None
    storage.put(name, PICTURE)
    assert get_content(storage, name) == PICTURE
