"""What nobody needs any longer goes by itself: the rows that have waited, and the files of what is gone."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from microblog.accounts import actions as accounts
from microblog.accounts.queries import add_user
from microblog.background.worker import Worker
from microblog.ids import to_milliseconds
from microblog.media import actions
from microblog.media import upkeep_queries as queries
from microblog.media.collecting import delete_leftovers, delete_waiting
from microblog.media.models import Picture, PictureFilesToDelete
from microblog.media.plans import AVATAR, HEADER
from microblog.media.storage.interfaces import IPictureStorage, StorageUnavailable
from microblog.media.tasks import DeleteFiles, delete_old_pictures
from microblog.posts import actions as posts
from tests.competing import before_the_next_write
from tests.conftest import POSTGRESQL_URL
from tests.functional.media.conftest import get_bytes
from tests.pictures import in_days, list_names, show
from tests.walk import enter

needs_postgresql = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)


def rounds(site, number=3):
    worker = Worker(site.registry, now=iter(range(0, 1_000_000_000, 1000)).__next__)
    for _ in range(number):
        worker.round()


def count(site, model):
    with site.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model))


def test_a_picture_that_has_waited_for_a_day_goes_with_its_files(site, storage, susan, keep):
    keep(susan)
    rounds(site)
    assert len(list_names(storage)) == 2
    assert get_bytes(site.database, susan) == 40
    with in_days(1.1):
        rounds(site)
    assert list_names(storage) == []
    assert count(site, Picture) == count(site, PictureFilesToDelete) == 0
    assert get_bytes(site.database, susan) == 0


def test_pictures_that_are_shown_stay(site, storage, susan, keep, post):
    post(susan)
    for purpose in (AVATAR, HEADER):
        name = keep(susan, purpose)
        with site.database.write() as session:
            actions.set_portrait(session, susan, purpose, name)
    with in_days(400):
        rounds(site)
    assert len(list_names(storage)) == 6
    assert get_bytes(site.database, susan) == 120


def test_files_go_with_their_post(site, storage, susan, post):
    post_id, _ = post(susan)
    other = post(susan)[1]
    with site.database.write() as session:
        posts.delete(session, post_id, susan)
    rounds(site)
    assert list_names(storage) == [f"{other}-0.webp", f"{other}-1.webp"]
    assert get_bytes(site.database, susan) == 40


def test_the_pictures_of_a_post_that_is_taken_back_wait_for_the_next_one(site, storage, susan, keep):
    name = keep(susan)
    with site.database.write() as session:
        later = to_milliseconds(datetime.now(UTC) + timedelta(hours=1))
        post_id = posts.write(session, susan, "Soon", pictures=show(name), publish_at=later)
    with site.database.write() as session:
        posts.take_back(session, post_id, susan)
    rounds(site)
    assert len(list_names(storage)) == 2
    with in_days(1.1):
        rounds(site)
    assert list_names(storage) == []


def test_files_go_with_the_avatar_that_is_replaced(site, storage, susan, keep):
    for _ in range(2):
        name = keep(susan, AVATAR)
        with site.database.write() as session:
            actions.set_portrait(session, susan, AVATAR, name)
    rounds(site)
    assert list_names(storage) == [f"{name}-0.webp", f"{name}-1.webp"]


def test_files_go_with_their_person(site, storage, keep, post):
    mallory = enter(site.browser(), "mallory")
    kept = post(enter(site.browser(), "susan"))[1]
    post(mallory)
    keep(mallory)
    avatar = keep(mallory, AVATAR)
    with site.database.write() as session:
        actions.set_portrait(session, mallory, AVATAR, avatar)
        accounts.leave(session, mallory, days=0)
    rounds(site, 6)
    assert list_names(storage) == [f"{kept}-0.webp", f"{kept}-1.webp"]
    assert count(site, Picture) == 1
    assert count(site, PictureFilesToDelete) == 0


def test_many_are_deleted_in_batches_and_of_several_people(site, storage, susan, keep):
    with site.database.write() as session:
        joe = add_user(session, "joe")
    keep(susan)
    with site.database.write() as session:
        rows = [
            {
                "id": number + 1,
                "name": f"{number:022}",
                "user_id": (susan, joe)[number % 2],
                "purpose": "post",
                "width": 1,
                "height": 1,
                "color": "#000000",
                "bytes": 1,
                "checksums": "x",
                "waits_since": 5,
            }
            for number in range(250)
        ]
        session.execute(sa.insert(Picture), rows)
    assert [delete_waiting(site.registry) for _ in range(4)] == [100, 100, 50, 0]
    assert (get_bytes(site.database, susan), get_bytes(site.database, joe)) == (40, 0)
    task = DeleteFiles()
    assert [task(site.registry) for _ in range(4)] == [True, True, False, False]
    assert count(site, PictureFilesToDelete) == 0


def test_a_picture_that_is_used_in_the_last_moment_stays(site, storage, susan, keep):
    name = keep(susan)

    def use():
        with site.database.write() as session:
            posts.write(session, susan, "Just in time", pictures=show(name))

    with in_days(1.1), before_the_next_write(site.database, use):
        assert not delete_old_pictures(site.registry)
    rounds(site)
    assert len(list_names(storage)) == 2


@needs_postgresql
def test_a_picture_that_another_transaction_uses_is_waited_for_and_stays(site, storage, susan, keep):
    name = keep(susan)
    with in_days(1.1), site.database.write() as session:
        posts.write(session, susan, "Just in time", pictures=show(name))
        thread = threading.Thread(target=delete_old_pictures, args=[site.registry])
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()
    assert count(site, Picture) == 1


def test_what_another_worker_deletes_at_the_same_time_does_no_harm(site, storage, susan, keep):
    name = keep(susan)
    with site.database.write() as session:
        actions.discard(session, susan, [name])

    with before_the_next_write(site.database, lambda: delete_leftovers(site.registry)):
        batch = delete_leftovers(site.registry)
    assert (batch.deleted, batch.after, batch.refused) == (1, "", None)
    assert list_names(storage) == []
    assert count(site, PictureFilesToDelete) == 0


def test_files_that_are_gone_already_are_forgotten(site, storage, susan, keep):
    """As when a worker was killed between the files and the row."""
    name = keep(susan)
    with site.database.write() as session:
        actions.discard(session, susan, [name])
    storage.delete([f"{name}-0.webp", f"{name}-1.webp"])
    rounds(site)
    assert count(site, PictureFilesToDelete) == 0


# A storage in trouble


class Refusing:
    """A storage that deletes nothing of these shards, or nothing at all; counts how often it is asked."""

    def __init__(self, storage):
        self._storage = storage
        self.is_down = False
        self.stuck: set[str] = set()
        self.asked = 0

    def delete(self, file_names):
        self.asked += 1
        if self.is_down or any(name[:22] in self.stuck for name in file_names):
            raise StorageUnavailable("The disk is read-only: mount it again.")
        self._storage.delete(file_names)

    def __getattr__(self, name):
        return getattr(self._storage, name)


@pytest.fixture
def refusing(site, storage):
    found = Refusing(storage)
    site.registry.registerUtility(found, IPictureStorage)
    return found


def discard(site, user_id, *names):
    with site.database.write() as session:
        actions.discard(session, user_id, names)


def test_a_storage_that_is_down_is_logged_once_and_nothing_is_lost(
    site, storage, refusing, susan, keep, caplog
):
    discard(site, susan, *(keep(susan) for _ in range(5)))
    refusing.is_down = True
    task = DeleteFiles()
    assert [task(site.registry) for _ in range(3)] == [False] * 3
    assert [record.getMessage() for record in caplog.records if "Files of deleted" in record.message] == [
        "Files of deleted pictures stay until they can be deleted: The disk is read-only: mount it again."
    ]
    assert refusing.asked < 15  # it may take seconds each time
    assert count(site, PictureFilesToDelete) == 5
    refusing.is_down = False
    while task(site.registry):
        pass
    task(site.registry)
    assert list_names(storage) == []
    assert caplog.records[-1].getMessage() == "All files of deleted pictures could be deleted again."


def test_a_file_that_cannot_be_deleted_keeps_no_others(site, storage, refusing, susan, keep):
    names = sorted(keep(susan) for _ in range(9))
    refusing.stuck = set(names[:4])
    discard(site, susan, *names)
    task = DeleteFiles()
    for _ in range(5):
        task(site.registry)
    assert sorted({name[:22] for name in list_names(storage)}) == names[:4]
    assert count(site, PictureFilesToDelete) == 4


def test_one_that_is_refused_at_the_end_of_a_batch_is_tried_again(site, storage, refusing, susan, keep):
    names = sorted(keep(susan) for _ in range(3))
    refusing.stuck = {names[-1]}
    discard(site, susan, *names)
    batch = delete_leftovers(site.registry)
    assert (batch.deleted, batch.after) == (2, "")
    assert isinstance(batch.refused, StorageUnavailable)


# The numbers


def test_the_rows_that_wait_and_the_files_that_are_left_are_counted_without_reading_all(
    site, susan, keep, post
):
    with site.database.read() as session:
        assert queries.get_unfinished(session) == queries.Unfinished(0, None, 0, None)
    post(susan)
    gone = keep(susan)
    discard(site, susan, gone)
    keep(susan)
    with site.database.read() as session:
        found = queries.get_unfinished(session)
        assert [
            (each.purpose, each.shown, each.waiting, each.bytes) for each in queries.list_totals(session)
        ] == [("post", 1, 1, 80)]
    assert (found.waiting, found.leftovers) == (1, 1)
    assert found.waiting_since is not None
    assert found.leftovers_since is not None
    assert abs(found.leftovers_since - found.waiting_since) < 60_000
