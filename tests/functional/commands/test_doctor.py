"""`microblog doctor`: every part is looked at, and what is wrong comes with what to do."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from importlib import resources
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import time_machine

from microblog.accounts.queries import add_user
from microblog.background import queries as background
from microblog.background.advice import get_advice
from microblog.background.models import Heartbeat
from microblog.checks import Finding, HealthCheck
from microblog.console.ini import LogError
from microblog.console.logfiles import find_log_files
from microblog.console.site import Site
from microblog.ids import new_id_at
from microblog.operations import checks
from microblog.operations.checks import format_bytes
from microblog.operations.commands import doctor
from microblog.outbox import queries as outbox
from microblog.outbox.checks import describe_outbox
from microblog.posts.queries import add_posts
from microblog.search.checks import describe_index, describe_search
from microblog.search.interfaces import ISearchIndex, OldIndex, SearchUnavailable, Status, Verified
from microblog.search.records import OLD
from tests.functional.commands.conftest import run, write_ini

DEVELOPMENT = "microblog.worker = off\nmicroblog.development = true"
SETTLED = """microblog.worker = separate
microblog.mail = smtp
microblog.mail.smtp.host = 127.0.0.1
microblog.mail.smtp.port = {port}
microblog.admins = root@localhost
microblog.url = https://example.org
"""


def said(result):
    """[(level, part, sentence)]"""
    lines = [line for line in result.stdout.splitlines() if ": " in line]
    return [(line[:8].strip(), *line[8:].split(": ", 1)) for line in lines]


def levels(result):
    return {part: level for level, part, _ in said(result)}


@pytest.fixture
def site_of(ini):
    """The site, as checks get it."""
    site = Site(str(ini))
    yield site
    site.close()


def only(check, site):
    (finding,) = check(site)
    return finding


@pytest.fixture
def with_more(ini):
    """The ini file with more lines in its section of the application."""

    def more(text):
        ini.write_text(ini.read_text().replace("microblog.worker = off", text))
        return ini

    return more


def test_a_new_site_is_well(new_site, monkeypatch):
    text = new_site.read_text().replace("microblog.worker = off", DEVELOPMENT)
    new_site.write_text(text)
    run("-c", new_site, "database", "upgrade")
    result = run("-c", new_site, "doctor", "--full")
    assert set(levels(result).values()) == {"ok"}
    assert list(levels(result)) == [
        "settings",
        "limits",
        "log",
        "disk",
        "mail",
        "database",
        "clock",
        "search",
        "outbox",
        "translator",
        "pictures",
        "picture files",
        "tables",
        "index",
        "counts",
        "all pictures",
        "messages",
        "departures",
    ]
    assert result.stdout.splitlines()[-1].startswith("0 faults, 0 warnings, ")


def test_the_test_database_is_well(ini, with_more):
    assert set(levels(run("-c", with_more(DEVELOPMENT), "doctor", "--full")).values()) == {"ok"}


def test_wrong_settings_are_faults_and_nothing_else_is_asked(tmp_path):
    ini = write_ini(tmp_path / "x.ini", "sqlite://", more="microblog.pagesize = 1\nmicroblog.page_size = x")
    faults = said(run("-c", ini, "doctor", status=1))
    assert [(level, part) for level, part, _ in faults] == [("fault", "settings")] * 2


def test_without_a_database_the_other_parts_are_looked_at(new_site):
    result = run("-c", new_site, "doctor", status=1)
    assert ("fault", "database") in [(level, part) for level, part, _ in said(result)]
    assert "database upgrade" in result.stdout
    assert "clock" not in levels(result)


def test_a_site_for_everybody_is_looked_at_more_closely(new_site, tmp_path):
    run("-c", new_site, "database", "upgrade")
    for file in (new_site, tmp_path / "var" / "new.sqlite3"):
        file.chmod(0o644)
    lines = [(level, part) for level, part, _ in said(run("-c", new_site, "doctor"))]
    assert lines.count(("warning", "files")) == 2  # the ini file and the database
    assert lines.count(("warning", "mail")) == 2  # a folder that nobody reads, no admins
    assert ("warning", "settings") in lines  # cookies
    new_site.chmod(0o600)
    lines = [(level, part) for level, part, _ in said(run("-c", new_site, "doctor"))]
    assert lines.count(("ok", "files")) == 1


def test_an_ini_file_without_a_secret_may_be_read_by_all(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROBLOG_SECRET", "from the environment, and long enough")
    ini = write_ini(tmp_path / "x.ini", "postgresql+psycopg://me@127.0.0.1:1/x", "none")
    ini.write_text(ini.read_text().replace("microblog.secret", "# microblog.secret"))
    site = Site(str(ini))
    assert not list(checks.describe_files(site))
    site = Site(str(write_ini(tmp_path / "y.ini", "postgresql+psycopg://me:hush@127.0.0.1:1/x", "none")))
    assert checks.has_secrets(site)
    site.close()


def test_a_mail_server_that_cannot_be_reached_is_a_fault(with_more):
    result = run("-c", with_more(SETTLED.format(port=1)), "doctor", status=1)
    assert levels(result)["mail"] == "fault"
    assert "127.0.0.1:1 cannot be reached" in result.stdout


def test_a_search_that_is_down_is_a_fault(ini):
    down = "tests.functional.commands.broken.DownSearch"
    ini.write_text(ini.read_text().replace("\nmicroblog.search = ", f"\nmicroblog.search = {down}\n#"))
    result = run("-c", ini, "doctor", "--full", status=1)
    assert levels(result)["search"] == "fault"
    assert "The index does not answer." in result.stdout


class Index:
    """A search with this status and drift."""

    def __init__(self, status=None, drift=()):
        self._status, self._drift = status, drift

    name = "x"

    def search(self, session, query, cursor, limit):
        return []

    def status(self, session):
        return self._status

    def verify(self, database):
        if isinstance(self._drift, Exception):
            raise self._drift
        return self._drift


@pytest.mark.parametrize(
    ("status", "level", "words"),
    [
        (Status("x", 5, 1), "ok", "x: 5 posts indexed, 1 wait."),
        (Status("x", 5, 1, 2), "warning", "2 were refused for good"),
        (Status("x", 5, 1, 0, 300.0), "warning", "the oldest for 300 seconds. Check whether the server runs"),
        (Status("x", 5, 1, segments=100), "ok", "x: 5 posts indexed, 1 wait."),
        (
            Status("x", 5, 1, segments=1201),
            "warning",
            "1,201 segments of the index wait to be merged, so searches get slower. Check whether the server",
        ),
    ],
)
def test_the_state_of_the_index_is_reported(site_of, status, level, words):
    site_of.registry.registerUtility(Index(status), ISearchIndex)
    finding = only(describe_search, site_of)
    assert finding.level == level
    assert words in finding.sentence


def test_differences_of_the_last_verify_are_reported(site_of):
    timestamp = datetime(2026, 11, 22, tzinfo=UTC)
    site_of.registry.registerUtility(
        Index(Status("x", 1, 0, verified=Verified(timestamp, ghosts=1))), ISearchIndex
    )
    _, finding = describe_search(site_of)
    assert (finding.level, "search verify --fix" in finding.sentence) == ("warning", True)
    site_of.registry.registerUtility(Index(Status("x", 1, 0, verified=Verified(timestamp))), ISearchIndex)
    assert only(describe_search, site_of).level == "ok"


def test_an_index_that_was_made_by_an_older_rule_asks_for_a_rebuild(site_of):
    site_of.registry.registerUtility(Index(Status("x", 1, 0, is_old=True)), ISearchIndex)
    _, finding = describe_search(site_of)
    assert (finding.level, "microblog search rebuild" in finding.sentence) == ("warning", True)
    site_of.registry.registerUtility(Index(drift=OldIndex(OLD)), ISearchIndex)
    assert only(describe_index, site_of) == finding


def test_a_difference_of_the_whole_index_is_a_fault(site_of):
    site_of.registry.registerUtility(Index(drift=(1,)), ISearchIndex)
    assert "search verify --fix" in only(describe_index, site_of).sentence
    site_of.registry.registerUtility(Index(drift=SearchUnavailable("Down.")), ISearchIndex)
    assert only(describe_index, site_of) == Finding("fault", "Down.")


def test_waiting_deliveries_are_reported_by_their_age(site_of, with_more):
    with site_of.database.write() as session:
        outbox.write(session, "letters", [1, 2])
    assert only(describe_outbox, site_of) == Finding("ok", "2 deliveries wait.")
    with site_of.database.write() as session:
        session.execute(sa.text("UPDATE outbox SET created = created - 70000"))
    waiting, total = describe_outbox(site_of)
    assert waiting.level == "warning"
    assert waiting.sentence.startswith("2 deliveries “letters” wait, the oldest for 7")
    assert total == Finding("ok", "2 deliveries wait.")
    with site_of.database.write() as session:
        session.execute(sa.text("UPDATE outbox SET created = created - 700000"))
    assert next(describe_outbox(site_of)).level == "fault"
    with site_of.database.write() as session:
        session.execute(sa.text("UPDATE outbox SET set_aside = true"))
    assert "refused for good" in next(describe_outbox(site_of)).sentence


def test_a_separate_worker_is_named_when_nothing_is_delivered(with_more):
    site = Site(str(with_more("microblog.worker = separate")))
    assert "worker` runs" in get_advice(site)
    site.close()


def test_a_clock_that_is_wrong_is_reported(site_of):
    assert only(checks.describe_clock, site_of).level == "ok"
    with time_machine.travel(datetime(2001, 1, 1, tzinfo=UTC)):
        assert only(checks.describe_clock, site_of).level == "fault"
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        sentence = only(checks.describe_clock, site_of).sentence
    has_clock_of_its_own = site_of.database.dialect == "postgresql"
    assert ("differ by 3,600 seconds" in sentence) == has_clock_of_its_own


def test_a_post_in_the_future_is_reported(site_of):
    with site_of.database.write() as session:
        post_id = new_id_at(datetime.now(UTC) + timedelta(days=3))
        user_id = add_user(session, "susan")
        add_posts(session, [{"id": post_id, "user_id": user_id, "body": "Tomorrow", "language": None}])
    finding = only(checks.describe_clock, site_of)
    assert (finding.level, "in the future" in finding.sentence) == ("warning", True)


@pytest.mark.parametrize(("free", "level"), [(5 * 10**9, "ok"), (5 * 10**8, "warning"), (10**6, "fault")])
def test_low_disk_space_is_reported_before_the_disk_is_full(monkeypatch, tmp_path, free, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    finding = checks.describe_folder(tmp_path / "not" / "there", "mail, log")
    assert finding.level == level
    assert f"{tmp_path}/not/there (mail, log) has " in finding.sentence


def test_the_folder_of_metrics_may_be_a_small_one_in_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=90 * 10**6))
    assert checks.describe_folder(tmp_path, "numbers", is_small=True).level == "ok"


def test_a_folder_that_cannot_be_written_is_a_fault(site_of, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    assert all(finding.level == "fault" for finding in checks.describe_disk(site_of))


def test_the_folders_are_those_of_settings_and_log_files(with_more, tmp_path, monkeypatch):
    monkeypatch.setenv("LOGS_DIRECTORY", str(tmp_path / "logs"))
    (tmp_path / "logs").mkdir()
    ini = with_more(
        "microblog.worker = off\nmicroblog.mail = console\n"
        "microblog.profiler.directory = %(here)s/profiles\nmicroblog.alerts.state = %(here)s/state/alerts\n"
    )
    text = (resources.files("microblog.commands") / "scaffold" / "production.ini").read_text()
    ini.write_text(f"{ini.read_text()}\n{text[text.index('[loggers]') :]}")
    site = Site(str(ini))
    found = {path: [folder.name for folder in folders] for path, folders in checks.get_folders(site).items()}
    site.close()
    assert found[tmp_path / "profiles"] == ["profiles"]
    assert found[tmp_path / "state"] == ["alerts"]
    assert found[tmp_path / "logs"] == ["log"]


def test_a_large_wal_is_reported(new_site, tmp_path):
    run("-c", new_site, "database", "upgrade")
    (tmp_path / "var" / "new.sqlite3-wal").touch()
    site = Site(str(new_site))
    assert only(checks.describe_database, site).level == "ok"
    site.close()
    with (tmp_path / "var" / "new.sqlite3-wal").open("wb") as file:
        file.truncate(checks.LARGE_WAL + 1)
    site = Site(str(new_site))
    _, finding = checks.describe_database(site)
    site.close()
    assert "some process keeps a transaction open" in finding.sentence


def test_a_changed_table_is_reported(new_site, tmp_path):
    run("-c", new_site, "database", "upgrade")
    file = tmp_path / "var" / "new.sqlite3"
    connection = sqlite3.connect(file)
    connection.execute("ALTER TABLE users ADD COLUMN shoe_size INTEGER NOT NULL DEFAULT 1")
    connection.commit()
    connection.close()
    result = run("-c", new_site, "doctor", "--full", status=1)
    assert "remove_column users users.shoe_size" in result.stdout


def test_a_count_that_is_wrong_is_reported_with_what_corrects_it(new_site, tmp_path):
    run("-c", new_site, "database", "upgrade")
    connection = sqlite3.connect(tmp_path / "var" / "new.sqlite3")
    connection.execute("INSERT INTO users (id, nickname, member_since) VALUES (1, 'susan', '2026-01-01')")
    connection.execute("INSERT INTO posts (id, user_id, body) VALUES (7, 1, 'x')")
    connection.execute("UPDATE posts SET likes_count = 1, replies_count = 2")
    connection.commit()
    result = run("-c", new_site, "doctor", "--full", status=1)
    assert "posts.likes_count is wrong in 1 rows, the first with the id 7" in result.stdout
    for statement in re.findall(r"UPDATE .*?;", " ".join(result.stdout.split())):
        connection.executescript(statement)
    connection.close()
    assert levels(run("-c", new_site, "doctor", "--full"))["counts"] == "ok"


def test_faults_that_sqlite_finds_in_its_file_are_reported(new_site, tmp_path):
    run("-c", new_site, "database", "upgrade")
    connection = sqlite3.connect(tmp_path / "var" / "new.sqlite3")  # which checks no references
    connection.execute("INSERT INTO nicknames (key, user_id) VALUES ('nobody', 999)")
    connection.commit()
    connection.close()
    result = run("-c", new_site, "doctor", "--full", status=1)
    assert "is damaged (a row in table nicknames refers to nothing in users): restore a" in result.stdout


def test_a_check_that_hangs_or_fails_is_a_finding(site_of):
    goes_on = threading.Event()

    def hangs(site):
        goes_on.wait(30)
        yield Finding("ok", "at last")

    def fails(site):
        yield Finding("ok", "at first")
        raise RuntimeError("then not")

    (finding,) = doctor.collect_findings(site_of, HealthCheck("x", 0, details=hangs), 0.01)
    goes_on.set()
    assert "no answer within 0.01 seconds" in finding.sentence
    (finding,) = doctor.collect_findings(site_of, HealthCheck("x", 0, details=fails))
    assert finding == Finding("fault", "could not be checked: RuntimeError: then not")


def test_sizes_are_readable():
    assert [format_bytes(1200), format_bytes(1_200_000), format_bytes(3_400_000_000)] == [
        "1,200 bytes",
        "1.2 MB",
        "3.4 GB",
    ]


def production_site(tmp_path, *changes):
    run("new", tmp_path / "site")
    ini = tmp_path / "site" / "production.ini"
    text = ini.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    ini.write_text(text)
    run("-c", ini, "database", "upgrade")
    return ini


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("level = INFO", "level = LOUD", "The log cannot be set up (ValueError: Unknown level: 'LOUD')"),
        (
            "handlers = console, file",
            "handlers = console, tape",
            "The log cannot be set up (KeyError: 'tape')",
        ),
        (
            '"microblog.log")',
            '"no", "microblog.log")',
            "The log cannot be written (No such file or directory",
        ),
    ],
)
def test_a_log_that_cannot_be_set_up_is_a_fault(tmp_path, before, after, sentence):
    result = run("-c", production_site(tmp_path, (before, after)), "doctor", status=1)
    assert levels(result)["log"] == "fault"
    assert sentence in result.stdout


def test_a_log_that_everybody_can_read_is_reported_and_the_check_creates_none(tmp_path):
    ini = production_site(tmp_path)
    log = tmp_path / "site" / "microblog.log"
    assert ("ok", "log", f"It is written to {log}.") in said(run("-c", ini, "doctor"))
    assert not log.exists()
    log.write_text("{}\n")
    log.chmod(0o644)
    assert f"Everybody on this machine can read {log}" in run("-c", ini, "doctor").stdout
    assert log.read_text() == "{}\n"
    log.chmod(0o600)
    assert levels(run("-c", ini, "doctor"))["log"] == "ok"


def test_a_log_whose_set_up_hangs_is_reported(tmp_path):
    (tmp_path / "x.ini").touch()
    with pytest.raises(LogError, match=r"not set up within 0\.001 seconds: check whether one of"):
        find_log_files(tmp_path / "x.ini", seconds=0.001)


def test_a_log_without_a_file_is_well(ini):
    assert ("ok", "log", "It is written to no file.") in said(run("-c", ini, "doctor"))


def test_without_the_address_of_the_site_doctor_and_new_say_what_depends_on_it(tmp_path):
    assert "set\nmicroblog.url in it: redirects" in run("new", tmp_path / "other").stdout
    sentence = "microblog.url is not set: redirects go to whatever host a request names"
    assert sentence in run("-c", production_site(tmp_path), "doctor").stdout
    (tmp_path / "site" / "production.ini").write_text(
        (tmp_path / "site" / "production.ini")
        .read_text()
        .replace("# microblog.url = https", "microblog.url = https")
    )
    assert sentence not in run("-c", tmp_path / "site" / "production.ini", "doctor").stdout


@pytest.mark.parametrize(
    ("server", "level"),
    [
        ("use = egg:waitress#main", "warning"),
        ("listen = 127.0.0.1:6543", "warning"),
        ("use = egg:waitress#main\ntrusted_proxy = 127.0.0.1", "ok"),
        ("use = egg:gunicorn", "ok"),  # which has settings of its own for that
    ],
)
def test_a_proxy_that_is_not_believed_is_reported_since_limits_count_by_addresses(ini, server, level):
    application, _, rest = ini.read_text().partition("[server:main]")
    assert rest
    ini.write_text(f"{application}microblog.url = https://example.org\n[server:main]\n{server}\n")
    site = Site(str(ini))
    finding = only(checks.describe_limits, site)
    site.close()
    assert finding.level == level
    assert ("an address may" in finding.sentence) == (level == "warning")


def test_without_https_nobody_is_reported_of_a_proxy(site_of):
    assert only(checks.describe_limits, site_of).level == "ok"


def test_a_worker_that_died_is_a_fault_and_one_that_was_stopped_is_not(with_more, application):
    ini = with_more("microblog.worker = separate")

    def findings():
        return [(level, text) for level, part, text in said(run("-c", ini, "doctor")) if part == "worker"]

    assert findings() == [("ok", "None runs now.")]
    with application.database.write() as session:
        background.record_heartbeat(session, "elsewhere:1")
    assert findings()[0][0] == "ok"
    with application.database.write() as session:
        session.execute(sa.update(Heartbeat).values(seen=Heartbeat.seen - 300_000))
    (line,) = [line for line in run("-c", ini, "doctor", status=1).stdout.splitlines() if "worker: " in line]
    assert line.startswith("fault   worker: None has been seen for 3")
    assert "microblog -c" in line


def test_a_check_of_another_room_is_made_too(ini):
    more = "pyramid.includes = tests.functional.commands.broken\nmicroblog.worker = off"
    ini.write_text(ini.read_text().replace("microblog.worker = off", more))
    found = said(run("-c", ini, "doctor", status=1))
    assert ("ok", "letters", "It works.") in found
    assert ("fault", "post office", "it is closed.") in found
