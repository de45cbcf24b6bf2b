"""`microblog media`: pictures are counted, what nobody needs is deleted, and what is wrong is said."""

from __future__ import annotations

import os
import random
import re
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.killed_pictures import run_rounds
from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.console.site import Site
from microblog.db import DATABASE_URL, StaleData
from microblog.media import actions, checking
from microblog.media.checking import FileCheck, merge
from microblog.media.checks import Totals, describe_all_pictures, describe_pictures
from microblog.media.collecting import PICTURES_AT_ONCE
from microblog.media.commands import describe_unfinished
from microblog.media.models import Picture, PictureFilesToDelete
from microblog.media.names import list_files
from microblog.media.plans import AVATAR, HEADER, POST
from microblog.media.storage.interfaces import FileInfo, IPictureStorage
from microblog.media.upkeep_queries import KeptPicture, Unfinished, walk_pictures, walk_posts
from microblog.posts.actions import delete, write
from microblog.posts.models import Post
from microblog.search.settings import SEARCH
from tests.functional.commands.conftest import run, write_ini
from tests.pictures import in_days, list_names, open_folder, show, store_files

QUOTA = 10_000_000
TWO_DAYS = 2 * 86_400


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pictures"


@pytest.fixture
def ini(application, tmp_path, folder):
    settings = application.registry.microblog
    more = f"microblog.worker = off\nmicroblog.development = true\nmicroblog.media.folder = {folder}"
    return write_ini(tmp_path / "site.ini", settings[DATABASE_URL], settings[SEARCH], more)


@pytest.fixture
def storage(folder):
    return open_folder(folder)


@pytest.fixture
def susan(database):
    with database.write() as session:
        return add_user(session, "susan")


@pytest.fixture
def keep(database, storage):
    def one(user_id, purpose=POST, data=b"x" * 30):
        stored = store_files(storage, data, b"y" * 10)
        with database.write() as session:
            actions.keep(session, user_id, purpose, [stored], quota=QUOTA)
        return stored.name

    return one


@pytest.fixture
def post(database, keep):
    def one(user_id):
        name = keep(user_id)
        with database.write() as session:
            return write(session, user_id, "Look", pictures=show(name)), name

    return one


@pytest.fixture
def portrait(database, keep):
    def one(user_id, purpose):
        name = keep(user_id, purpose)
        with database.write() as session:
            actions.set_portrait(session, user_id, purpose, name)
        return name

    return one


@pytest.fixture
def site(ini):
    found = Site(str(ini))
    yield found
    found.close()


def age(folder, *names, seconds=TWO_DAYS):
    """Make these files, or all, older."""
    for path in folder.rglob("*.webp"):
        if not names or path.name in names:
            then = time.time() - seconds
            os.utime(path, (then, then))


def execute(database, statement):
    with database.write() as session:
        session.execute(statement if not isinstance(statement, str) else sa.text(statement))


# status


def test_status_of_a_site_without_pictures(microblog, folder):
    assert microblog("media", "status").stdout.splitlines() == [
        "All: 0 pictures, 0.0 MB.",
        "No files of deleted pictures are left.",
        f"Pictures are kept in the folder {folder}.",
    ]


def test_status_counts_what_is_shown_what_waits_and_what_is_left(
    microblog, database, susan, keep, post, portrait
):
    post(susan)
    portrait(susan, AVATAR)
    keep(susan, POST, b"z" * 1_500_000)
    post_id, _ = post(susan)
    with database.write() as session:
        delete(session, post_id, susan)
    lines = microblog("media", "status").stdout.splitlines()
    assert lines[:3] == [
        "avatar: 1 shown, 0 wait, 0.0 MB.",
        "post: 1 shown, 1 wait, 1.5 MB.",
        "All: 3 pictures, 1.5 MB.",
    ]
    assert lines[3].startswith("1 wait for their post or profile, the oldest for 0.0 hours")
    assert lines[4].startswith(
        "The files of 1 deleted pictures wait for the worker to delete them, the oldest"
    )


def test_very_many_are_not_counted_to_the_end():
    (waiting, left) = describe_unfinished(Unfinished(10_000, 0, 10_000, 0), 7_200_000)
    assert waiting.startswith("10,000 or more wait for their post or profile, the oldest for 2.0 hours;")
    assert left.startswith("The files of 10,000 or more deleted pictures wait")


