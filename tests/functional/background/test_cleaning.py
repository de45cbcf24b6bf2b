"""The worker, and what GETs leave behind for it."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from pyramid_retry import mark_error_retryable

from microblog.accounts import queries
from microblog.accounts.models import LoginSession, User
from microblog.background.deferred import BATCH_SIZE, QUEUE_LENGTH
from microblog.background.worker import Worker
from microblog.ids import new_id
from tests.walk import bodies, enter

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def deferred(application):
    return application.registry.deferred


@pytest.fixture
def worker(application, clock):
    return Worker(application.registry, now=clock)


def count_of(database, model):
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model))


def add(nickname):
    """A write that can be deferred."""
    return lambda session: queries.add_user(session, nickname)


def fail(session):
    raise ZeroDivisionError


# Deferred writes


def test_deferred_writes_wait_until_they_are_flushed(deferred, database):
    deferred.put("a", add("susan"))
    assert count_of(database, User) == 0
    assert deferred.flush() == 1
    assert count_of(database, User) == 1
    assert deferred.flush() == 0


def test_the_same_write_waits_once(deferred, database):
    deferred.put("a", add("susan"))
    deferred.put("a", add("john"))
    assert deferred.flush() == 1
    deferred.put("a", add("john"))
    assert deferred.flush() == 1
    assert count_of(database, User) == 2


def test_a_write_that_does_not_fit_into_the_queue_is_lost_without_waiting(deferred):
    for number in range(QUEUE_LENGTH + 5):
        deferred.put(str(number), lambda session: None)
    assert deferred.flush() == QUEUE_LENGTH
    deferred.put("again", lambda session: None)
    assert deferred.flush() == 1


def test_a_batch_that_fails_is_lost_alone_and_logged(deferred, database, caplog):
    for number in range(BATCH_SIZE):
        deferred.put(str(number), fail if number == 0 else add(f"lost{number}"))
    deferred.put("next", add("susan"))
    assert deferred.flush() == BATCH_SIZE + 1
    assert count_of(database, User) == 1
    assert [record.getMessage() for record in caplog.records] == ["100 deferred writes are lost."]
    caplog.clear()


# The worker


def test_a_round_writes_what_gets_left_behind(worker, application, deferred, database):
    deferred.put("a", add("susan"))
    worker.round()
    assert count_of(database, User) == 1


def test_a_post_that_came_from_outside_is_found_after_a_round(worker, application, database, browser):
    """Written by somebody's own SQL: no session of ours saw it."""
    with database.write() as session:
        user_id = queries.add_user(session, "susan")
    statement = sa.text("INSERT INTO posts (id, user_id, body) VALUES (:id, :user_id, 'from outside')")
    with database.engine.begin() as connection:
        connection.execute(statement, {"id": new_id(), "user_id": user_id})
    worker.round()
    assert bodies(browser.get("/search?q=outside")) == ["from outside"]


def test_expired_sessions_are_deleted_and_the_others_stay(application, database):
    with time_machine.travel(NOON, tick=False) as clock:
        for nickname in ("susan", "john"):
            enter(application.browser(), nickname)
            clock.shift(timedelta(hours=5))
        Worker(application.registry).round()
        assert count_of(database, LoginSession) == 2
        clock.shift(timedelta(hours=2))
        Worker(application.registry).round()
        assert count_of(database, LoginSession) == 1


def test_old_rows_are_deleted_every_ten_minutes_only(worker, clock, count_statements):
    def deletes_sessions():
        with count_statements() as statements:
            worker.round()
        return any("DELETE FROM sessions" in statement for statement in statements)

    assert deletes_sessions()
    clock.now += 599
    assert not deletes_sessions()
    clock.now += 1
    assert deletes_sessions()


def test_a_separate_worker_leaves_only_the_deferred_writes_to_the_server(
    worker, deferred, database, count_statements
):
    deferred.put("a", add("susan"))
    with count_statements() as statements:
        worker.round(everything=False)
    assert count_of(database, User) == 1
    assert not [statement for statement in statements if "sessions" in statement]


def test_a_task_that_fails_is_logged_once_and_retried(worker, clock, database, caplog):
    """The table of sessions is away for two rounds."""
    caplog.set_level(logging.ERROR)
    rename(database, "sessions", "away")
    try:
        for _ in range(2):
            worker.round()
            clock.now += 600
        messages = [record.getMessage() for record in caplog.records]
        assert messages == ["The worker's task “expired sessions” failed; it will be retried."]
    finally:
        rename(database, "away", "sessions")
        caplog.clear()
    worker.round()
    assert not caplog.records


def test_a_task_that_others_hold_up_is_a_fault_the_second_time_only(worker, caplog):
    caplog.set_level(logging.INFO, "microblog.background")

    def held_up():
        error = sa.exc.OperationalError("UPDATE", {}, Exception("deadlock detected"))
        mark_error_retryable(error)
        raise error

    def levels():
        return [record.levelname for record in caplog.records if record.name == "microblog.background.worker"]

    worker._try("a task", held_up)
    assert levels() == ["INFO"]
    worker._try("a task", lambda: None)
    worker._try("a task", held_up)
    assert levels() == ["INFO", "INFO"], "it had succeeded in between"
    worker._try("a task", held_up)
    assert levels() == ["INFO", "INFO", "ERROR"]
    caplog.clear()


def rename(database, old, new):
    with database.write() as session:
        session.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_the_worker_runs_as_one_thread_and_its_last_round_writes_the_rest(worker, deferred, database):
    worker.start()
    worker.start()
    threads = [thread for thread in threading.enumerate() if thread.name == "microblog-worker"]
    assert len(threads) == 1
    deferred.put("a", add("susan"))
    worker.stop()
    assert not threads[0].is_alive()
    assert count_of(database, User) == 1


def test_a_worker_that_never_ran_can_be_stopped(worker):
    worker.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "microblog-worker"]


@pytest.mark.parametrize("where", ["inline", "separate"])
def test_the_first_request_starts_it(make_application, where):
    application = make_application({"microblog.worker": where})
    assert not running()
    application.browser().get("/")
    application.browser().get("/")
    assert len(running()) == 1
    application.registry.worker.stop()
    assert not running()


def test_the_worker_is_off_in_tests(application):
    application.browser().get("/")
    assert not running()


def running():
    return [thread for thread in threading.enumerate() if thread.name == "microblog-worker"]
