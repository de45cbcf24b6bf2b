"""Pictures in S3: what is stored how, and what is said when the server refuses, fails or dawdles."""

from __future__ import annotations

import sys
import time

import pytest

from microblog.media.storage.breaker import Breaker
from microblog.media.storage.interfaces import StorageUnavailable
from microblog.media.storage.s3 import S3Storage, make_client
from tests.s3 import Answer, S3Server, answering, read, settings_of
from tests.sink import free_port

NAMES = [f"{letter}Ab_0123456789abcdefghi"[:22] + "-0.webp" for letter in "abcdefg"]
NAME = NAMES[0]
ERROR = b"<Error><Code>%s</Code><Message>A reason</Message></Error>"
NOT_ALL_DELETED = b"<DeleteResult>%s</DeleteResult>" % (ERROR % b"AccessDenied")


@pytest.fixture(scope="module")
def server():
    with S3Server() as server:
        yield server


def make_storage(address, timeout="20", **options):
    values = settings_of(address, "pictures")
    return S3Storage(read({**values, "microblog.media.s3.timeout": timeout}), **options)


def test_many_files_are_listed_and_deleted_in_pieces(server):
    storage = S3Storage(read(server.make_bucket()), files_at_once=2)
    for name in NAMES:
        storage.put(name, b"a picture")
    assert [info.name for info in storage.list_files()] == NAMES
    storage.delete(NAMES[:5])
    assert [info.name for info in storage.list_files()] == NAMES[5:]


def test_a_prefix_and_the_folder_of_a_file_make_its_key_and_browsers_may_keep_it(server):
    values = {**server.make_bucket(), "microblog.media.s3.prefix": "microblog/pictures/"}
    S3Storage(read(values)).put(NAME, b"a picture")
    found = make_client(read(values)).head_object(
        Bucket=values["microblog.media.s3.bucket"], Key=f"microblog/pictures/{NAME[:2]}/{NAME}"
    )
    assert found["ContentType"] == "image/webp"
    assert found["CacheControl"] == "public, max-age=31536000, immutable"


def test_what_others_have_in_the_bucket_is_not_listed(server):
    values = server.make_bucket()
    ours = S3Storage(read({**values, "microblog.media.s3.prefix": "ours/"}))
    ours.put(NAME, b"a picture")
    S3Storage(read({**values, "microblog.media.s3.prefix": "theirs/"})).put(NAMES[1], b"a picture")
    client = make_client(read(values))
    for key in ("a", f"ours/{NAMES[1]}", f"ours/xy/{NAMES[1]}", f"ours/{NAMES[2][:2]}/{NAMES[2]}.txt"):
        client.put_object(Bucket=values["microblog.media.s3.bucket"], Key=key, Body=b"")
    assert [info.name for info in ours.list_files()] == [NAME]


def test_a_bucket_that_is_not_there_is_told_in_a_sentence(server):
    storage = make_storage(server.address)
    told = r"refuses .* \(NoSuchBucket: .*\)\. Check microblog\.media\.s3\.bucket and .*\.region\.$"
    for act in (
        lambda: storage.put(NAME, b"a picture"),
        lambda: storage.read(NAME),
        lambda: storage.delete([NAME]),
        lambda: next(storage.list_files()),
        storage.check,
    ):
        with pytest.raises(StorageUnavailable, match=told) as refusal:
            act()
        assert not refusal.value.is_known


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_without_rights_is_told_in_a_sentence_and_the_server_is_asked_again(status):
    with answering(Answer(status, ERROR % b"AccessDenied")) as address:
        storage = make_storage(address)
        for _ in range(2):
            with pytest.raises(
                StorageUnavailable,
                match=r"refuses .* \(AccessDenied: A reason\)\. Check .*secret_key and the rights",
            ) as refusal:
                storage.put(NAME, b"a picture")
            assert not refusal.value.is_known


def test_a_file_that_may_not_be_deleted_is_told():
    with answering(Answer(200, NOT_ALL_DELETED)) as address:
        storage = make_storage(address)
        with pytest.raises(StorageUnavailable, match=r"refuses .* \(AccessDenied: A reason\)"):
            storage.delete([NAME])


def test_a_server_with_a_fault_is_asked_twice_and_then_left_alone():
    with answering(Answer(500, ERROR % b"InternalError")) as address:
        storage = make_storage(address)
        with pytest.raises(StorageUnavailable, match=r"answered with an error \(InternalError: A reason\)"):
            storage.put(NAME, b"a picture")
        with pytest.raises(StorageUnavailable, match=r"answered with an error") as refusal:
            storage.find(NAME)
        assert refusal.value.is_known


def test_a_file_that_comes_a_little_at_a_time_is_not_waited_for():
    with answering(Answer(200, b"x" * 10_000_000, pieces=1000, pause=0.02)) as address:
        storage = make_storage(address, timeout="0.2")
        began = time.monotonic()
        with pytest.raises(StorageUnavailable, match=r"did not send a file within 0\.6 seconds"):
            storage.read(NAME)
        assert time.monotonic() - began < 19  # the file takes twenty seconds
        with pytest.raises(StorageUnavailable) as refusal:
            storage.read(NAME)
        assert refusal.value.is_known


def test_a_file_that_ends_in_the_middle_is_none():
    with answering(Answer(200, b"x" * 1000, length=2000)) as address:
        storage = make_storage(address)
        with pytest.raises(StorageUnavailable, match="could not be asked"):
            storage.read(NAME)


def test_a_server_that_is_not_there_is_told_in_a_sentence():
    storage = make_storage(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(
        StorageUnavailable, match=r"the bucket pictures at http://127\.0\.0\.1:\d+ could not be asked"
    ):
        storage.check()


def test_without_its_client_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ValueError, match=r"^needs its client: pip install 'microblog\[s3\]'\.$"):
        make_storage("http://127.0.0.1:1")


def test_one_at_a_time_tries_a_server_that_did_not_answer():
    breaker = Breaker(0.05)
    breaker.begin()
    breaker.note_failure("It is away.")
    with pytest.raises(StorageUnavailable, match=r"^It is away\.$") as refusal:
        breaker.begin()
    assert refusal.value.is_known
    end = time.monotonic() + 10
    while True:  # until the pause is over, and this call tries it
        try:
            breaker.begin()
        except StorageUnavailable:
            assert time.monotonic() < end
        else:
            break
    with pytest.raises(StorageUnavailable):
        breaker.begin()  # another one, meanwhile
    breaker.note_answer()
    breaker.begin()
