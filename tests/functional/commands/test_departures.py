"""`microblog user delete`, `keep` and `departures`, and what doctor says of accounts that are deleted."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from microblog.accounts import actions, departure_queries
from microblog.accounts.departures import carry_out
from microblog.accounts.models import Departure, User
from microblog.accounts.queries import add_user, find_owner_id
from microblog.ids import new_id
from microblog.people.actions import follow
from microblog.posts.models import Post
from tests.competing import before_the_statement
from tests.conftest import POSTGRESQL_URL
from tests.walk import PASSWORD, flashes, log_in, sign_up

MANY = 3_000
needs_postgresql = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)


@pytest.fixture
def susan(application, database):
    """Her id; she has posts, and john follows her."""
    sign_up(application.browser(), "susan")
    with database.write() as session:
        user_id = find_owner_id(session, "susan") or 0
        follow(session, add_user(session, "john"), user_id)
        rows = [{"id": new_id(), "user_id": user_id, "body": f"Post {number}"} for number in range(30)]
        session.execute(sa.insert(Post), rows)
    return user_id


def get_departure(database, user_id):
    with database.read() as session:
        return departure_queries.get_departure(session, user_id)


def test_a_person_is_deleted_later_and_can_change_their_mind(microblog, application, database, susan):
    output = microblog("user", "delete", "Susan", stdin="y\n").stdout
    assert "Delete the account of susan in 14 days?" in output
    assert "susan is logged out, and will be deleted on " in output
    due = get_departure(database, susan).due
    assert timedelta(days=13) < due - datetime.now(UTC) < timedelta(days=15)
    page = log_in(application.browser(), "susan").follow()
    assert flashes(page) == ["Your account was to be deleted. Since you have logged in, it is kept."]


@pytest.mark.parametrize(
    ("stdin", "sentence"),
    [("n\n", "Nothing was changed."), ("", "Nothing was changed: say yes, or use --yes.")],
)
def test_without_a_yes_nobody_is_deleted(microblog, database, susan, stdin, sentence):
    assert sentence in microblog("user", "delete", "susan", "--now", stdin=stdin, status=1).stderr
    assert get_departure(database, susan) is None


def test_nobody_and_the_only_admin_are_not_deleted(microblog, database, susan):
    assert "Nobody here is called joe" in microblog("user", "delete", "joe", "--yes", status=1).stderr
    with database.write() as session:
        actions.set_admin(session, susan, is_admin=True)
    error = microblog("user", "delete", "susan", "--yes", "--now", status=1).stderr
    assert "susan is the only admin who stays: say `microblog user grant NICKNAME admin` first." in error
    assert get_departure(database, susan) is None


@needs_postgresql
def test_a_person_who_was_deleted_meanwhile_is_said(microblog, database, susan):
    def delete():
        with database.write() as session:
            session.execute(sa.delete(User).where(User.id == susan))

    with before_the_statement(sa.Engine, "SELECT users.is_admin", delete):
        error = microblog("user", "delete", "susan", "--yes", status=1).stderr
    assert "susan was deleted meanwhile: nothing was changed." in error


def test_with_now_nothing_is_left_when_the_command_ends(microblog, database, susan, application):
    output = microblog("user", "delete", "susan", "--now", "--yes").stdout
    assert output == "susan is deleted, and nothing is left of them.\n"
    with database.read() as session:
        assert session.get(User, susan) is None
        assert session.scalar(sa.select(sa.func.count()).select_from(Post)) == 0
    assert get_departure(database, susan).ended is not None
    application.browser().get("/users/susan", status=404)
    assert "Nobody here is called susan" in microblog("user", "delete", "susan", "--yes", status=1).stderr
    error = microblog("user", "add", "susan", status=1).stderr
    assert "Somebody has, or had, this nickname already. susan2 would be free." in error


def test_a_person_who_was_to_be_deleted_is_kept(microblog, application, database, susan):
    microblog("user", "delete", "susan", "--yes")
    assert microblog("user", "keep", "susan").stdout == "susan is kept, and can log in as before.\n"
    assert get_departure(database, susan) is None
    error = microblog("user", "keep", "susan", status=1).stderr
    assert "The account of susan was not to be deleted: nothing was changed." in error
    assert flashes(log_in(application.browser(), "susan", PASSWORD).follow()) == []


def list_lines(microblog):
    return microblog("user", "departures").stdout.splitlines()


def test_departures_are_listed_with_their_state(microblog, application, database, susan):
    assert list_lines(microblog) == ["No account is being deleted."]
    microblog("user", "delete", "susan", "--yes")
    [line] = list_lines(microblog)
    assert line.startswith("susan ")
    assert " asked on " in line
    assert ", to be deleted on " in line
    with database.write() as session:
        session.execute(sa.update(Departure).values(due=datetime.now(UTC)))
        actions.go(session, susan)
    [line] = list_lines(microblog)
    assert line.startswith(f"user {susan} ")
    assert line.endswith(" UTC, 31 posts and follows left")
    while carry_out(application.registry):
        pass
    [line] = list_lines(microblog)
    assert line.startswith(f"user {susan} ")
    assert " deleted on " in line


def find_finding(microblog, name, *arguments):
    lines = microblog("doctor", *arguments, status=0).stdout.splitlines()
    return next(line for line in lines if f" {name}: " in line)


def test_doctor_says_how_many_wait_and_which_is_overdue(microblog, application, database, susan):
    assert "departures: 0 wait to be deleted, 0 being deleted." in find_finding(microblog, "departures")
    microblog("user", "delete", "susan", "--yes")
    assert "departures: 1 wait to be deleted, 0 being deleted." in find_finding(microblog, "departures")
    with database.write() as session:
        session.execute(sa.update(Departure).values(due=datetime.now(UTC) - timedelta(days=2)))
    finding = find_finding(microblog, "departures")
    assert finding.startswith("warning")
    assert "One should have been deleted on " in finding
    assert "user departures` lists them." in finding
    with database.write() as session:
        actions.go(session, susan)
        session.execute(sa.update(Departure).values(due=datetime.now(UTC)))
    finding = find_finding(microblog, "departures")
    assert finding.startswith("ok")
    assert "0 wait to be deleted, 1 being deleted, the first since " in finding
    while carry_out(application.registry):
        pass
    assert "0 wait to be deleted, 0 being deleted." in find_finding(microblog, "departures")
    assert "are the numbers of rows." in find_finding(microblog, "counts", "--full")


def test_a_command_that_is_killed_is_gone_on_with_by_the_worker(start, ini, application, database, susan):
    with database.write() as session:
        rows = [{"id": new_id(), "user_id": susan, "body": f"Post {number}"} for number in range(MANY)]
        session.execute(sa.insert(Post), rows)
    process = start("-c", ini, "user", "delete", "susan", "--now", "--yes")
    while count_posts(database) > MANY - 100:
        pass
    process.end(signal.SIGKILL)
    assert count_posts(database) > 0
    assert get_departure(database, susan).ended is None
    application.browser().get("/users/susan", status=404)
    while carry_out(application.registry):
        pass
    assert get_departure(database, susan).ended is not None
    assert count_posts(database) == 0


def count_posts(database):
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Post))


@needs_postgresql
def test_a_command_waits_for_a_worker_that_removes_the_same_person(microblog, application, database, susan):
    """The worker is quicker: it removes everything just before the command would."""

    def remove():
        while carry_out(application.registry):
            pass

    with before_the_statement(sa.Engine, "SET LOCAL enable_seqscan", remove):
        output = microblog("user", "delete", "susan", "--now", "--yes").stdout
    assert output == "susan is deleted, and nothing is left of them.\n"
