"""`microblog backup` and `microblog restore`: what was there is there again, or a sentence says why not."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
import sqlalchemy as sa

from microblog.db import DATABASE_URL, Database
from microblog.errors import OperatorError
from microblog.operations import keeping, migrating
from microblog.operations.backup import copy_sqlite
from microblog.operations.dumps import run as run_program
from tests.conftest import POSTGRESQL_URL, Application, settings_for
from tests.functional.commands.conftest import run, write_ini
from tests.walk import bodies, enter, log_in, write

only_sqlite = pytest.mark.skipif(
    bool(POSTGRESQL_URL), reason="Run without MICROBLOG_TEST_DATABASE_URL too: this is about SQLite."
)
only_postgresql = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL, to back up PostgreSQL."
)
UNSEALED = ("PRAGMA application_id=0", "PRAGMA user_version=0")
DEAD_SERVER = "postgresql+psycopg://me:secret@127.0.0.1:1/x"


@pytest.fixture
def susan(browser):
    """A person with a post."""
    enter(browser, "susan")
    write(browser, "A post worth keeping")
    return browser


@pytest.fixture
def url(application):
    return application.registry.microblog[DATABASE_URL]


@pytest.fixture
def other(tmp_path) -> Iterator[Path]:
    """The ini file of a new site, on an empty database of the same kind."""
    if not POSTGRESQL_URL:
        yield write_ini(tmp_path / "other.ini", f"sqlite+pysqlite:///{tmp_path}/other/site.sqlite3", "fts5")
        return
    name = f"microblog_backup_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(POSTGRESQL_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    made = sa.make_url(POSTGRESQL_URL).set(database=name).render_as_string(hide_password=False)
    yield write_ini(tmp_path / "other.ini", made, "postgresql")
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


def parse_url(ini):
    match = re.search("^microblog.database.url = (.*)$", ini.read_text(), re.MULTILINE)
    assert match
    return match[1].replace("%%", "%")


def execute(file, *statements):
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
    return rows


# Both databases


def test_a_backup_restores_everything_at_another_location(susan, microblog, other, tmp_path):
    said = microblog("backup", tmp_path / "site.backup").stdout
    assert said.startswith(f"Backed up the database to {tmp_path}/site.backup (")
    said = run("-c", other, "restore", tmp_path / "site.backup").stdout
    assert f"Restored {tmp_path}/site.backup." in said
    assert f"is up to date (revision {migrating.get_head()})" in said
    assert f"`microblog -c {other} search verify --fix`" in said
    assert "agrees with the posts" in run("-c", other, "search", "verify").stdout
    assert "is as it should be" in run("-c", other, "database", "check").stdout
    site = Application(settings_for(parse_url(other)))
    browser = site.browser()
    log_in(browser, "susan")
    write(browser, "Written afterwards")
    assert bodies(browser.get("/explore")) == ["Written afterwards", "A post worth keeping"]
    site.database.close()


def test_a_backup_can_be_verified_without_touching_the_site(susan, microblog, tmp_path):
    microblog("backup", tmp_path / "site.backup")
    write(susan, "Written since")
    said = microblog("restore", "--verify", tmp_path / "site.backup").stdout
    whole = f"{tmp_path}/site.backup is whole: 1 people and 1 posts (revision {migrating.get_head()}).\n"
    assert said == whole
    assert bodies(susan.get("/explore")) == ["Written since", "A post worth keeping"]


def test_a_site_that_was_made_but_is_empty_may_be_restored_into(susan, microblog, other, tmp_path):
    microblog("backup", tmp_path / "site.backup")
    run("-c", other, "database", "upgrade")
    assert "is up to date" in run("-c", other, "restore", tmp_path / "site.backup").stdout
    assert "agrees with the posts" in run("-c", other, "search", "verify").stdout


def test_a_site_with_people_is_not_restored_into(susan, microblog, tmp_path):
    microblog("backup", tmp_path / "site.backup")
    susan.app.registry.database.close()
    assert "is not empty" in microblog("restore", tmp_path / "site.backup", status=1).stderr
    assert bodies(susan.get("/explore")) == ["A post worth keeping"]


def test_nobody_else_may_read_a_backup_and_none_is_overwritten(microblog, tmp_path):
    file = tmp_path / "site.backup"
    microblog("backup", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"There is {file} already" in microblog("backup", file, status=1).stderr
    file.write_text("old")
    microblog("backup", "--overwrite", file)
    assert file.stat().st_size > 1000
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == ["site.backup"]


def days(folder, *numbers, of):
    """Backups of these days: copies of one."""
    folder.mkdir(exist_ok=True)
    suffix = "dump" if POSTGRESQL_URL else "sqlite3"
    files = [folder / f"microblog-2026-01-{number:02}T030000Z.{suffix}" for number in numbers]
    for file in files:
        shutil.copyfile(of, file)
    return files


@pytest.fixture
def folder(microblog, susan, tmp_path):
    """A folder with whole backups of three days."""
    microblog("backup", tmp_path / "site.backup")
    days(tmp_path / "backups", 1, 2, 3, of=tmp_path / "site.backup")
    return tmp_path / "backups"


def test_a_folder_keeps_the_newest_backups_and_the_newest_is_verified(microblog, susan, folder):
    (folder / "notes.txt").touch()
    killed = folder / ".microblog-2026-01-01T030000Z.dump.abc.partial"
    killed.touch()
    os.utime(killed, (0, 0))
    running = folder / ".microblog-2026-01-04T030000Z.dump.abc.partial"
    running.touch()
    first, second, third = sorted(folder.glob("microblog-*"))
    result = microblog("backup", "--keep", 2, folder)
    assert result.stderr == ""
    assert result.stdout.splitlines()[1:] == [
        f"Removed {second}.",
        f"Removed {first}.",
        f"Removed {killed}.",
    ]
    running.unlink()
    kept, newest, notes = sorted(path.name for path in folder.iterdir())
    assert (kept, notes) == (third.name, "notes.txt")
    assert f"{folder}/{newest} is whole" in microblog("restore", "--verify", folder).stdout
    assert "--keep is for a folder" in microblog("backup", "--keep", 2, folder / "x", status=2).stderr


def test_without_a_backup_there_is_none_to_verify(microblog, tmp_path):
    (tmp_path / "empty").mkdir()
    error = microblog("restore", "--verify", tmp_path / "empty", status=1).stderr
    assert f"There is no backup in {tmp_path}/empty." in error


def test_damaged_backups_do_not_count_among_those_that_are_kept(microblog, folder):
    first, second, third = sorted(folder.glob("microblog-*"))
    third.write_bytes(third.read_bytes()[:-2000])
    second.write_bytes(b"")
    error = microblog("backup", "--keep", 2, folder).stderr
    assert f"Warning: {third} is damaged" in error
    assert f"Warning: {second} was not made by `microblog backup`; it does not count" in error
    assert {first, second, third} < set(folder.iterdir())


def test_damaged_backups_older_than_those_that_are_kept_are_removed(microblog, folder):
    first, second, third = sorted(folder.glob("microblog-*"))
    first.write_bytes(b"")
    assert microblog("backup", "--keep", 3, folder).stderr == ""
    assert not first.exists()
    assert {second, third} < set(folder.iterdir())


def test_a_backup_that_is_dated_in_the_future_pushes_none_out(microblog, folder):
    (future,) = days(folder, 4, of=next(folder.iterdir()))
    future = future.rename(folder / future.name.replace("2026-01", "2099-01"))
    result = microblog("backup", "--keep", 1, folder)
    assert result.stdout.count("Removed") == 3
    assert f"Warning: {future} has a time in the future" in result.stderr
    new, left = sorted(folder.glob("microblog-*"))
    assert left == future
    assert f"{new} is whole" in microblog("restore", "--verify", folder).stdout
    new.unlink()
    assert f"{future} is whole" in microblog("restore", "--verify", folder).stdout


def test_backups_of_two_sites_in_one_folder_do_not_push_each_other_out(microblog, folder, other):
    run("-c", other, "database", "upgrade")
    run("-c", other, "user", "add", "ada", "--password-stdin", stdin="a long password of ada's\n")
    before = set(folder.glob("microblog-*"))
    result = run("-c", other, "backup", "--keep", 1, folder)
    assert result.stderr.count("is of another site; it does not count, and was not removed.") == 3
    assert before < set(folder.glob("microblog-*"))


def test_a_backup_that_cannot_be_looked_at_is_left_alone(microblog, folder):
    (folder / "microblog-2025-01-01T030000Z.sqlite3").symlink_to("/nowhere")
    error = microblog("backup", "--keep", 1, folder).stderr
    assert "microblog-2025-01-01T030000Z.sqlite3 cannot be read ([Errno 2]" in error


@pytest.fixture
def admins(ini, tmp_path):
    """Mail to the admins becomes files; a function that gives (subject, text) of each."""
    folder = tmp_path / "mail"
    ini.write_text(
        ini.read_text().replace(
            "microblog.worker = off",
            "microblog.worker = off\nmicroblog.admins = root@localhost\n"
            f"microblog.mail.folder = {folder}\nmicroblog.alerts.state = {tmp_path}/alerts",
        )
    )

    def mails():
        messages = [
            message_from_bytes(path.read_bytes(), EmailMessage, policy=SMTP)
            for path in sorted(folder.glob("*.eml"))
        ]
        return [(message["Subject"], message.get_content()) for message in messages]

    return mails


def test_a_site_that_was_emptied_pushes_out_no_backup_with_more_in_it(
    microblog, admins, susan, database, tmp_path
):
    for number in range(12):
        write(susan, f"Post {number}")
    microblog("backup", tmp_path / "site.backup")
    files = days(tmp_path / "backups", 1, 2, 3, of=tmp_path / "site.backup")
    with database.write() as session:
        session.execute(sa.text("DELETE FROM posts"))
    result = microblog("backup", "--keep", 1, tmp_path / "backups")
    assert set(files) < set((tmp_path / "backups").iterdir())
    assert f"{files[2]} has far more in it than the database now (1 people and 0 posts)" in result.stderr
    ((subject, text),) = admins()
    assert subject == "[microblog] The site has lost much of what its backups have"
    assert "Find out what became of the rest" in text
    error = microblog("backup", "--overwrite", tmp_path / "site.backup", status=1).stderr
    assert f"{tmp_path}/site.backup has far more in it than the database now" in error
    assert "13 posts" in microblog("restore", "--verify", tmp_path / "site.backup").stdout


def test_a_backup_that_fails_is_mailed_before_the_command_ends_and_so_is_the_next_success(
    microblog, admins, tmp_path, monkeypatch
):
    folder = tmp_path / "backups"
    folder.mkdir()
    gone = tmp_path / "gone.sqlite3"
    monkeypatch.setenv("MICROBLOG_SEARCH", "none")
    monkeypatch.setenv("MICROBLOG_DATABASE_URL", f"sqlite+pysqlite:///{gone}")
    for _ in range(3):
        error = microblog("backup", folder, status=1).stderr
        assert f"There is no database to back up at {gone}" in error
    ((subject, text),) = admins()
    assert subject == "[microblog] The backup has failed"
    assert "There is no database to back up" in text
    assert "`main backup`" in text
    monkeypatch.delenv("MICROBLOG_SEARCH")
    monkeypatch.delenv("MICROBLOG_DATABASE_URL")
    microblog("backup", folder)
    microblog("backup", "--overwrite", folder)
    assert [subject for subject, _ in admins()][1:] == ["[microblog] The backup works again"]


def test_a_verification_that_fails_is_mailed(microblog, admins, folder):
    newest = sorted(folder.glob("microblog-*"))[-1]
    newest.write_bytes(newest.read_bytes()[:-2000])
    microblog("restore", "--verify", folder, status=1)
    ((subject, text),) = admins()
    assert subject == "[microblog] The backup's verification has failed"
    assert f"{newest} is damaged" in " ".join(text.split())
    microblog("restore", "--verify", folder / "nonsense", status=1)  # within the hour: counted
    assert len(admins()) == 1


def test_a_wrong_option_and_wrong_settings_are_mailed_to_nobody(microblog, admins, ini, tmp_path):
    microblog("backup", "--keep", 2, tmp_path / "x", status=2)
    ini.write_text(ini.read_text().replace("microblog.worker = off", "microblog.worker = maybe"))
    assert "The settings are wrong" in microblog("backup", tmp_path / "x", status=1).stderr
    assert admins() == []


def test_a_folder_that_cannot_be_written_is_reported(microblog, tmp_path):
    assert "There is no folder" in microblog("backup", tmp_path / "no" / "x", status=1).stderr
    (tmp_path / "x.dump").write_text("x")
    error = microblog("backup", tmp_path / "x.dump" / "y", status=1).stderr
    assert "There is no folder" in error
    error = microblog("restore", tmp_path / "missing", status=1).stderr
    assert f"{tmp_path}/missing cannot be read or written (No such file or directory)." in error
    error = microblog("restore", tmp_path / "x.dump", status=1).stderr
    assert "was not made by `microblog backup`" in error


def test_a_search_index_outside_of_the_database_is_made_again(susan, microblog, other, tmp_path):
    microblog("backup", tmp_path / "site.backup")
    text = re.sub("microblog.search = .*", "microblog.search = none", other.read_text())
    other.write_text(text)
    assert "search rebuild`" in run("-c", other, "restore", tmp_path / "site.backup").stdout


# SQLite


@only_sqlite
def test_a_backup_of_a_running_site_is_a_consistent_snapshot(susan, url, tmp_path):
    file = Path(sa.make_url(url).database or "")
    execute(file, "CREATE TABLE ballast (x)", "INSERT INTO ballast VALUES (zeroblob(20000000))")
    seen = []

    def meanwhile(pages, total):
        seen.append((pages, total))
        assert len(seen) < 100, "It begins anew with each write."
        write(susan, f"Written meanwhile {len(seen)}")

    copy_sqlite(file, tmp_path / "copy", meanwhile)
    assert len(seen) > 1
    assert [pages for pages, _ in seen] == sorted(pages for pages, _ in seen)  # it never began anew
    assert execute(tmp_path / "copy", "SELECT body FROM posts") == [("A post worth keeping",)]
    assert len(bodies(susan.get("/explore"))) == 1 + len(seen)
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy"]


@only_sqlite
def test_a_database_in_use_is_not_replaced_and_what_was_there_is_kept(susan, microblog, url, tmp_path):
    database = Path(sa.make_url(url).database or "")
    microblog("backup", tmp_path / "site.backup")
    write(susan, "Written since")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("SELECT * FROM users")
        error = microblog("restore", "--overwrite", tmp_path / "site.backup", status=1).stderr
    assert f"{database} is in use, or may not be written: stop the site" in error
    susan.app.registry.database.close()
    said = microblog("restore", "--overwrite", tmp_path / "site.backup").stdout
    (renamed,) = database.parent.glob("*.before-restore-*")
    assert f"What was there is now {renamed}." in said
    assert execute(renamed, "SELECT count(*) FROM posts") == [(2,)]
    assert bodies(susan.get("/explore")) == ["A post worth keeping"]
    renamed.unlink()


@only_sqlite
def test_restoring_also_renames_a_damaged_database(susan, microblog, other, tmp_path):
    microblog("backup", tmp_path / "site.backup")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "site.sqlite3").write_text("damaged " * 1000)
    assert "is not empty" in run("-c", other, "restore", tmp_path / "site.backup", status=1).stderr
    run("-c", other, "restore", "--overwrite", tmp_path / "site.backup")
    (renamed,) = (tmp_path / "other").glob("site.sqlite3.before-restore-*")
    assert renamed.read_text().startswith("damaged ")


@only_sqlite
def test_a_byte_that_flipped_in_a_text_is_found_and_a_restored_database_may_be_changed(
    susan, microblog, other, tmp_path
):
    file = tmp_path / "site.backup"
    microblog("backup", file)
    run("-c", other, "restore", file)
    file.write_bytes(file.read_bytes().replace(b"worth keeping", b"worth kee\0ing"))
    error = microblog("restore", "--verify", file, status=1).stderr
    assert "is damaged, or was changed after it was made" in error
    database = tmp_path / "other" / "site.sqlite3"
    execute(database, "UPDATE posts SET body = 'Changed'")
    assert "is whole" in microblog("restore", "--verify", database).stdout


def killed_while_writing(file, statement):
    """A process wrote into the log of this database and was killed: the log is there."""
    code = f"""