def test_status_says_where_nothing_can_be_stored(microblog, folder):
    folder.write_text("not a folder")
    assert "cannot be used" in microblog("media", "status", status=1).stderr


# collect


def test_collect_deletes_what_nobody_needs_and_nothing_else(
    microblog, database, storage, folder, susan, keep, post
):
    shown, waiting = post(susan)[1], keep(susan)
    gone_id, _ = post(susan)
    with database.write() as session:
        delete(session, gone_id, susan)
    orphan, half = store_files(storage, b"1", b"2").name, store_files(storage, b"1").name
    age(folder)
    young = store_files(storage, b"1").name
    result = microblog("media", "collect")
    assert result.stdout.splitlines() == [
        "Deleted 0 pictures that had waited for too long.",
        "Deleted the files of 1 deleted pictures.",
        "Deleted 3 files that belonged to no picture (0.0 MB).",
    ]
    left = {name[:22] for name in list_names(storage)}
    assert left == {shown, waiting, young}
    assert not left & {orphan, half}
    with in_days(1.1):
        said = microblog("media", "collect").stdout
    assert said.startswith("Deleted 1 pictures that had waited for too long.\nDeleted the files of 1 deleted")
    assert {name[:22] for name in list_names(storage)} == {shown}
    assert microblog("media", "collect").stdout.endswith(
        "Deleted 0 files that belonged to no picture (0.0 MB).\n"
    )


def test_a_dry_run_counts_and_deletes_nothing(microblog, database, storage, folder, susan, keep, post):
    keep(susan)
    gone_id, _ = post(susan)
    with database.write() as session:
        delete(session, gone_id, susan)
    store_files(storage, b"1" * 1_000_000)
    age(folder)
    before = list_names(storage)
    with in_days(1.1):
        said = microblog("media", "collect", "--dry-run").stdout.splitlines()
    assert said == [
        "1 pictures that have waited for too long would be deleted.",
        "The files of 1 deleted pictures would be deleted.",
        "1 of 5 files belong to no picture (1.0 MB).",
    ]
    assert list_names(storage) == before


def test_a_file_of_a_picture_that_has_fewer_is_collected(microblog, storage, folder, susan, post):
    name = post(susan)[1]
    storage.put(f"{name}-2.webp", b"more")
    age(folder)
    assert "Deleted 1 files" in microblog("media", "collect").stdout
    assert list_names(storage) == [f"{name}-0.webp", f"{name}-1.webp"]


def test_the_pictures_of_another_site_are_not_collected(microblog, storage, folder):
    """As when a site was started with the wrong database."""
    for _ in range(21):
        store_files(storage, b"1")
    age(folder)
    for words in (["--dry-run"], []):
        error = microblog("media", "collect", *words, status=1).stderr
        assert error.startswith("Error: 21 of 21 files belong to no picture in the database of this site")
        assert "media collect --all`" in error
    assert len(list_names(storage)) == 21
    assert "Deleted 21 files" in microblog("media", "collect", "--all").stdout
    assert list_names(storage) == []


def test_collect_says_which_files_cannot_be_deleted_and_deletes_the_others(
    microblog, database, storage, folder, susan, keep
):
    names = sorted(keep(susan) for _ in range(3))
    with database.write() as session:
        actions.discard(session, susan, names)
    stuck = folder / names[0][:2] / f"{names[0]}-0.webp"
    stuck.unlink()
    stuck.mkdir()  # it cannot be deleted like a file, not even by root
    result = microblog("media", "collect", status=1)
    assert "Deleted the files of 2 deleted pictures." in result.stdout
    assert "cannot be used (Is a directory)" in result.stderr
    with database.read() as session:
        assert session.scalars(sa.select(PictureFilesToDelete.name)).all() == [names[0]]


def test_a_storage_that_is_down_ends_collect_with_its_sentence(microblog, database, folder, susan, keep):
    with database.write() as session:
        actions.discard(session, susan, [keep(susan) for _ in range(2)])
    for shard in folder.iterdir():
        for path in shard.iterdir():
            path.unlink()
            path.mkdir()
    result = microblog("media", "collect", status=1)
    assert "Deleted the files of 0 deleted pictures." in result.stdout
    assert f"The folder of pictures {folder} cannot be used" in result.stderr


