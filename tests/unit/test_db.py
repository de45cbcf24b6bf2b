"""The engine, the sessions and the traps of both databases."""

from __future__ import annotations

import gc
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from pyramid_retry import IRetryableError
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.db import Database, UTCDateTime, get_sqlite_file, is_transient
from microblog.engine import Timeouts
from microblog.posts.models import Post
from microblog.posts.queries import add_post


def only_on(database: Database, dialect: str) -> bool:
    """Some traps are one database's own; on the other there is nothing to show."""
    return database.dialect == dialect


def test_building_the_database_connects_to_nothing():
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    assert database.engine.pool.status().endswith("Current Checked out connections: 0")


def test_a_read_session_cannot_write(database):
    with database.read() as session, pytest.raises(sa.exc.DBAPIError, match=r"read.?only"):
        session.execute(sa.delete(User))


def test_a_connection_that_was_read_only_can_write_again(database):
    for _ in range(3):  # the pooled connection is the same each time
        with database.read() as session:
            session.execute(sa.select(User.id)).all()
        with database.write() as session:
            session.execute(sa.delete(User))


def test_a_failed_write_leaves_nothing(database):
    with pytest.raises(RuntimeError), database.write() as session:  # noqa: PT012
        add_user(session, "susan")
        raise RuntimeError("something went wrong")
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(User.id))) == 0


def test_two_writers_at_once_both_succeed(database):
    """On SQLite a deferred transaction would fail at once here: its snapshot is stale."""
    with database.write() as session:
        user_id = add_user(session, "susan")
    errors: list[BaseException] = []

    def read_then_write() -> None:
        try:
            for _ in range(20):
                with database.write() as session:
                    count = session.scalar(sa.select(User.followers_count).where(User.id == user_id))
                    assert count is not None
                    session.execute(
                        sa.update(User)
                        .where(User.id == user_id)
                        .values(followers_count=User.followers_count + 1)
                    )
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read_then_write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with database.read() as session:
        assert session.scalar(sa.select(User.followers_count)) == 80


def test_insert_or_replace_keeps_the_counts_right(database):
    """Without recursive_triggers SQLite skips the delete triggers of the replaced row."""
    with database.write() as session:
        user_id = add_user(session, "susan")
        add_post(session, user_id, "one")
        if only_on(database, "sqlite"):
            session.execute(sa.text("INSERT OR REPLACE INTO posts SELECT * FROM posts"))
    with database.read() as session:
        assert session.scalar(sa.select(User.posts_count)) == 1


def test_deleting_a_person_deletes_what_is_theirs(database):
    with database.write() as session:
        user_id = add_user(session, "susan")
        add_post(session, user_id, "one")
    with database.write() as session:
        session.execute(sa.delete(User))
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count(Post.id))) == 0


def test_an_id_that_left_the_database_never_comes_back(database):
    with database.write() as session:
        first = add_user(session, "susan")
        session.execute(sa.delete(User))
        assert add_user(session, "john") > first


def test_savepoints_work(database):
    with database.write() as session:
        add_user(session, "susan")
        nested = session.begin_nested()
        add_user(session, "john")
        nested.rollback()
    with database.read() as session:
        assert session.scalars(sa.select(User.nickname)).all() == ["susan"]


def test_a_busy_database_is_worth_another_try(tmp_path):
    url = f"sqlite+pysqlite:///{tmp_path}/busy.sqlite3"
    patient, impatient = Database(url), Database(url, Timeouts(statement=0.05))
    with patient.write() as session:
        session.execute(sa.text("CREATE TABLE t (x)"))
        with (
            impatient.for_a_request(),
            pytest.raises(sa.exc.OperationalError) as caught,
            impatient.write() as other,
        ):
            other.execute(sa.text("SELECT 1"))
    assert IRetryableError.providedBy(caught.value)
    patient.close()
    impatient.close()


class SerializationFailure(Exception):
    sqlstate = "40001"


class UniqueViolation(Exception):
    sqlstate = "23505"


def test_which_errors_of_postgresql_are_worth_another_try():
    assert is_transient(SerializationFailure())
    assert not is_transient(UniqueViolation())
    assert not is_transient(ValueError())


def test_a_deadlock_is_worth_another_try(database):
    """Two writers who wait for each other: PostgreSQL ends one, SQLite never lets it come so far."""
    with database.write() as session:
        first, second = add_user(session, "susan"), add_user(session, "john")
    barrier = threading.Barrier(2, timeout=5)
    errors: list[Exception] = []

    def lock(one: int, other: int) -> None:
        try:
            with database.write() as session:
                session.execute(sa.update(User).where(User.id == one).values(about_me="x"))
                if only_on(database, "postgresql"):
                    barrier.wait()
                session.execute(sa.update(User).where(User.id == other).values(about_me="x"))
        except sa.exc.DBAPIError as error:
            errors.append(error)

    threads = [threading.Thread(target=lock, args=args) for args in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == (1 if only_on(database, "postgresql") else 0)
    assert all(IRetryableError.providedBy(error) for error in errors)


def test_a_timestamp_is_read_as_it_was_written(database):
    timestamp = datetime(2026, 11, 22, 12, 30, 15, 123456, tzinfo=UTC)
    elsewhere = timestamp.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with database.write() as session:
        add_user(session, "susan", member_since=elsewhere)
    with database.read() as session:
        member_since = session.scalar(sa.select(User.member_since))
    assert member_since == timestamp
    assert member_since is not None
    assert member_since.tzinfo is UTC


def test_a_timestamp_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        UTCDateTime().process_bind_param(datetime(2026, 11, 22), sa.create_engine("sqlite://").dialect)


def test_sessions_are_remembered_while_somebody_holds_them(database):
    session = database.open_session(write=False)
    assert session in database.sessions
    name = repr(session)
    del session
    gc.collect()
    assert name not in map(repr, database.sessions)


def test_actions_before_commit_run_in_write_sessions_only(tmp_path):
    database = Database(f"sqlite+pysqlite:///{tmp_path}/x.sqlite3")
    seen: list[orm.Session] = []
    database.before_commit(seen.append)
    with database.read():
        pass
    assert seen == []
    with database.write() as session:
        session.execute(sa.text("CREATE TABLE t (x)"))
        with session.begin_nested():  # a savepoint is no COMMIT
            session.execute(sa.text("INSERT INTO t VALUES (1)"))
    assert seen == [session]
    database.close()


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite+pysqlite:////var/lib/microblog.sqlite3", "/var/lib/microblog.sqlite3"),
        ("sqlite+pysqlite://", None),
        ("sqlite+pysqlite:///:memory:", None),
        ("postgresql+psycopg://localhost/microblog", None),
    ],
)
def test_which_databases_are_a_file(url, file):
    found = get_sqlite_file(url)
    assert (None if found is None else str(found)) == file


def test_a_closed_session_cannot_be_used_again(database):
    with database.read() as kept:
        kept.execute(sa.select(User.id)).all()
    with pytest.raises(sa.exc.InvalidRequestError, match="permanently closed"):
        kept.execute(sa.select(User.id))