import os, sqlite3
connection = sqlite3.connect({str(file)!r}, isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute({statement!r})
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert Path(f"{file}-wal").stat().st_size > 0


@only_sqlite
def test_the_log_of_a_database_that_is_gone_does_not_come_into_the_restored_one(
    susan, microblog, other, tmp_path
):
    microblog("backup", tmp_path / "site.backup")
    run("-c", other, "restore", tmp_path / "site.backup")
    database = tmp_path / "other" / "site.sqlite3"
    killed_while_writing(database, "UPDATE users SET about_me = 'From the log'")
    database.unlink()
    said = run("-c", other, "restore", tmp_path / "site.backup").stdout
    assert execute(database, "SELECT count(*) FROM users WHERE about_me = 'From the log'") == [(0,)]
    (renamed,) = database.parent.glob("*.before-restore-*-wal")
    assert f"What was there is now {renamed}." in said


@only_sqlite
def test_a_file_is_restored_with_its_log(susan, microblog, other, tmp_path):
    file = tmp_path / "site.backup"
    microblog("backup", file)
    killed_while_writing(file, "DELETE FROM posts")
    assert "1 people and 0 posts" in microblog("restore", "--verify", file).stdout
    run("-c", other, "restore", file)
    assert execute(tmp_path / "other" / "site.sqlite3", "SELECT count(*) FROM posts") == [(0,)]


@only_sqlite
def test_a_backup_cannot_replace_the_database_itself(susan, microblog, url):
    database = Path(sa.make_url(url).database or "")
    error = microblog("backup", "--overwrite", database, status=1).stderr
    assert f"{database} is the site's database itself" in error


@only_sqlite
def test_an_empty_file_is_replaced(susan, microblog, other, tmp_path):
    microblog("backup", tmp_path / "site.backup")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "site.sqlite3").touch()
    run("-c", other, "restore", tmp_path / "site.backup")