def test_commands_need_a_database(tmp_path):
    ini = write_ini(tmp_path / "new.ini", f"sqlite+pysqlite:///{tmp_path}/new.sqlite3")
    for command in ("status", "collect", "check"):
        assert "database upgrade" in run("-c", ini, "media", command, status=1).stderr


# check


def test_a_site_on_which_all_is_well(microblog, database, folder, susan, keep, post, portrait):
    post(susan)
    portrait(susan, AVATAR)
    portrait(susan, HEADER)
    keep(susan)
    age(folder)
    assert microblog("media", "check").stdout == "All is well with 4 pictures and their 8 files.\n"


def test_check_finds_every_fault_of_files(microblog, storage, folder, susan, post):
    (_, missing), (_, damaged) = post(susan), post(susan)
    orphan = store_files(storage, b"1").name
    storage.delete([f"{missing}-1.webp"])
    path = folder / damaged[:2] / f"{damaged}-0.webp"
    path.write_bytes(b"q" + path.read_bytes()[1:])
    age(folder)
    store_files(storage, b"too young to be a fault")
    result = microblog("media", "check", status=1)
    said = result.stdout.splitlines()
    assert said[0].startswith(f"1 files of pictures are missing ({missing}-1.webp): ")
    assert "restore --pictures FILE`" in said[0]
    assert said[1].startswith(f"1 files of pictures are damaged ({damaged}-0.webp): ")
    assert said[2].startswith(f"1 files belong to no picture and are older than a day ({orphan}-0.webp): ")
    assert len(said) == 3
    assert "3 kinds of faults were found" in result.stderr


def test_of_many_faults_some_are_named(microblog, storage, folder):
    names = sorted(store_files(storage, b"1").name for _ in range(25))
    age(folder)
    (line,) = microblog("media", "check", status=1).stdout.splitlines()
    assert line.startswith("25 files belong to no picture")
    assert f"{names[19]}-0.webp, …)" in line
    assert names[20] not in line


def repair(database, line):
    """What the sentence says."""
    match = re.search(r"UPDATE .*;", line)
    assert match
    execute(database, match[0])


def test_wrong_sums_of_bytes_are_found_and_repaired(microblog, database, susan, post):
    post(susan)
    execute(database, "UPDATE users SET pictures_bytes = 5")
    (line,) = microblog("media", "check", status=1).stdout.splitlines()
    assert line.startswith(f"users.pictures_bytes is wrong of the people {susan}: ")
    repair(database, line)
    microblog("media", "check")


@pytest.mark.parametrize("purpose", [AVATAR, HEADER])
def test_a_portrait_without_a_row_is_found_and_repaired(
    microblog, database, storage, susan, portrait, purpose
):
    portrait(susan, purpose)
    other = portrait(susan, {AVATAR: HEADER, HEADER: AVATAR}[purpose])
    execute(database, sa.delete(Picture).where(Picture.purpose == purpose))
    microblog("media", "collect")
    (line,) = microblog("media", "check", status=1).stdout.splitlines()
    assert line.startswith(f"The {purpose} of 1 people is no picture of theirs; ")
    repair(database, line)
    microblog("media", "check")
    assert len(list_names(storage)) == 2
    assert list_names(storage)[0].startswith(other)


def test_a_post_that_shows_a_picture_without_a_row_is_found(microblog, database, susan, post):
    post_id, name = post(susan)
    post(susan)
    execute(database, sa.delete(Picture).where(Picture.name == name))
    microblog("media", "collect")
    (line,) = microblog("media", "check", status=1).stdout.splitlines()
    assert line.startswith("1 posts show pictures that are not theirs by the table of pictures")
    assert str(post_id) in line


def test_pictures_that_nothing_shows_are_found_and_repaired(
    microblog, database, storage, susan, keep, post, portrait
):
    execute(database, sa.update(Picture).where(Picture.name == keep(susan)).values(waits_since=None))
    (bare, _), (other, _) = post(susan), post(susan)
    execute(database, sa.update(Post).where(Post.id == bare).values(pictures=None))
    added = keep(susan)
    execute(database, sa.update(Picture).where(Picture.name == added).values(waits_since=None, post_id=other))
    portrait(susan, AVATAR)
    portrait(susan, HEADER)
    execute(database, sa.update(User).values(avatar=None, header="x" * 22))
    result = microblog("media", "check", status=1)
    strange, line = result.stdout.splitlines()
    assert strange.startswith("The header of 1 people is no picture of theirs")
    assert line.startswith("5 pictures are shown by nothing and wait for nothing")
    repair(database, strange)
    repair(database, line)
    microblog("media", "collect")
    microblog("media", "check")
    assert len(list_names(storage)) == 2


