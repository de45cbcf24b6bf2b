"""`microblog search`: rebuilding, verifying and repairing the index."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from sqlalchemy import text

from microblog.posts.queries import add_posts
from microblog.search import records
from microblog.search.commands import MANY, describe_status
from microblog.search.elasticsearch.server import INDEX
from microblog.search.interfaces import Status
from microblog.search.queries import install_triggers
from tests.conftest import ELASTICSEARCH_URL, elasticsearch_settings, get_adapter
from tests.functional.commands.conftest import EXECUTABLES
from tests.walk import bodies, enter, write

SCANNING = "tests.contract.scanning.ScanningSearch"
STUBBORN = "tests.functional.commands.broken.StubbornSearch"


@pytest.fixture
def site(needs_fts5, browser, microblog):
    """Three posts, indexed."""
    enter(browser, "susan")
    for body in ("one apple", "two pears", "three plums"):
        write(browser, body)
    return microblog


def found(browser, word):
    return bodies(browser.get("/search", {"q": word}))


def execute(application, *statements):
    with application.database.write() as session:
        for sql in statements:
            session.execute(text(sql))


def test_the_status_counts(site):
    lines = site("search", "status").stdout.splitlines()
    assert lines == ["fts5: 3 posts indexed, 0 wait for the worker.", "It has not been verified yet."]


def test_the_status_says_when_many_segments_wait_to_be_merged():
    site: Any = None  # not needed for a status without a fault
    (_, line, _) = describe_status(site, Status("fts5", 3, 0, segments=1201))
    assert line == "1,201 segments of the index wait for the worker to merge them."


def test_the_status_shows_the_last_verify_and_a_running_rebuild(site, application):
    site("search", "verify")
    assert re.search(
        r"Last verify: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, agreed\.\n", site("search", "status").stdout
    )
    execute(
        application,
        "DELETE FROM search_fts5_texts WHERE post_id = (SELECT max(post_id) FROM search_fts5_texts)",
    )
    site("search", "verify", status=1)
    assert " UTC, 1 missing, 0 stale, 0 ghosts.\n" in site("search", "status").stdout
    with application.database.write() as session:
        records.begin_rebuild(session, "fts5", "token")
        records.note_progress(session, "fts5", "token", 2)
    assert "A rebuild is running: 2 posts at " in site("search", "status").stdout
    execute(application, "UPDATE index_states SET rebuild_seen_at = 0")
    dead = site("search", "status").stdout
    assert "A rebuild has not ended, and was last heard of at 1970-01-01 00:00:00 UTC: run `microblog" in dead
    site("search", "rebuild")
    assert "rebuild" not in site("search", "status").stdout


def test_an_old_index_is_shown_and_not_verified(site, application):
    execute(application, "UPDATE index_states SET rule = NULL")
    assert "microblog search rebuild" in site("search", "status").stdout
    for arguments in ((), ("--fix",)):
        refused = site("search", "verify", *arguments, status=1)
        assert refused.stdout == ""
        assert refused.stderr.count("older rule") == 1
    site("search", "rebuild")
    assert "rebuild" not in site("search", "status").stdout
    assert "agrees with the posts" in site("search", "verify").stdout


def test_a_large_rebuild_says_when_it_compares(site, application):
    with application.database.write() as session:
        (susan,) = session.scalars(text("SELECT id FROM users"))
        rows = [{"id": number, "user_id": susan, "body": "x", "language": None} for number in range(MANY)]
        add_posts(session, rows)
    assert "All posts are in the new index" in site("search", "rebuild").stderr


def test_an_index_that_agrees_is_a_success(site):
    assert site("search", "verify").stdout == "The index (fts5) agrees with the posts.\n"


def test_an_index_that_was_dropped_is_rebuilt(site, application, browser):
    with application.database.write() as session:
        get_adapter(application).uninstall(session)
    assert "microblog search rebuild" in site("search", "status", status=1).stderr
    assert site("search", "rebuild").stdout == "The index (fts5) is rebuilt: 3 posts.\n"
    assert found(browser, "apple") == ["one apple"]


def test_a_running_server_searches_the_new_index_of_a_rebuild_in_another_process(ini, browser, microblog):
    """Its connections stay open, with the statements that they have prepared for the old index."""
    enter(browser, "susan")
    write(browser, "one apple")
    for _ in range(10):
        assert found(browser, "apple") == ["one apple"]
    subprocess.run(
        [EXECUTABLES / "microblog", "-c", ini, "search", "rebuild"], check=True, capture_output=True
    )
    assert found(browser, "apple") == ["one apple"]
    write(browser, "two apples")
    assert found(browser, "apples") == ["two apples"]
    assert "agrees with the posts" in microblog("search", "verify").stdout


def test_drift_is_printed_with_its_ids_and_repaired(site, application, browser):
    with application.database.read() as session:
        ids = sorted(session.scalars(text("SELECT post_id FROM search_fts5_texts")))
    execute(application, f"DELETE FROM search_fts5_texts WHERE post_id = {ids[0]}")
    execute(application, f"DELETE FROM search_fts5_texts WHERE post_id = {ids[1]}")
    execute(application, f"INSERT INTO search_fts5_texts VALUES ({ids[1]}, 'nonsense')")
    execute(application, "INSERT INTO search_fts5_texts VALUES (77, 'ghost')")
    drifted = site("search", "verify", status=1)
    assert f"Missing in the index: {ids[0]}\n" in drifted.stdout
    assert f"Indexed with another text: {ids[1]}\n" in drifted.stdout
    assert "In the index but no posts: 77\n" in drifted.stdout
    assert "search verify --fix" in drifted.stderr
    assert "is repaired, and agrees" in site("search", "verify", "--fix").stdout
    assert found(browser, "apple") == ["one apple"]
    assert found(browser, "pears") == ["two pears"]
    assert found(browser, "nonsense") == []
    site("search", "verify")


def test_posts_that_only_fts5_has_lost_are_printed_and_repaired(site, application, browser):
    execute(application, "INSERT INTO search_fts5(search_fts5) VALUES ('delete-all')")
    assert found(browser, "apple") == []
    assert "Indexed with another text: " in site("search", "verify", status=1).stdout
    assert "is repaired, and agrees" in site("search", "verify", "--fix").stdout
    assert found(browser, "apple") == ["one apple"]
    execute(application, "INSERT INTO search_fts5(search_fts5, rank) VALUES ('integrity-check', 1)")


def test_ghosts_alone_are_removed(site, application):
    execute(application, "INSERT INTO search_fts5_texts VALUES (77, 'ghost')")
    assert "is repaired" in site("search", "verify", "--fix").stdout
    assert site("search", "status").stdout.startswith("fts5: 3 posts indexed, 0 wait")


def test_more_posts_than_a_request_may_index_are_repaired(site, application):
    with application.database.write() as session:
        add_posts(session, [{"id": n, "user_id": 1, "body": f"number {n}"} for n in range(1, 1501)])
    execute(
        application,
        "DELETE FROM search_fts5_pending",
        "DELETE FROM search_fts5_texts WHERE post_id < 2000",
    )
    drifted = site("search", "verify", status=1).stdout
    assert "Missing in the index: 1 2 3 " in drifted
    assert " … and 1,480 more" in drifted
    site("search", "verify", "--fix")
    assert site("search", "status").stdout.startswith("fts5: 1,503 posts indexed, 0 wait for the worker.\n")


def test_drift_that_cannot_be_repaired_is_reported(ini, microblog):
    ini.write_text(ini.read_text().replace("\nmicroblog.search = ", f"\nmicroblog.search = {STUBBORN}\n#"))
    error = microblog("search", "verify", "--fix", status=1).stderr
    assert "The index still differs: run `microblog" in error


def test_without_search_there_is_nothing_to_do(ini, microblog):
    ini.write_text(ini.read_text().replace("\nmicroblog.search = ", "\nmicroblog.search = none\n#"))
    assert microblog("search", "rebuild").stdout == "The index (none) is rebuilt: 0 posts.\n"


def count(application, sql):
    with application.database.read() as session:
        return session.scalar(text(sql))


def test_a_rebuild_removes_what_another_adapter_left_in_the_database(site, application):
    with application.database.write() as session:
        install_triggers(session)
    assert count(application, "SELECT count(*) FROM outbox") == 3
    site("search", "rebuild")
    assert count(application, "SELECT count(*) FROM outbox") == 0
    execute(application, "UPDATE posts SET body = 'another'")
    assert count(application, "SELECT count(*) FROM outbox") == 0


def test_a_foreign_adapter_is_removed_by_its_name(site, application, ini):
    ours = ini.read_text()
    ini.write_text(ours.replace("\nmicroblog.search = ", f"\nmicroblog.search = {SCANNING}\n#"))
    site("search", "rebuild")
    refused = site("search", "remove", SCANNING, status=1).stderr
    assert refused.startswith(f"Error: {SCANNING} is the adapter of this site: choose another one in ")
    ini.write_text(ours)
    site("search", "rebuild")
    tables = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'search_scanning%'"
    assert count(application, tables) > 0
    assert site("search", "remove", SCANNING).stdout == (
        f"What the adapter {SCANNING} had stored in the database is removed.\n"
    )
    assert count(application, tables) == 0


def test_a_built_in_adapter_is_removed_by_its_name(site, application):
    with application.database.write() as session:
        install_triggers(session)
    site("search", "remove", "postgresql")  # not in an SQLite database, so there is nothing to do
    site("search", "remove", "none")
    assert count(application, "SELECT count(*) FROM outbox") == 3
    site("search", "remove", "elasticsearch")
    assert count(application, "SELECT count(*) FROM outbox") == 0
    error = site("search", "remove", "fts6", status=1).stderr
    assert error.startswith("Error: There is no search adapter 'fts6' (")


def test_a_rebuild_in_elasticsearch_is_a_command_too(site, application, ini):
    settings = elasticsearch_settings()
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    changed = ini.read_text().replace(
        "\nmicroblog.search = ", f"\nmicroblog.search = elasticsearch\n{lines}#"
    )
    ini.write_text(changed)
    site("database", "upgrade")
    assert "microblog search rebuild" in site("search", "status", status=1).stderr
    assert site("search", "rebuild").stdout == "The index (elasticsearch) is rebuilt: 3 posts.\n"
    assert count(application, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%fts5%'") == 0
    indexed = "elasticsearch: 3 posts indexed, 0 wait for the worker.\n"
    assert site("search", "status").stdout.startswith(indexed)
    # A server that still runs with the old settings goes on.
    execute(application, "UPDATE posts SET body = 'another' WHERE body LIKE 'one%'")
    assert "microblog search rebuild" in application.browser().get("/search?q=one", status=503)
    waiting = site("search", "status").stdout
    assert "1 wait for the worker.\nThe oldest has waited for " in waiting
    execute(application, "UPDATE outbox SET set_aside = true")
    refused = site("search", "status").stdout
    assert "1 were refused for good; the log says why." in refused
    assert "Indexed with another text" in site("search", "verify", status=1).stdout
    assert "is repaired, and agrees" in site("search", "verify", "--fix").stdout
    site("search", "verify")
    ini.write_text(changed.replace(ELASTICSEARCH_URL, "http://127.0.0.1:1"))
    for command in ("rebuild", "verify", "status"):
        error = site("search", command, status=1).stderr
        assert error.startswith("Error: Elasticsearch failed (ConnectionError")
    with Elasticsearch(ELASTICSEARCH_URL) as server:
        for index in server.indices.get(index=f"{settings[INDEX.key]}*"):
            server.indices.delete(index=index)