@only_sqlite
@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            [*UNSEALED, "UPDATE alembic_version SET version_num = '9999'"],
            "was made by a newer version of microblog (revision 9999)",
        ),
        ([*UNSEALED, "DELETE FROM alembic_version"], "is damaged, or not microblog's"),
        ([*UNSEALED, "DROP TABLE users"], "is damaged, or not microblog's"),
        (["PRAGMA foreign_keys=OFF", "INSERT INTO nicknames VALUES ('x', 99)"], "refers to nothing in users"),
        (
            ["PRAGMA writable_schema=ON", "UPDATE sqlite_master SET rootpage = 3 WHERE name = 'posts'"],
            "is damaged",
        ),
    ],
)
def test_a_backup_that_is_not_whole_is_reported_and_not_restored(
    microblog, other, tmp_path, damage, sentence
):
    file = tmp_path / "site.backup"
    microblog("backup", file)
    execute(file, *damage)
    for options in ([], ["--verify"]):
        assert sentence in run("-c", other, "restore", *options, file, status=1).stderr
    assert not list((tmp_path / "other").glob("*.sqlite3"))


@only_sqlite
def test_an_older_backup_is_upgraded(microblog, other, tmp_path):
    file = tmp_path / "site.backup"
    run("-c", other, "database", "upgrade")
    database = tmp_path / "other" / "site.sqlite3"
    old = Database(f"sqlite+pysqlite:///{database}")
    migrating.downgrade(old, "0001")
    old.close()
    run("-c", other, "backup", file)
    database.unlink()
    assert "is upgraded from revision 0001" in run("-c", other, "restore", file).stdout