class Changing:
    """A storage that lists its files, but for those of one picture, as they were before something."""

    def __init__(self, storage, happens, left_out):
        self._storage = storage
        self._happens = happens
        self._left_out = left_out

    def list_files(self):
        listed = [file for file in self._storage.list_files() if not file.name.startswith(self._left_out)]
        self._happens()
        yield from listed

    def __getattr__(self, name):
        return getattr(self._storage, name)


def test_what_changes_while_it_is_checked_is_no_fault(site, database, storage, folder, susan, keep, post):
    gone, damaged, stays, late = (post(susan)[1] for _ in range(4))
    added = store_files(storage, b"1", b"2")
    age(folder)

    def change():
        storage.delete([f"{gone}-0.webp", f"{gone}-1.webp", f"{damaged}-0.webp"])
        storage.put(f"{damaged}-0.webp", b"other")
        with database.write() as session:
            session.execute(sa.delete(Picture).where(Picture.name.in_([gone, damaged])))
            actions.keep(session, susan, POST, [added], quota=QUOTA)

    site.registry.registerUtility(Changing(storage, change, late), IPictureStorage)
    found = FileCheck(site.registry).run()
    assert (found.pictures, found.files) == (4, 8)
    assert (found.missing.count, found.damaged.count, found.unknown.count) == (0, 0, 0)
    storage.delete([f"{stays}-0.webp"])
    site.registry.registerUtility(storage, IPictureStorage)
    assert FileCheck(site.registry).run().missing.names == [f"{stays}-0.webp"]


def test_very_many_faults_are_looked_at_in_pieces(site, storage, folder, monkeypatch):
    for _ in range(5):
        store_files(storage, b"1")
    age(folder)
    monkeypatch.setattr(checking, "SUSPECTS_AT_ONCE", 2)
    assert FileCheck(site.registry).run().unknown.count == 5


NAMES = st.sampled_from([f"{letter * 22}" for letter in "-09AZ_az"])


@given(st.sets(NAMES), st.sets(st.tuples(NAMES, st.integers(0, 2))))
def test_rows_and_files_are_merged_by_name(rows, files):
    now = datetime.now(UTC)
    kept = [KeptPicture(name, ("x",)) for name in sorted(rows)]
    listed = [FileInfo(f"{name}-{number}.webp", 1, now) for name, number in sorted(files)]
    merged = list(merge(kept, listed))
    assert [row for row, _ in merged if row is not None] == kept
    assert [file for _, group in merged for file in group] == listed
    for row, group in merged:
        names = {file.name[:22] for file in group} | ({row.name} if row else set())
        assert len(names) == 1
    assert len({(row.name if row else group[0].name[:22]) for row, group in merged}) == len(merged)


def test_pictures_are_walked_in_pieces(database, susan, keep):
    names = sorted(keep(susan) for _ in range(5))
    for rows_at_once in (1, 2, 5, 6):
        assert [each.name for each in walk_pictures(database, rows_at_once)] == names


def test_posts_are_walked_in_pieces(database, susan, post):
    made = [post(susan) for _ in range(3)]
    execute(database, sa.delete(Picture).where(Picture.name.in_([name for _, name in made])))
    for rows_at_once in (1, 2, 3, 4):
        found = [(mismatch.owner, mismatch.name) for mismatch, _ in walk_posts(database, rows_at_once)]
        assert sorted(found) == sorted(made)


# doctor and metrics


def findings(check, site):
    return [(finding.level, finding.sentence) for finding in check(site)]


def test_doctor_looks_at_some_pictures(site, database, storage, susan, post):
    assert findings(describe_pictures, site) == [
        ("ok", "0 that were looked at have their files, and nothing is left to delete.")
    ]
    name = post(susan)[1]
    assert findings(describe_pictures, site)[0][1].startswith("1 that were looked at have their files")
    storage.delete([f"{name}-1.webp"])
    ((level, sentence),) = findings(describe_pictures, site)
    assert level == "fault"
    assert f"1 of 1 pictures that were looked at have no file (such as {name}): run `" in sentence


