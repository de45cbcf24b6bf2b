"""Threads and messages in the database: several people at once, and what doctor finds."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.checks import FAULT, OK
from microblog.db import StaleData
from microblog.messages import actions, queries
from microblog.messages.checks import REPAIR, describe_threads
from microblog.messages.models import Message, MessageSenders, MessageThread
from microblog.messages.rules import EVERYBODY, FOLLOWED, NOBODY, CannotWrite
from microblog.paging import Cursor
from microblog.people.actions import block
from tests.competing import has_to_wait
from tests.conftest import POSTGRESQL_URL

on_postgresql = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has no locks of rows."
)


@pytest.fixture
def people(database):
    with database.write() as session:
        return [add_user(session, nickname) for nickname in ("susan", "john", "grace")]


def read_threads(database):
    with database.read() as session:
        return session.execute(sa.select(MessageThread.owner_id, MessageThread.id)).all()


def run_at_once(database, *acts):
    """Each in a thread and a transaction of its own; the exceptions of those that were refused."""
    refused = []
    barrier = threading.Barrier(len(acts))

    def run(act):
        barrier.wait()
        try:
            with database.without_limits(), database.write() as session:
                act(session)
        except CannotWrite as error:
            refused.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_two_people_who_begin_to_write_at_once_have_one_thread(database, people):
    susan, john, grace = people
    for round_ in range(5):
        assert not run_at_once(
            database,
            lambda session: actions.write(session, susan, john, "from susan"),
            lambda session: actions.write(session, john, susan, "from john"),
            lambda session: actions.write(session, grace, susan, "from grace"),
            lambda session: actions.write(session, john, grace, "from john"),
        )
        threads = read_threads(database)
        assert len(threads) == 6, round_
        assert len({thread_id for _, thread_id in threads}) == 3
        with database.write() as session:
            own = queries.get_thread(session, susan, john)
            assert own is not None
            texts = {message.text for message in queries.list_messages(session, own, Cursor(), 10)}
            assert texts == {"from susan", "from john"}
            session.execute(sa.delete(MessageThread))


def test_a_message_and_a_block_at_once_are_done_one_after_the_other(database, people):
    """Either the message was first, and both have it, or it was refused, and nobody does."""
    susan, john, _ = people
    for _ in range(5):
        refused = run_at_once(
            database,
            lambda session: actions.write(session, susan, john, "Hello"),
            lambda session: block(session, john, susan),
        )
        assert len(read_threads(database)) == (0 if refused else 2)
        with pytest.raises(CannotWrite), database.write() as session:
            actions.write(session, susan, john, "Hello again")
        with database.write() as session:
            session.execute(sa.text("DELETE FROM blocks"))
            session.execute(sa.delete(MessageThread))


@on_postgresql
def test_what_decides_about_a_message_waits_for_it(database, people):
    susan, john, _ = people
    with database.write() as session:
        actions.write(session, susan, john, "Hello")
        assert has_to_wait(database, lambda other: block(other, john, susan))
        assert has_to_wait(database, lambda other: actions.choose_senders(other, john, NOBODY))
        assert has_to_wait(database, lambda other: actions.write(other, john, susan, "Hello"))
        assert has_to_wait(database, lambda other: other.execute(sa.delete(User).where(User.id == john)))


@on_postgresql
def test_a_read_mark_waits_for_nobody(database, people):
    susan, john, _ = people
    with database.write() as session:
        message_id = actions.write(session, susan, john, "Hello")
    with database.read() as session:
        own = queries.get_thread(session, john, susan)
        assert own is not None
    with database.write() as session:
        actions.write(session, susan, john, "Again")
        assert not has_to_wait(
            database, partial(queries.mark_read, owner_id=john, thread_id=own.id, message_id=message_id)
        )
    with database.read() as session:
        after = queries.get_thread(session, john, susan)
        assert after is not None
        assert after.read_id == 0


def test_nothing_is_done_for_somebody_who_is_gone(session, people):
    susan = people[0]
    for act in (
        lambda: actions.write(session, susan, 999, "Hello"),
        lambda: actions.write(session, 999, susan, "Hello"),
        lambda: actions.choose_senders(session, 999, NOBODY),
        lambda: actions.delete(session, susan, 1, 1),
        lambda: actions.delete_thread(session, susan, 1),
    ):
        with pytest.raises(StaleData):
            act()


def test_what_one_has_is_not_what_the_other_has(session, people):
    susan, john, grace = people
    message_id = actions.write(session, susan, john, "Hello")
    own = queries.get_thread(session, john, susan)
    assert own is not None
    for act in (
        lambda: actions.delete(session, grace, own.id, message_id),
        lambda: actions.delete_thread(session, grace, own.id),
    ):
        with pytest.raises(StaleData):
            act()
    queries.mark_read(session, grace, own.id, message_id)
    assert queries.get_abandoned_thread(session, grace, own.id) is None
    assert queries.get_abandoned_thread(session, john, own.id) is None  # somebody is there
    assert queries.get_thread(session, john, susan) == own


def test_a_message_comes_behind_those_of_another_clock(session, people):
    susan, john, _ = people
    actions.write(session, susan, john, "from the future")
    future = 2**62
    session.execute(sa.update(MessageThread).values(last_id=future))
    assert actions.write(session, john, susan, "an answer") == future + 1


def test_a_choice_is_kept_until_it_is_everybody_again(session, people):
    susan = people[0]
    for senders in (FOLLOWED, NOBODY, NOBODY, EVERYBODY):
        actions.choose_senders(session, susan, senders)
        assert queries.get_senders(session, susan) == senders
    assert session.scalars(sa.select(MessageSenders.user_id)).all() == []


def test_doctor_finds_threads_that_do_not_name_their_newest_message(database, application, people):
    susan, john, _ = people

    def check():
        site: Any = application  # it has all that the check uses
        return [(finding.level, finding.sentence) for finding in describe_threads(site)]

    with database.write() as session:
        ids = [actions.write(session, susan, john, f"number {number}") for number in range(2)]
    assert [level for level, _ in check()] == [OK]
    with database.write() as session:
        session.execute(sa.delete(Message).where(Message.owner_id == susan, Message.id == ids[1]))
        session.execute(sa.delete(Message).where(Message.owner_id == john))
    ((level, text),) = check()
    assert level == FAULT
    assert f"wrong in 2 rows, the first of the person with the id {susan}" in text
    with database.write() as session:
        for statement in REPAIR.split("; "):
            session.execute(sa.text(statement.rstrip(";")))
    assert [level for level, _ in check()] == [OK]
    assert len(read_threads(database)) == 1