@only_sqlite
def test_where_there_is_no_file_nothing_is_backed_up_or_restored(microblog, new_site, tmp_path):
    file = tmp_path / "site.backup"
    assert "There is no database to back up at" in run("-c", new_site, "backup", file, status=1).stderr
    memory = write_ini(tmp_path / "memory.ini", "sqlite+pysqlite://")
    assert "at :memory:." in run("-c", memory, "backup", file, status=1).stderr
    assert not file.exists()
    microblog("backup", file)
    assert "is in memory" in run("-c", memory, "restore", file, status=1).stderr
    no_database = tmp_path / "none.sqlite3"
    no_database.write_text("nothing " * 1000)
    ini = write_ini(tmp_path / "none.ini", f"sqlite+pysqlite:///{no_database}")
    error = run("-c", ini, "backup", tmp_path / "another", status=1).stderr
    assert "The database cannot be used (file is not a database): if it is damaged, restore" in error


def damaged(file):
    """SQLite's file with pages of the posts overwritten, as a disk does it; its beginning is whole."""
    data = bytearray(file.read_bytes())
    position = data.index(b"A post worth keeping")
    page = position // 4096 * 4096
    data[page : page + 8] = b"\xff" * 8
    file.write_bytes(data)


@only_sqlite
def test_a_backup_of_a_damaged_database_replaces_none_that_is_whole(
    microblog, admins, application, folder, url
):
    good = set(folder.glob("microblog-*"))
    application.database.close()
    file = Path(sa.make_url(url).database or "")
    damaged(file)
    (folder / "microblog-2026-01-01T030000Z.sqlite3.damaged").touch()
    (folder / "microblog-of-somebody.damaged").touch()
    for _ in range(5):
        result = microblog("backup", "--keep", 2, folder, status=1)
        assert len(result.stderr.strip().splitlines()) == 1
        assert "The copy of the database is damaged" in result.stderr
        assert "no other backup was removed" in result.stderr
        assert set(folder.glob("microblog-*Z.sqlite3")) == good
        assert len(list(folder.glob("microblog-2*.damaged"))) == 1
        assert (folder / "microblog-of-somebody.damaged").exists()
    ((subject, text),) = admins()
    assert subject == "[microblog] The backup has failed"
    assert "restore the newest backup" in " ".join(text.split())
    error = microblog("backup", "--overwrite", folder.parent / "site.backup", status=1).stderr
    assert "site.backup.damaged" in error
    assert "is whole" in microblog("restore", "--verify", folder.parent / "site.backup").stdout


