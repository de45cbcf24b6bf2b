"""The file of SQLite cannot be used: its disk is full, it is locked, gone, damaged, or may not be written."""

from __future__ import annotations

import email
import logging
import shutil
import sqlite3
import subprocess
import threading
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
import sqlalchemy as sa

from microblog import outages
from microblog.alerts.interfaces import get_alerts
from microblog.db import Database
from tests.conftest import POSTGRESQL_URL, Application, get_adapter, settings_for
from tests.probing import wait_until_it_is_over
from tests.walk import bodies, enter, write

pytestmark = pytest.mark.skipif(
    bool(POSTGRESQL_URL), reason="Run without MICROBLOG_TEST_DATABASE_URL too: this is about SQLite's file."
)

AT_ONCE = 1.0  # seconds
DISK_BYTES = 6_000_000


class Site:
    """An application on a file of its own, with somebody who is logged in."""

    def __init__(self, file: Path, mail: Path) -> None:
        self.file = file
        self.mail = mail
        self.application = Application(
            {
                **settings_for(f"sqlite+pysqlite:///{file}"),
                "microblog.admins": "admin@example.org",
                "microblog.mail.folder": str(mail),
                "microblog.database.statement_timeout": "0.3",
            }
        )
        self.outages = self.application.database.outages
        self.outages.seconds_between_probes = 0.05
        self.susan = self.application.browser()
        enter(self.susan, "susan")

    def form(self, body):
        form = self.susan.get("/").forms["compose-form"]
        form["body"] = body
        return form

    def ready(self, status=503):
        return self.susan.get("/health/ready", status=status).text

    def subjects(self):
        get_alerts(self.application.registry).work()
        files = sorted(self.mail.iterdir()) if self.mail.exists() else []
        return [email.message_from_bytes(f.read_bytes(), EmailMessage, policy=SMTP)["Subject"] for f in files]

    def wait_until_it_is_over(self):
        wait_until_it_is_over(self.outages)


