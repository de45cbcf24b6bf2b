"""`microblog database`: made, upgraded, checked."""

from __future__ import annotations

import sqlite3

import pytest

from microblog.db import Database
from microblog.operations import migrating
from tests.functional.commands.conftest import run


@pytest.fixture
def file(new_site, tmp_path):
    """The SQLite file of the new site, made."""
    run("-c", new_site, "database", "upgrade")
    return tmp_path / "var" / "new.sqlite3"


def execute(file, sql):
    connection = sqlite3.connect(file)
    connection.execute(sql)
    connection.commit()
    connection.close()


def test_a_new_site_gets_its_folder_database_and_index(new_site, tmp_path):
    assert "There is no database at" in run("-c", new_site, "database", "check", status=1).stderr
    assert not (tmp_path / "var").exists()
    made = run("-c", new_site, "database", "upgrade").stdout
    assert made == f"The database is made (revision {migrating.get_head()}): {tmp_path}/var/new.sqlite3.\n"
    assert run("-c", new_site, "database", "check").stdout == (
        f"The database is as it should be (revision {migrating.get_head()}).\n"
        "Search (fts5): 0 posts indexed, 0 wait.\n"
    )
    assert "is up to date" in run("-c", new_site, "database", "upgrade").stdout


def test_the_test_database_is_as_it_should_be(microblog):
    assert "is as it should be" in microblog("database", "check").stdout


def test_an_older_database_is_upgraded(new_site, file):
    old = Database(f"sqlite+pysqlite:///{file}")
    migrating.downgrade(old, "0001")
    old.close()
    error = run("-c", new_site, "user", "add", "susan", status=1).stderr
    assert f"The database is at revision 0001, this microblog needs {migrating.get_head()}" in error
    assert f"microblog -c {new_site} database upgrade" in error
    upgraded = run("-c", new_site, "database", "upgrade").stdout
    assert upgraded == f"The database is upgraded from revision 0001 to {migrating.get_head()}: {file}.\n"


def test_an_empty_database_is_reported(new_site, tmp_path):
    (tmp_path / "var").mkdir()
    sqlite3.connect(tmp_path / "var" / "new.sqlite3").close()
    (tmp_path / "var" / "new.sqlite3").touch()
    assert "The database is empty: run" in run("-c", new_site, "database", "check", status=1).stderr


def test_a_newer_database_is_left_alone(new_site, file):
    execute(file, "UPDATE alembic_version SET version_num = '9999'")
    for command in ("check", "upgrade"):
        error = run("-c", new_site, "database", command, status=1).stderr
        assert "The database was made by a newer version of microblog (revision 9999)" in error


def test_changes_made_by_hand_are_reported(new_site, file):
    execute(file, "ALTER TABLE users ADD COLUMN shoe_size INTEGER")
    execute(file, "DROP INDEX ix_posts_user_id_id")
    error = run("-c", new_site, "database", "check", status=1).stderr
    assert "remove_column users users.shoe_size" in error
    assert "ix_posts_user_id_id" in error


def test_a_changed_column_is_reported(new_site, file):
    execute(file, "ALTER TABLE users RENAME COLUMN last_seen TO away")
    execute(file, "ALTER TABLE users ADD COLUMN last_seen DATETIME NOT NULL DEFAULT '2026-01-01'")
    error = run("-c", new_site, "database", "check", status=1).stderr
    assert "modify_nullable users last_seen" in error


def test_a_missing_index_of_search_is_reported(new_site, file):
    for table in ("search_fts5", "search_fts5_pending", "search_fts5_texts"):
        execute(file, f"DROP TABLE {table}")
    error = run("-c", new_site, "database", "check", status=1).stderr
    assert "microblog search rebuild" in error


def test_an_upgrade_that_would_break_references_changes_nothing(new_site, file):
    old = Database(f"sqlite+pysqlite:///{file}")
    migrating.downgrade(old, "0001")
    old.close()
    execute(file, "INSERT INTO nicknames (key, user_id) VALUES ('nobody', 99)")
    error = run("-c", new_site, "database", "upgrade", status=1).stderr
    assert "The migration would break 1 references, first in table nicknames; nothing was changed." in error