@only_sqlite
def test_a_backup_with_a_broken_reference_is_kept_as_damaged(microblog, url, folder):
    execute(
        Path(sa.make_url(url).database or ""),
        "PRAGMA foreign_keys=OFF",
        "INSERT INTO nicknames VALUES ('x', 99)",
    )
    error = microblog("backup", "--keep", 1, folder, status=1).stderr
    assert "refers to nothing in users" in error
    assert len(list(folder.glob("microblog-*Z.sqlite3"))) == 3


@only_sqlite
def test_a_copy_that_cannot_be_sealed_is_not_whole(microblog, url, tmp_path, application):
    application.database.close()
    file = Path(sa.make_url(url).database or "")
    execute(file, "PRAGMA writable_schema=ON", "UPDATE sqlite_master SET sql = 'nonsense'")
    error = microblog("backup", tmp_path / "site.backup", status=1).stderr
    assert "damaged" in error
    assert not (tmp_path / "site.backup").exists()


@only_sqlite
def test_a_backup_of_another_kind_of_database_is_reported(microblog, tmp_path):
    dump = tmp_path / "site.dump"
    dump.write_bytes(b"PGDMP and more")
    error = microblog("restore", dump, status=1).stderr
    assert "is a backup of PostgreSQL, and the site's database is one of SQLite" in error
    assert "`microblog copy-database`" in error
    error = microblog("restore", "--verify", dump, status=1).stderr
    assert f"{dump} cannot be read: pg_restore failed (unsupported version" in error


