"""`microblog copy-database`: everything arrives, once, or nothing does."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from microblog.accounts.queries import add_user
from microblog.db import DATABASE_URL, Database
from microblog.operations import copying, migrating
from microblog.outbox.models import Entry
from microblog.people.actions import follow
from microblog.people.queries import get_person
from tests.conftest import POSTGRESQL_URL, Application, settings_for
from tests.functional.commands.conftest import run, write_ini
from tests.walk import bodies, enter, log_in, write


@pytest.fixture
def source(application, browser):
    """The URL of a site with two people, three posts, a follow, and a mail that waits."""
    enter(browser, "susan")
    write(browser, "A “quoted” post\nof two lines 🐘")
    other = application.browser()
    enter(other, "joe")
    write(other, "Not for long")
    write(other, "Another one")
    with application.database.write() as session:
        follow(session, person(session, "joe").id, person(session, "susan").id)
        session.execute(sa.text("DELETE FROM posts WHERE body = 'Not for long'"))
        session.execute(sa.insert(Entry), [entry(kind) for kind in ("mail", "search", "mail")])
        session.execute(sa.delete(Entry).where(Entry.id == session.scalar(sa.select(sa.func.max(Entry.id)))))
    return application.registry.microblog[DATABASE_URL]


def person(session, nickname):
    found = get_person(session, nickname)
    assert found is not None
    return found


def entry(kind):
    return {"kind": kind, "key": "1", "created": 1}


def other_postgresql(more: str = "") -> Iterator[str]:
    name = f"microblog_copy_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(str(POSTGRESQL_URL), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} {more}")
    yield sa.make_url(str(POSTGRESQL_URL)).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request, tmp_path) -> Iterator[str]:
    """The URL of a database that is empty, or not there yet; of either kind."""
    if request.param == "sqlite":
        yield f"sqlite+pysqlite:///{tmp_path}/new/copy.sqlite3"
        return
    if not POSTGRESQL_URL:
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL, to copy between databases of two kinds.")
    yield from other_postgresql()


@pytest.fixture
def sqlite_target(tmp_path):
    return f"sqlite+pysqlite:///{tmp_path}/copy.sqlite3"


def execute(url, *statements):
    database = Database(url)
    with database.write() as session:
        results: Any = [session.execute(sa.text(statement)) for statement in statements]
        rows = results[-1].all() if results[-1].returns_rows else []
    database.close()
    return [tuple(row) for row in rows]


def test_everything_is_copied_and_the_site_works_there(source, target, tmp_path):
    said = run("copy-database", source, target).stdout
    assert "tables, and compared both sides: they are equal." in said
    assert "2 outbox entries wait in both databases" in said  # one is the mail to susan
    assert "`microblog search rebuild`" in said
    search = "fts5" if target.startswith("sqlite") else "postgresql"
    ini = write_ini(tmp_path / "new.ini", target, search)
    run("-c", ini, "search", "rebuild")
    assert "is as it should be" in run("-c", ini, "database", "check").stdout
    site = Application(settings_for(target))
    browser = site.browser()
    log_in(browser, "susan")
    assert bodies(browser.get("/explore")) == ["Another one", "A “quoted” post\nof two lines 🐘"]
    assert bodies(browser.get("/search", {"q": "quoted"})) == ["A “quoted” post\nof two lines 🐘"]
    with site.database.read() as session:
        susan, joe = person(session, "susan"), person(session, "joe")
    assert (susan.posts_count, susan.followers_count, susan.following_count) == (1, 1, 0)
    assert (joe.posts_count, joe.followers_count, joe.following_count) == (1, 0, 1)
    write(browser, "Counted")
    with site.database.read() as session:
        assert person(session, "susan").posts_count == 2
    site.database.close()


def test_a_table_that_nobody_knows_is_named(source, sqlite_target):
    execute(source, "CREATE TABLE strangers (id INTEGER)")
    said = run("copy-database", source, sqlite_target).stdout
    execute(source, "DROP TABLE strangers")
    assert "Not copied, since no package of this site knows them: strangers." in said


def test_ids_that_were_given_never_come_back(source, target):
    last = max(execute(source, "SELECT id FROM outbox"))[0] + 1  # the last one is gone
    run("copy-database", source, target)
    assert execute(target, "SELECT kind FROM outbox") == [("mail",), ("mail",)]
    insert = "INSERT INTO outbox (kind, key, created) VALUES ('mail', '2', 1) RETURNING id"
    assert execute(target, insert) == [(last + 1,)]
    database = Database(target)
    with database.write() as session:
        assert add_user(session, "third") > max(session.scalars(sa.text("SELECT user_id FROM posts")))
    database.close()


def test_a_copy_of_a_copy_is_the_same(source, target, tmp_path):
    run("copy-database", source, target)
    back = f"sqlite+pysqlite:///{tmp_path}/back.sqlite3"
    run("copy-database", target, back)
    assert contents(back) == contents(source)


def contents(url):
    database = Database(url)
    with database.snapshot() as session:
        found = [
            copying.read_content(session, table, {"search"}, lambda rows: None)
            for table in copying.list_copied_tables()
        ]
    database.close()
    return found


def test_a_new_file_is_for_its_owner_only(application, sqlite_target, tmp_path):
    said = run("copy-database", application.registry.microblog[DATABASE_URL], sqlite_target).stdout
    assert "outbox" not in said
    assert (tmp_path / "copy.sqlite3").stat().st_mode & 0o777 == 0o600


def test_existing_rows_are_replaced_only_with_overwrite(source, target):
    run("copy-database", source, target)
    execute(target, "UPDATE users SET about_me = 'changed'")
    error = run("copy-database", source, target, status=1).stderr
    assert "is not empty (there is something in table " in error
    assert "add --overwrite" in error
    assert set(execute(target, "SELECT about_me FROM users")) == {("changed",)}
    run("copy-database", "--overwrite", source, target)
    assert set(execute(target, "SELECT about_me FROM users")) == {("",)}
    assert sorted(execute(target, "SELECT posts_count FROM users")) == [(1,), (1,)]


def test_a_row_that_cannot_be_written_is_reported_and_nothing_is_kept(source, target):
    run("copy-database", source, target)
    execute(target, "DELETE FROM users", "CREATE UNIQUE INDEX about ON users (about_me)")
    error = run("copy-database", "--overwrite", source, target, status=1).stderr
    assert "A row of table users cannot be written there (" in error
    assert "Nothing was kept." in error
    assert "susan" not in error
    assert execute(target, "SELECT * FROM nicknames") == []


def test_a_difference_is_reported_and_nothing_is_kept(source, sqlite_target):
    make(sqlite_target)
    columns = "lines, position, posts, present, refused, started, finished"
    # A column that makes numbers of texts.
    execute(
        sqlite_target,
        "DROP TABLE imports",
        f"CREATE TABLE imports (digest TEXT PRIMARY KEY, file_name INTEGER, {columns})",
    )
    timestamp = "'2026-01-31 12:00:00+00:00'" if POSTGRESQL_URL else "'2026-01-31 12:00:00.000000'"
    values = f"'0', '007', 1, 1, 1, 1, 1, {timestamp}, NULL"
    execute(source, f"INSERT INTO imports (digest, file_name, {columns}) VALUES ({values})")
    error = run("copy-database", source, sqlite_target, status=1).stderr
    assert "Table imports differs: 1 rows were read and 1 are there" in error
    assert execute(sqlite_target, "SELECT * FROM users") == []
    assert execute(sqlite_target, "SELECT name FROM sqlite_master WHERE name = 'posts_inserted'")


def make(url, revision="head"):
    database = Database(url)
    migrating.upgrade(database, revision)
    database.close()


def test_a_target_that_is_something_else_is_left_alone(source, target, tmp_path):
    (tmp_path / "new").mkdir()
    execute(target, "CREATE TABLE recipes (name TEXT)")
    assert "holds tables that are not microblog's" in run("copy-database", source, target, status=1).stderr


def test_an_older_database_is_refused_on_either_side(source, sqlite_target):
    make(sqlite_target, "0001")
    for sides in ((source, sqlite_target), (sqlite_target, source)):
        error = run("copy-database", *sides, status=1).stderr
        assert f"is at revision 0001, and this microblog needs {migrating.get_head()}" in error


def test_a_role_that_may_not_make_tables_is_refused_with_the_remedy(source):
    if not POSTGRESQL_URL:
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL, to copy into PostgreSQL.")
    for url in other_postgresql():
        execute(url, "REVOKE CREATE ON SCHEMA public FROM pg_database_owner")
        error = run("copy-database", source, url, status=1).stderr
        assert "createdb --owner=ROLE --encoding=UTF8 " in error


def test_a_database_that_cannot_hold_all_texts_is_refused_with_the_remedy(source):
    if not POSTGRESQL_URL:
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL, to copy into PostgreSQL.")
    for url in other_postgresql("TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"):
        error = run("copy-database", source, url, status=1).stderr
        assert "its encoding is SQL_ASCII, which cannot hold every text" in error
        assert "createdb --owner=ROLE --encoding=UTF8 " in error


def test_a_wrong_url_is_reported_without_its_password(source, tmp_path):
    for wrong in (
        "nonsense",
        "mysql+nonsense://me:secret@localhost/x",
        "postgresql+psycopg2://me:secret@localhost/x",
    ):
        error = run("copy-database", wrong, source, status=1).stderr
        assert "is no database that can be used" in error
        assert "secret" not in error
    missing = f"sqlite+pysqlite:///{tmp_path}/missing.sqlite3"
    assert "There is no file" in run("copy-database", missing, source, status=1).stderr
    assert not (tmp_path / "missing.sqlite3").exists()
    (tmp_path / "missing.sqlite3").touch()
    assert "There is no microblog in" in run("copy-database", missing, source, status=1).stderr


def test_a_server_that_does_not_answer_is_reported_with_its_name(source):
    down = "postgresql+psycopg://me:secret@127.0.0.1:1/x"
    for sides in ((source, down), (down, source)):
        error = run("copy-database", *sides, status=1).stderr
        assert "postgresql+psycopg://me:***@127.0.0.1:1/x cannot be reached (" in error


def test_from_and_to_are_two(source, sqlite_target, tmp_path):
    assert "are the same database" in run("copy-database", source, source, status=1).stderr
    make(sqlite_target)
    (tmp_path / "link.sqlite3").hardlink_to(tmp_path / "copy.sqlite3")
    link = f"sqlite+pysqlite:///{tmp_path}/link.sqlite3"
    assert "are the same database" in run("copy-database", sqlite_target, link, status=1).stderr


def test_a_server_with_two_names_is_one(source):
    if not POSTGRESQL_URL:
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL, to copy from PostgreSQL.")
    url = sa.make_url(source)
    other_name = {"localhost": "127.0.0.1"}.get(str(url.host), "localhost")
    same = url.set(host=other_name).render_as_string(hide_password=False)
    assert "are the same database" in run("copy-database", "--overwrite", source, same, status=1).stderr


def test_an_empty_database_replaces_nothing(source, sqlite_target):
    make(sqlite_target)
    error = run("copy-database", "--overwrite", sqlite_target, source, status=1).stderr
    assert "There is nothing in " in error
    assert len(execute(source, "SELECT id FROM users")) == 2


@pytest.mark.parametrize(
    "change", ["last_seen = 'rubbish'", "last_seen = 12345", "about_me = CAST(x'ff41' AS TEXT)"]
)
def test_a_row_that_cannot_be_read_is_reported_and_nothing_is_kept(source, sqlite_target, tmp_path, change):
    run("copy-database", source, sqlite_target)
    execute(sqlite_target, f"UPDATE users SET {change}")
    target = f"sqlite+pysqlite:///{tmp_path}/other.sqlite3"
    error = run("copy-database", sqlite_target, target, status=1).stderr
    assert "A row of table users cannot be read (" in error
    assert execute(target, "SELECT id FROM users") == []


@pytest.mark.skipif(bool(POSTGRESQL_URL), reason="Run without MICROBLOG_TEST_DATABASE_URL too.")
def test_a_damaged_file_is_not_copied(source, sqlite_target):
    execute(source, "UPDATE users SET nickname = nickname")
    with closing(sqlite3.connect(sa.make_url(source).database or "", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("INSERT INTO nicknames VALUES ('x', 99)")
    error = run("copy-database", source, sqlite_target, status=1).stderr
    assert "is damaged (a row in table nicknames refers to nothing in users)" in error
    assert "restore a backup, and copy that." in error