@pytest.fixture
def make_site(migrated, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    made = []

    def make(folder=tmp_path):
        file = folder / "site.sqlite3"
        shutil.copyfile(migrated().removeprefix("sqlite+pysqlite:///"), file)
        site = Site(file, tmp_path / "mail")
        made.append(site)
        caplog.clear()
        return site

    yield make
    for site in made:
        get_alerts(site.application.registry).close()
        site.application.database.close()
    caplog.clear()


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of its own, which is as small as it says."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("Run as root, where a file system can be mounted: this fills one.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder):
    """Leaves no room."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        for size in (65536, 4096):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                continue


def open_files():
    """Those of this process."""
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


def list_outage_messages(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def recovered(page):
    return [area.get_text().strip() for area in page.html.select("textarea[readonly]")]


def test_on_a_full_disk_people_read_and_what_they_write_is_given_back(make_site, small_disk, caplog):
    site = make_site(small_disk)
    write(site.susan, "Before")
    assert site.ready(200).startswith("database: ok\n")
    fill(small_disk)
    for _ in range(5):
        page = site.form("What I wrote").submit(status=503)
    assert recovered(page) == ["What I wrote"]
    assert page.html.select_one(".sentence").get_text() == outages.KEEP_IT
    assert page.headers["Retry-After"] == "5"
    assert bodies(site.susan.get("/", status=200)) == ["Before"]
    assert "database: its disk is full: nothing can be saved\n" in site.ready()
    site.application.registry.worker.round()
    assert len(list_outage_messages(caplog)) == 1, list_outage_messages(caplog)
    assert list_outage_messages(caplog)[0].startswith("The disk of the database is full (")
    assert site.subjects() == ["[microblog] The disk of the database is full"]


def test_when_there_is_space_again_the_site_recovers_and_reports_it(
    make_site, small_disk, caplog, monkeypatch
):
    site = make_site(small_disk)
    fill(small_disk)
    site.form("During").submit(status=503)
    (small_disk / "filler").unlink()
    write(site.susan, "After")
    site.wait_until_it_is_over()
    assert site.ready(200).startswith("database: ok\n")
    assert bodies(site.susan.get("/")) == ["After"]
    assert list_outage_messages(caplog)[1].startswith(
        "The database works again: “The disk of the database is full” is over"
    )
    assert site.subjects()[1:] == ["[microblog] The database works again"]


def test_a_site_that_starts_on_a_full_disk_says_so(make_site, small_disk):
    site = make_site(small_disk)
    site.application.database.close()
    fill(small_disk)
    site.susan.get("/", status=503)
    assert site.outages.list_ongoing() == [outages.FULL]


def test_a_full_disk_is_known_before_anybody_writes(make_site, small_disk):
    site = make_site(small_disk)
    fill(small_disk)
    assert "database: its disk is full: nothing can be saved\n" in site.ready()
    assert not site.outages.list_ongoing()  # asking has written nothing


def test_a_database_that_may_not_grow_is_full(make_site, caplog):
    """Like a quota, and without a file system of its own."""
    site = make_site()

    def limit(dbapi, record, proxy):
        dbapi.execute(f"PRAGMA max_page_count={dbapi.execute('PRAGMA page_count').fetchone()[0]}")

    sa.event.listen(site.application.database.engine, "checkout", limit)
    statuses = {site.form("x" * 250).submit(status="*").status_int for _ in range(60)}
    assert statuses == {303, 503}
    assert outages.FULL in site.outages.list_ongoing()
    assert len(list_outage_messages(caplog)) == 1


def test_a_locked_file_holds_up_the_first_and_refuses_the_others_soon(make_site, caplog):
    site = make_site()
    form = site.form("What I wrote")
    with sqlite3.connect(site.file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        page = form.submit(status=503)
        assert recovered(page) == ["What I wrote"]
        began = time.monotonic()
        for _ in range(3):
            form.submit(status=503)
        assert time.monotonic() - began < 3 * AT_ONCE
        site.susan.get("/", status=200)
        other.execute("ROLLBACK")
    other.close()
    form.submit(status=303)
    assert len(list_outage_messages(caplog)) == 1
    assert list_outage_messages(caplog)[0].startswith("The database is locked (database is locked).")


def test_who_waits_for_other_writers_for_longer_than_once_writes_after_them(make_site, caplog):
    site = make_site()
    form = site.form("After the others")
    other = sqlite3.connect(site.file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    end = threading.Timer(0.4, other.execute, ("ROLLBACK",))  # longer than one wait of 0.3 s
    end.start()
    form.submit(status=303)
    end.join()
    other.close()
    assert bodies(site.susan.get("/")) == ["After the others"]
    assert list_outage_messages(caplog) == []
    assert site.outages.list_ongoing() == []


def test_nobody_writes_into_a_file_that_is_gone(make_site, caplog):
    site = make_site()
    write(site.susan, "Before")
    site.application.database.close()  # all of it is in the one file now
    site.susan.get("/")
    away = site.file.with_name("away")
    site.file.rename(away)
    assert "cannot be reached" in site.susan.get("/", status=503)
    site.susan.get("/explore", status=503)
    site.susan.get("/health/live", status=200)
    assert "database: its file cannot be opened" in site.ready()
    assert not site.file.exists()
    away.rename(site.file)
    site.wait_until_it_is_over()
    assert bodies(site.susan.get("/")) == ["Before"]
    begins, ends = list_outage_messages(caplog)
    assert begins.startswith("The file of the database cannot be opened (")
    assert "is over" in ends
    assert site.subjects() == [
        "[microblog] The file of the database cannot be opened",
        "[microblog] The database works again",
    ]


def test_a_file_that_replaces_the_database_is_used(make_site, tmp_path):
    site = make_site()
    site.application.database.close()
    copy = tmp_path / "copy.sqlite3"
    shutil.copyfile(site.file, copy)
    write(site.susan, "In the old one")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{site.file}{suffix}").unlink(missing_ok=True)
    copy.rename(site.file)
    assert bodies(site.susan.get("/", status=200)) == []
    write(site.susan, "In the new one")
    assert bodies(site.susan.get("/")) == ["In the new one"]


def test_a_damaged_file_is_reported_once(make_site, caplog):
    site = make_site()
    for number in range(30):
        write(site.susan, f"Post {number} {'x' * 200}")
    site.application.database.close()
    size = site.file.stat().st_size
    with site.file.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * (size - 8192))
    for _ in range(10):
        page = site.susan.get("/explore", status=503)
    assert "out of order" in page
    assert "Traceback" not in caplog.text
    assert len(list_outage_messages(caplog)) == 1
    assert list_outage_messages(caplog)[0].startswith("The database is damaged (")
    assert "database: it is damaged" in site.ready()
    assert site.subjects() == ["[microblog] The database is damaged"]


def test_who_writes_hears_of_damage_where_search_keeps_what_waits(make_site, caplog):
    site = make_site()
    form = site.form("What I wrote")
    site.application.database.close()
    with sqlite3.connect(site.file) as connection:
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", [get_adapter(site.application).pending]
        ).fetchone()
    connection.close()
    with site.file.open("r+b") as file:
        file.seek((page - 1) * page_size)
        file.write(b"\xa5" * page_size)
    assert recovered(form.submit(status=503)) == ["What I wrote"]
    site.outages.forget()  # its thread uses a connection of its own
    assert site.application.database.engine.pool.checkedout() == 0
    assert list_outage_messages(caplog)[0].startswith("The database is damaged (")
    assert bodies(site.susan.get("/")) == []


def test_a_connection_that_cannot_be_prepared_is_closed(tmp_path):
    file = tmp_path / "site.sqlite3"
    file.write_bytes(b"This is no database." * 100)
    with pytest.raises(sa.exc.DatabaseError), Database(f"sqlite+pysqlite:///{file}").read() as session:
        session.execute(sa.text("SELECT 1"))
    assert str(file) not in open_files()


def test_a_disk_that_can_only_be_read_refuses_who_writes(make_site, small_disk, caplog):
    site = make_site(small_disk)
    form = site.form("What I wrote")
    site.application.database.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    page = form.submit(status=503)
    assert recovered(page) == ["What I wrote"]
    assert len([line for line in list_outage_messages(caplog) if "works again" not in line]) == 1
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    site.wait_until_it_is_over()
    form.submit(status=303)


def test_a_get_that_writes_is_a_fault_of_ours_and_no_outage(make_site):
    site = make_site()
    with (
        site.application.database.read() as session,
        pytest.raises(sa.exc.OperationalError, match="readonly"),
    ):
        session.execute(sa.text("DELETE FROM posts"))
    assert not site.outages.list_ongoing()