# PostgreSQL


@only_postgresql
def test_the_password_is_no_argument_of_pg_dump(microblog, tmp_path, monkeypatch):
    spy = tmp_path / "bin" / "pg_dump"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/arguments\necho "pg_dump (PostgreSQL) 99.1"\n')
    spy.chmod(0o700)  # it makes no dump
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    microblog("backup", tmp_path / "site.dump", status=1)
    arguments = (tmp_path / "arguments").read_text()
    assert "--dbname=" in arguments
    assert "password=" not in arguments


@only_postgresql
@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ('echo "pg_dump (PostgreSQL) 9.6.1"', "pg_dump has version 9, and the server "),
        ('echo "what?"', "pg_dump has version 0, and the server "),
        ("exit 3", "pg_dump failed (exit status 3)."),
        (None, "pg_dump is not installed: install PostgreSQL's programs"),
    ],
)
def test_a_pg_dump_that_is_too_old_or_fails_is_reported(microblog, tmp_path, monkeypatch, script, sentence):
    folder = tmp_path / "bin"
    folder.mkdir()
    if script is not None:
        (folder / "pg_dump").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "pg_dump").chmod(0o700)
    monkeypatch.setenv("PATH", str(folder))
    assert sentence in microblog("backup", tmp_path / "site.dump", status=1).stderr
    assert not list(tmp_path.glob("*site.dump*"))


@only_postgresql
def test_a_server_that_does_not_answer_pg_dump_is_reported():
    engine = sa.create_engine("postgresql+psycopg://me@127.0.0.1:1/x")
    with pytest.raises(OperatorError, match=r"pg_dump failed \(connection to server at"):
        run_program("pg_dump", engine, "--no-password")


@only_postgresql
def test_a_dump_is_only_read_through_where_it_cannot_be_tried(microblog, tmp_path):
    microblog("backup", tmp_path / "site.dump")
    ini = write_ini(tmp_path / "dead.ini", DEAD_SERVER)
    said = run("-c", ini, "restore", "--verify", tmp_path / "site.dump").stdout
    assert "It was read from its beginning to its end, and not test-restored" in said


