"""Backups, restores and copies take the files of pictures along."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from microblog.accounts.queries import add_user
from microblog.console.site import Site
from microblog.db import DATABASE_URL
from microblog.errors import OperatorError
from microblog.media import actions
from microblog.media.plans import POST
from microblog.media.storage.interfaces import FileInfo, IPictureStorage
from microblog.media.storage.settings import STORAGE
from microblog.operations import dumps, keeping, pictures
from microblog.operations.commands import backup
from microblog.operations.commands.pictures import (
    PictureBackup,
    PictureRestore,
    describe_place,
    verify_pictures,
)
from microblog.posts.actions import delete, write
from microblog.search.settings import SEARCH
from tests.conftest import POSTGRESQL_URL
from tests.functional.commands.conftest import run, write_ini
from tests.pictures import list_names, open_folder, show, store_files

QUOTA = 10_000_000


class Bucket:
    """A storage that is none of ours, of which backups know nothing."""

    name = "bucket"

    def __init__(self, storage):
        self._storage = storage

    def __getattr__(self, name):
        return getattr(self._storage, name)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pictures-of-the-site"


@pytest.fixture
def ini(application, tmp_path, folder):
    settings = application.registry.microblog
    more = f"microblog.worker = off\nmicroblog.media.folder = {folder}"
    return write_ini(tmp_path / "site.ini", settings[DATABASE_URL], settings[SEARCH], more)


@pytest.fixture
def storage(folder):
    return open_folder(folder)


@pytest.fixture
def backups(tmp_path):
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


@pytest.fixture
def susan(database):
    with database.write() as session:
        return add_user(session, "susan")


@pytest.fixture
def post(database, storage, susan):
    def one(data=b"x" * 30):
        stored = store_files(storage, data, b"y" * 10)
        with database.write() as session:
            actions.keep(session, susan, POST, [stored], quota=QUOTA)
            post_id = write(session, susan, "Look", pictures=show(stored.name))
        return post_id, stored.name

    return one


@pytest.fixture
def other(tmp_path) -> Iterator[Path]:
    """The ini file of a new site, on an empty database of the same kind."""
    more = f"microblog.worker = off\nmicroblog.media.folder = {tmp_path}/others"
    if not POSTGRESQL_URL:
        url = f"sqlite+pysqlite:///{tmp_path}/other/site.sqlite3"
        yield write_ini(tmp_path / "other.ini", url, "fts5", more)
        return
    name = f"microblog_backup_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(POSTGRESQL_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    made = sa.make_url(POSTGRESQL_URL).set(database=name).render_as_string(hide_password=False)
    yield write_ini(tmp_path / "other.ini", made, "postgresql", more)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


def list_others(tmp_path):
    return list_names(open_folder(tmp_path / "others"))


def age(folder, days=3):
    for path in folder.rglob("*.webp"):
        then = time.time() - days * 86_400
        os.utime(path, (then, then))


def make_older(backups, days):
    """The only backup without an older name, and what it has, are so many days old."""
    (new,) = [path for path in backups.iterdir() if path.is_file() and "2020" not in path.name]
    old = new.rename(new.with_name(f"microblog-2020-01-{days:02}T000000Z{new.suffix}"))
    then = pictures.get_time(old)
    for path in (backups / "pictures").rglob("*.webp"):
        if path.stat().st_mtime > then + 86_400 * 300:
            os.utime(path, (then, then))
    return old


def test_a_restored_site_has_its_pictures(microblog, storage, post, other, tmp_path):
    post()
    post()
    said = microblog("backup", tmp_path / "site.backup").stdout
    assert said.splitlines()[1] == (
        f"Its 4 files of pictures are in {tmp_path}/site.backup.pictures (4 new, 0.0 MB)."
    )
    assert microblog("restore", "--verify", tmp_path / "site.backup").stdout.endswith(
        "Its 2 pictures are whole, too.\n"
    )
    said = run("-c", other, "restore", tmp_path / "site.backup").stdout
    assert "Brought back 4 of 4 files of 2 pictures." in said
    assert list_others(tmp_path) == list_names(storage)
    assert "All is well with 2 pictures" in run("-c", other, "media", "check").stdout


def test_only_the_owner_may_read_the_pictures_of_a_backup(microblog, post, backups):
    name = post()[1]
    microblog("backup", backups)
    path = backups / "pictures" / name[:2] / f"{name}-0.webp"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (
        stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    )


def test_a_site_without_pictures_has_no_folder_of_them(microblog, backups, other):
    assert len(microblog("backup", backups).stdout.splitlines()) == 1
    assert not (backups / "pictures").exists()
    assert "Brought back" not in run("-c", other, "restore", backups).stdout


def test_backups_of_a_folder_share_files_and_what_none_has_is_removed(
    microblog, database, susan, post, backups
):
    (gone_id, gone), (_, kept) = post(), post()
    assert "(4 new" in microblog("backup", backups).stdout
    make_older(backups, 1)
    microblog("backup", backups)
    make_older(backups, 2)
    with database.write() as session:
        delete(session, gone_id, susan)
    microblog("media", "collect")
    post()
    said = microblog("backup", "--keep", 3, backups).stdout
    assert "Its 4 files of pictures" in said
    assert "(2 new" in said
    assert "no backup has any longer" not in said
    files = {path.name[:22] for path in (backups / "pictures").rglob("*.webp")}
    assert {gone, kept} < files
    (backups / "pictures" / gone[:2] / ".old.tmp").write_text("of a backup that was killed")
    old = time.time() - 3 * 86_400
    os.utime(backups / "pictures" / gone[:2] / ".old.tmp", (old, old))
    time.sleep(1.1)  # a name of its own
    said = microblog("backup", "--keep", 1, backups).stdout
    assert "Removed 2 files of pictures that no backup has any longer." in said
    left = {path.name[:22] for path in (backups / "pictures").rglob("*") if path.is_file()}
    assert gone not in left
    assert kept in left
    assert ".old.tmp" not in left
    assert "pictures are whole, too" in microblog("restore", "--verify", backups).stdout


def test_what_changes_while_a_backup_is_made_is_in_it(
    ini, database, storage, susan, post, tmp_path, microblog
):
    """A picture that is added after the first copy, and one that is deleted before the second."""
    file = tmp_path / "site.backup"
    gone_id, gone = post()
    site = Site(str(ini))
    made = PictureBackup(site, file)
    made.copy()
    added = post()[1]
    backup.make(site, file)
    with database.write() as session:
        delete(session, gone_id, susan)
    microblog("media", "collect")
    made.copy()
    made.finish()
    site.close()
    whole = pictures.verify(file)
    assert (whole.pictures, whole.missing.count, whole.damaged.count) == (2, 0, 0)
    assert {path.name[:22] for path in (tmp_path / "site.backup.pictures").rglob("*.webp")} == {gone, added}


def test_a_backup_at_the_same_time_does_not_make_files_older(microblog, storage, post, backups):
    name = post()[1]
    microblog("backup", backups)
    path = backups / "pictures" / name[:2] / f"{name}-0.webp"
    before = path.stat().st_mtime
    pictures.PictureFolder(backups / "pictures").add_all(storage, before - 1000)
    assert path.stat().st_mtime == before


class GoneFile(Bucket):
    """A picture is deleted after its files were listed."""

    def list_files(self):
        yield from self._storage.list_files()
        yield FileInfo(f"{'A' * 22}-0.webp", 3, datetime.now(UTC))


def test_a_file_that_is_deleted_while_a_backup_is_made_is_in_none(storage, post, tmp_path):
    post()
    copied, gone = pictures.PictureFolder(tmp_path / "copy"), GoneFile(storage)
    added = copied.add_all(gone, time.time())  # type: ignore[arg-type]
    assert (added.files, added.new) == (2, 2)
    assert copied.find(f"{'A' * 22}-0.webp") is None


def test_a_file_that_was_cut_off_is_copied_again(microblog, post, backups):
    name = post()[1]
    microblog("backup", backups)
    path = backups / "pictures" / name[:2] / f"{name}-0.webp"
    path.write_bytes(b"x")
    time.sleep(1.1)
    assert "(1 new" in microblog("backup", backups).stdout
    assert path.read_bytes() == b"x" * 30


def test_missing_and_damaged_pictures_of_a_backup_are_found(microblog, post, backups):
    (_, missing), (_, damaged) = post(), post()
    microblog("backup", backups)
    (backups / "pictures" / missing[:2] / f"{missing}-0.webp").unlink()
    (backups / "pictures" / damaged[:2] / f"{damaged}-1.webp").write_bytes(b"z" * 10)
    error = microblog("restore", "--verify", backups, status=1).stderr
    assert f"1 files are missing ({missing}-0.webp) and 1 files are damaged ({damaged}-1.webp)" in error


def test_a_site_that_lacks_files_is_backed_up_and_warned_of(microblog, storage, post, backups):
    name = post()[1]
    post()
    storage.delete([f"{name}-0.webp"])
    result = microblog("backup", backups)
    assert "Backed up the database" in result.stdout
    assert f"Warning: 1 pictures have no file, neither here nor in the backup ({name})" in result.stderr


def test_the_database_is_backed_up_even_when_pictures_cannot_be(microblog, post, backups):
    post()
    (backups / "pictures").write_text("not a folder")
    result = microblog("backup", backups, status=1)
    assert "Backed up the database" in result.stdout
    assert "pictures" in result.stderr
    assert keeping.list_backups(backups)


def test_pictures_are_not_backed_up_into_themselves(microblog, folder, post, tmp_path, monkeypatch):
    post()
    folder.rename(tmp_path / "pictures")
    monkeypatch.setenv("MICROBLOG_MEDIA_FOLDER", str(tmp_path / "pictures"))
    error = microblog("backup", tmp_path, status=1).stderr
    assert f"Backups keep their pictures in {tmp_path}/pictures, and so does the site" in error


def test_a_restore_without_the_pictures_is_refused_before_it_begins(microblog, post, other, tmp_path):
    name = post()[1]
    microblog("backup", tmp_path / "site.backup")
    shutil.move(tmp_path / "site.backup.pictures", tmp_path / "elsewhere")
    error = run("-c", other, "restore", tmp_path / "site.backup", status=1).stderr
    assert f"2 of 2 files of the backup's pictures are missing ({name}-0.webp, {name}-1.webp)" in error
    assert f"put the folder {tmp_path}/site.backup.pictures there" in error
    assert not (tmp_path / "other" / "site.sqlite3").exists()
    result = run("-c", other, "restore", "--allow-missing-pictures", tmp_path / "site.backup")
    assert "Brought back 0 of 2 files of 1 pictures." in result.stdout
    assert "Warning: of its pictures 2 files are missing" in result.stderr


def test_a_restore_that_is_refused_brings_no_picture_back(
    microblog, database, susan, storage, post, tmp_path
):
    post_id, _ = post()
    microblog("backup", tmp_path / "site.backup")
    with database.write() as session:
        delete(session, post_id, susan)
    microblog("media", "collect")
    database.close()
    assert "is not empty" in microblog("restore", tmp_path / "site.backup", status=1).stderr
    assert list_names(storage) == []


def test_files_of_pictures_are_brought_back_while_the_site_goes_on(
    microblog, database, susan, storage, folder, post, backups
):
    (_, missing), (_, damaged), (gone_id, gone) = post(), post(), post()
    microblog("backup", backups)
    with database.write() as session:
        delete(session, gone_id, susan)
    microblog("media", "collect")
    storage.delete([f"{missing}-0.webp"])
    (folder / damaged[:2] / f"{damaged}-1.webp").write_bytes(b"z" * 10)
    microblog("media", "check", status=1)
    said = microblog("restore", "--pictures", backups).stdout
    assert said == "Brought back 2 of 4 files of 2 pictures.\n"
    assert "All is well with 2 pictures" in microblog("media", "check").stdout
    assert not any(name.startswith(gone) for name in list_names(storage))


def test_what_the_backup_lacks_too_is_said(microblog, storage, post, backups):
    (_, one), (_, two) = post(), post()
    microblog("backup", backups)
    storage.delete([f"{one}-0.webp", f"{two}-0.webp"])
    (backups / "pictures" / one[:2] / f"{one}-0.webp").unlink()
    (backups / "pictures" / two[:2] / f"{two}-0.webp").write_bytes(b"z" * 30)
    error = microblog("restore", "--pictures", backups, status=1).stderr
    assert f"1 files are missing ({one}-0.webp) and 1 files are damaged ({two}-0.webp): try an older" in error


def test_a_backup_from_before_there_were_pictures_is_restored(microblog, post, tmp_path):
    """It has no table of them."""
    if POSTGRESQL_URL:
        microblog("backup", tmp_path / "site.backup")
        assert list(dumps.read_rows(tmp_path / "site.backup", "strangers", ("name",))) == []
        return
    with sqlite3.connect(tmp_path / "old.sqlite3") as connection:
        connection.execute("CREATE TABLE users (id INTEGER)")
    assert list(pictures.read_pictures(tmp_path / "old.sqlite3")) == []


def test_a_dump_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "site.dump").write_bytes(b"PGDMPnothing")
    if shutil.which("pg_restore"):
        with pytest.raises(OperatorError, match="pg_restore failed"):
            list(pictures.read_pictures(tmp_path / "site.dump"))


# Pictures that are elsewhere


@pytest.fixture
def elsewhere(ini, storage):
    """The site, whose pictures are in a bucket."""
    found = Site(str(ini))
    found.registry.registerUtility(Bucket(storage), IPictureStorage)
    yield found
    found.close()


def test_pictures_that_are_in_a_bucket_stay_there(elsewhere, post, tmp_path, capsys):
    post()
    file = tmp_path / "site.backup"
    made = PictureBackup(elsewhere, file)
    made.copy()
    backup.make(elsewhere, file)
    made.finish()
    assert "Pictures are not in it: they stay where they are (microblog.media." in capsys.readouterr().out
    assert verify_pictures(elsewhere, file).startswith("Pictures are not in it (microblog.media.")
    PictureRestore(elsewhere, file, allow_missing=False).bring_back()
    assert capsys.readouterr().out.startswith("Pictures stay where they are (microblog.media.")


def test_pictures_of_a_folder_are_restored_to_a_bucket(elsewhere, microblog, storage, post, tmp_path):
    post()
    microblog("backup", tmp_path / "site.backup")
    before = list_names(storage)
    storage.delete(before)
    PictureRestore(elsewhere, tmp_path / "site.backup", allow_missing=False).bring_back()
    assert list_names(storage) == before


def test_a_place_is_named_by_its_settings(elsewhere):
    registry: Any = SimpleNamespace(microblog={STORAGE: "s3"})
    assert describe_place(registry) == "microblog.media.storage = s3"


# copy-database


def test_pictures_stay_where_they_are_when_a_database_is_copied(ini, application, folder, post, tmp_path):
    post()
    url = application.registry.microblog[DATABASE_URL]
    said = run("-c", ini, "copy-database", url, f"sqlite+pysqlite:///{tmp_path}/copy.sqlite3").stdout
    assert f"The files of its 1 pictures stay where they are (microblog.media.folder = {folder})" in said


def test_a_copied_site_may_have_its_own_pictures(ini, application, storage, post, tmp_path):
    name, lost = post()[1], post()[1]
    storage.delete([f"{lost}-1.webp"])
    url = application.registry.microblog[DATABASE_URL]
    copied = f"sqlite+pysqlite:///{tmp_path}/copy.sqlite3"
    result = run("-c", ini, "copy-database", "--pictures", tmp_path / "others", url, copied)
    assert f"Copied 3 files of pictures to {tmp_path}/others." in result.stdout
    assert f"For its pictures set microblog.media.folder = {tmp_path}/others." in result.stdout
    assert f"Warning: 1 files of pictures are missing where they are kept ({lost}-1.webp;" in result.stderr
    assert list_others(tmp_path) == list_names(storage)
    path = tmp_path / "others" / name[:2] / f"{name}-0.webp"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o640, 0o750)


def test_a_copy_that_lacks_nothing_warns_of_nothing(ini, application, storage, post, tmp_path):
    post()
    url = application.registry.microblog[DATABASE_URL]
    copied = f"sqlite+pysqlite:///{tmp_path}/copy.sqlite3"
    result = run("-c", ini, "copy-database", "--pictures", tmp_path / "others", url, copied)
    assert f"Copied 2 files of pictures to {tmp_path}/others." in result.stdout
    assert "Warning" not in result.stderr
    assert list_others(tmp_path) == list_names(storage)


def test_a_copy_without_pictures_says_nothing_of_them(ini, application, susan, tmp_path):
    url = application.registry.microblog[DATABASE_URL]
    said = run("-c", ini, "copy-database", url, f"sqlite+pysqlite:///{tmp_path}/copy.sqlite3").stdout
    assert "its 0 pictures" not in said
    assert "files of" not in said