def test_doctor_says_when_nothing_is_deleted_any_longer(site, database, susan, keep):
    gone = keep(susan)
    keep(susan)
    with database.write() as session:
        actions.discard(session, susan, [gone])
    assert [level for level, _ in findings(describe_pictures, site)] == ["ok"]
    with in_days(0.5):
        (line,) = findings(describe_pictures, site)
    assert line[0] == "warning"
    assert line[1].startswith("Files of deleted pictures are still there, the oldest for 43,")
    assert "media collect` deletes them, or says why it cannot." in line[1]
    with in_days(1.1):
        assert [sentence.split(",")[0] for _, sentence in findings(describe_pictures, site)] == [
            "Files of deleted pictures are still there",
            "Pictures that nothing uses are still there",
        ]


def test_doctor_reads_all_pictures_in_full(site, database, storage, folder, susan, post):
    name = post(susan)[1]
    assert findings(describe_all_pictures, site) == [("ok", "All 1 have their 2 files, as they were stored.")]
    (folder / name[:2] / f"{name}-0.webp").write_bytes(b"damaged")
    execute(database, "UPDATE users SET pictures_bytes = 5")
    assert [level for level, _ in findings(describe_all_pictures, site)] == ["fault", "fault"]


def test_numbers_are_metrics_and_all_pictures_are_not_read_each_time(
    application, database, susan, keep, post, portrait, count_statements
):
    totals = Totals()

    def read():
        with count_statements() as statements, database.read() as session:
            found = {
                gauge.name: gauge.values or gauge.value for gauge in totals(application.registry, session)
            }
        return found, len(statements)

    post(susan)
    portrait(susan, AVATAR)
    keep(susan)
    first, statements = read()
    assert first == {
        "pictures": {(AVATAR,): 1, (POST,): 2},
        "pictures_bytes": {(AVATAR,): 40, (POST,): 80},
        "pictures_waiting": 1,
        "pictures_leftovers": 0,
        "pictures_leftovers_seconds": 0,
    }
    assert statements == 2
    gone = keep(susan)
    with database.write() as session:
        actions.discard(session, susan, [gone])
    with in_days(1):
        second, statements = read()
    assert statements == 1
    assert second["pictures"] == first["pictures"]
    assert (second["pictures_waiting"], second["pictures_leftovers"]) == (1, 1)
    assert 86_000 < second["pictures_leftovers_seconds"] < 87_000


def test_collect_deletes_more_than_one_batch(microblog, database, storage):
    names = [f"{number:022}" for number in range(PICTURES_AT_ONCE + 1)]
    rows = [{"name": name, "files": 1, "since": 0} for name in names]
    with database.write() as session:
        session.execute(sa.insert(PictureFilesToDelete), rows)
    storage.put(f"{names[-1]}-0.webp", b"x")
    assert f"Deleted the files of {len(names)} deleted pictures." in microblog("media", "collect").stdout
    assert list_names(storage) == []
    with database.read() as session:
        assert session.scalars(sa.select(PictureFilesToDelete.name)).all() == []


def test_nothing_is_kept_for_somebody_who_is_not_there(database, storage):
    stored = store_files(storage, b"x")
    with pytest.raises(StaleData), database.write() as session:
        actions.keep(session, 4711, POST, [stored], quota=QUOTA)


# Killed (`benchmarks/killed_pictures.py` does the same for as many rounds as one likes)


@pytest.mark.slow
def test_what_was_killed_at_any_point_leaves_no_row_without_its_files_nor_after_collect_a_file_without_a_row(
    ini, susan, microblog, database, storage
):
    run_rounds(ini, susan, 3, random.Random(1))
    microblog("media", "collect", "--older-than", "0", "--all")
    pictures = list(walk_pictures(database))
    assert pictures
    assert sorted(list_names(storage)) == sorted(
        file for picture in pictures for file in list_files(picture.name, len(picture.checksums))
    )
    said = microblog("media", "check").stdout
    assert said == f"All is well with {len(pictures)} pictures and their {2 * len(pictures)} files.\n"