@only_postgresql
def test_a_role_that_may_make_no_database_has_its_dump_read_through(microblog, tmp_path):
    microblog("backup", tmp_path / "site.dump")
    # One that every owner of a database may become, and that may make none itself.
    url = sa.make_url(str(POSTGRESQL_URL)).update_query_dict({"options": "-c role=pg_database_owner"})
    ini = write_ini(tmp_path / "reader.ini", url.render_as_string(hide_password=False))
    said = run("-c", ini, "restore", "--verify", tmp_path / "site.dump").stdout
    assert "not test-restored" in said


@only_postgresql
def test_a_try_that_the_server_refuses_is_a_failure(microblog, tmp_path):
    microblog("backup", tmp_path / "site.dump")
    options = {"options": "-c default_transaction_read_only=on"}  # no sign of a role without the right
    url = sa.make_url(str(POSTGRESQL_URL)).update_query_dict(options)
    ini = write_ini(tmp_path / "read_only.ini", url.render_as_string(hide_password=False))
    error = run("-c", ini, "restore", "--verify", tmp_path / "site.dump", status=1).stderr
    assert f"{tmp_path}/site.dump could not be test-restored, and may be damaged (" in error
    assert "read-only transaction" in error


@only_postgresql
def test_databases_of_killed_test_restores_are_dropped_after_a_day(microblog, tmp_path):
    microblog("backup", tmp_path / "site.backup")
    old, new = "microblog_verify_1700000000_x", f"microblog_verify_{int(time.time())}_x{uuid.uuid4().hex}"
    server = sa.create_engine(str(POSTGRESQL_URL), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {old}")
        connection.exec_driver_sql(f"CREATE DATABASE {new}")
        assert "is whole" in microblog("restore", "--verify", tmp_path / "site.backup").stdout
        there = sa.text("SELECT datname FROM pg_database WHERE datname IN (:old, :new)")
        left = connection.scalars(there, {"old": old, "new": new}).all()
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {old}")
        connection.exec_driver_sql(f"DROP DATABASE {new}")
    server.dispose()
    assert left == [new]


@only_postgresql
def test_a_dump_that_is_not_whole_is_reported(microblog, other, tmp_path):
    file = tmp_path / "site.dump"
    microblog("backup", file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-2000])
    error = microblog("restore", "--verify", file, status=1).stderr
    assert f"{file} is damaged (pg_restore: could not read from input file" in error
    sa_url = sa.create_engine(parse_url(other))
    run_program("pg_dump", sa_url, "--format=custom", f"--file={file}")
    sa_url.dispose()
    assert "has no table alembic_version" in microblog("restore", "--verify", file, status=1).stderr


@only_postgresql
def test_a_dump_without_a_revision_is_reported(microblog, other, tmp_path):
    run("-c", other, "database", "upgrade")
    engine = sa.create_engine(parse_url(other))
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    engine.dispose()
    assert "has no revision" in run("-c", other, "backup", tmp_path / "x", status=1).stderr


@only_postgresql
def test_people_and_posts_of_a_dump_are_counted_whatever_is_in_them(
    microblog, application, database, susan, tmp_path
):
    write(susan, "One\nTwo\n\\.\n\\\tThree")
    with database.write() as session:
        session.execute(
            sa.text("UPDATE users SET about_me = E'\\\\.\\nCOPY public.posts (id) FROM stdin;\\n'")
        )
    ada = application.browser()
    enter(ada, "ada")
    microblog("backup", tmp_path / "site.dump")
    found = keeping.read_inventory(tmp_path / "site.dump")
    assert (found.people, found.posts) == (2, 2)
    with database.read() as session:
        member_since = session.scalar(sa.text("SELECT min(member_since) FROM users"))
    assert found.origin.endswith(f" {member_since.astimezone(UTC).isoformat()}")


@only_postgresql
def test_a_backup_of_sqlite_is_reported_on_postgresql(microblog, new_site, tmp_path):
    run("-c", new_site, "database", "upgrade")
    run("-c", new_site, "backup", tmp_path / "site.backup")
    error = microblog("restore", tmp_path / "site.backup", status=1).stderr
    assert "is a backup of SQLite, and the site's database is one of PostgreSQL" in error
    assert "0 people and 0 posts" in microblog("restore", "--verify", tmp_path / "site.backup").stdout
