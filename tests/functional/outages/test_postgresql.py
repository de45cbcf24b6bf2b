"""PostgreSQL is stopped, killed, or hangs: who waits, what the log and the admins have."""

from __future__ import annotations

import email
import logging
import tempfile
import threading
import time
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.postgresql import PostgreSQL, own_server
from microblog.alerts.interfaces import get_alerts
from microblog.db import Database
from microblog.operations import migrating
from microblog.outages import DatabaseUnavailable
from tests.conftest import POSTGRESQL_URL, Application, get_adapter, settings_for
from tests.functional.commands.conftest import run, write_ini
from tests.probing import wait_until_it_is_over
from tests.walk import PASSWORD, bodies, enter, write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not POSTGRESQL_URL,
        reason="Set MICROBLOG_TEST_DATABASE_URL: this starts, stops and kills a PostgreSQL of its own.",
    ),
    pytest.mark.xdist_group("outages"),
]

STATEMENT, CONNECT = 1.0, 2  # seconds
DEADLINE = CONNECT + STATEMENT + 1.0
AT_ONCE = 0.5  # seconds; this machine is busy
SENTENCE = "The database of this site does not answer at the moment. Please try again in a minute."


@pytest.fixture(scope="module")
def server():
    # Not below pytest's folder, which PostgreSQL's own user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="microblog-test-"))
    folder.chmod(0o755)
    with own_server(folder / "server") as server:
        database = Database(server.url)
        migrating.upgrade(database)
        database.close()
        application = Application(settings_for(server.url))
        with application.database.write() as session:
            get_adapter(application).install(session)
        application.database.close()
        yield server
    folder.rmdir()


class Site:
    """An application on the server, with somebody who is logged in and a reader."""

    def __init__(self, server: PostgreSQL, folder: Path) -> None:
        self.server = server
        self.folder = folder / "mail"
        self.application = Application(
            {
                **settings_for(
                    f"{server.url}?options=-c%20synchronous_commit%3Don"
                ),  # killed, it loses nothing
                "microblog.admins": "admin@example.org",
                "microblog.mail.folder": str(self.folder),
                "microblog.metrics": "true",
                "microblog.metrics.allow": "",
                "microblog.database.statement_timeout": str(STATEMENT),
                "microblog.database.connect_timeout": str(CONNECT),
            }
        )
        self.registry = self.application.registry
        self.outages = self.application.database.outages
        self.outages.seconds_between_probes = 0.05
        self.susan = self.application.browser()

    def mails(self):
        get_alerts(self.registry).close()
        files = sorted(self.folder.iterdir()) if self.folder.exists() else []
        return [email.message_from_bytes(f.read_bytes(), EmailMessage, policy=SMTP)["Subject"] for f in files]

    def wait_until_it_is_over(self):
        wait_until_it_is_over(self.outages)


@pytest.fixture
def site(server, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    site = Site(server, tmp_path)
    enter(site.susan, f"susan{time.time_ns()}")
    caplog.clear()
    yield site
    server.goes_on()
    server.start()
    site.outages.forget()  # before the pool is another one, into which its connection could not be put back
    site.application.database.close()
    caplog.clear()


def get_seconds(ask):
    began = time.monotonic()
    answer = ask()
    return time.monotonic() - began, answer


def list_outage_messages(caplog):
    """The warnings and errors in the log."""
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def refused(site, path="/"):
    return site.susan.get(path, status=503)


def test_a_database_that_hangs_is_a_503_within_the_deadline_and_the_next_one_at_once(site, caplog):
    site.server.hang()
    seconds, page = get_seconds(lambda: refused(site))
    assert STATEMENT < seconds < DEADLINE
    assert page.html.select_one(".sentence").get_text() == SENTENCE
    assert page.headers["Retry-After"] == "5"
    for path in ("/", "/explore", "/login", "/users/", "/api/nothing"):
        seconds, _ = get_seconds(lambda path=path: site.susan.get(path, status=[503, 404]))
        assert seconds < AT_ONCE, path
    site.server.goes_on()
    site.wait_until_it_is_over()
    assert "susan" in site.susan.get("/", status=200)
    begins, ends = list_outage_messages(caplog)
    assert begins.startswith(
        "The database is away (it did not answer within 1.25 seconds). Requests are refused"
    )
    assert ends.startswith("The database works again: “The database is away” is over; it was met")


def test_all_who_wait_when_it_hangs_are_freed_together(site, caplog):
    """Four threads wait at the same time; more than one deadline later none does."""
    browsers = [site.application.browser() for _ in range(4)]
    for browser in browsers:
        browser.get("/explore")  # each has a connection
    site.server.hang()
    seconds = []

    def ask(browser):
        seconds.append(get_seconds(lambda: browser.get("/explore", status=503))[0])

    threads = [threading.Thread(target=ask, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(seconds) < DEADLINE
    assert len(list_outage_messages(caplog)) == 1


def test_who_would_wait_for_longer_is_freed_when_others_have_given_up(site):
    """The worker, which has thirty seconds."""
    seconds = []
    database = site.application.database
    with database.read() as session:
        connection = session.connection()
        site.server.hang()

        def ask():
            with pytest.raises(DatabaseUnavailable, match="did not answer others either"):
                connection.exec_driver_sql("SELECT 1")

        thread = threading.Thread(target=lambda: seconds.append(get_seconds(ask)[0]))
        thread.start()
        refused(site)
        thread.join()
    assert seconds[0] < DEADLINE


def test_what_needs_no_database_is_answered_while_it_hangs(site):
    site.server.hang()
    refused(site)
    for path in ("/health/live", "/static/app.css", "/static/favicon.svg", "/avatars/0123456789abcdef.svg"):
        seconds, _ = get_seconds(lambda path=path: site.susan.get(path, status=200))
        assert seconds < AT_ONCE, path


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_lost_database_is_reported_once_for_any_number_of_requests(site, caplog, end):
    getattr(site.server, end)()
    for _ in range(20):
        refused(site)
        assert refused(site, "/explore").headers["Retry-After"] == "5"
    error = site.susan.get("/api/posts", status=[404, 503])
    assert error.content_type == "application/json"
    site.susan.get("/metrics", status=200)
    ready = site.susan.get("/health/ready", status=503)
    assert ready.text == "database: does not answer; the log says why\npictures: ok\n"
    for _ in range(3):
        site.registry.worker.round()
    site.server.start()
    site.wait_until_it_is_over()
    assert "susan" in site.susan.get("/", status=200)
    lines = [line for line in list_outage_messages(caplog) if "works again" not in line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("The database is away (")
    assert "Traceback" not in caplog.text
    assert site.mails() == ["[microblog] The database is away", "[microblog] The database works again"]


def test_a_restart_between_two_requests_is_noticed_by_nobody(site, caplog):
    """The connections of the pool are dead; the second attempt connects anew."""
    site.susan.get("/")
    site.server.stop()
    site.server.start()
    assert "susan" in site.susan.get("/", status=200)
    write(site.susan, "After the restart")
    assert list_outage_messages(caplog) == []
    assert site.mails() == []


def test_a_search_after_a_restart_finds_what_it_looks_for(site, caplog):
    """It is the first to meet the dead connection, and does not take it for an index in trouble."""
    write(site.susan, "Two words")
    visitor = site.application.browser()
    assert bodies(visitor.get("/search?q=two+words")) == ["Two words"]
    site.server.stop()
    site.server.start()
    assert bodies(visitor.get("/search?q=two+words", status=200)) == ["Two words"]
    assert list_outage_messages(caplog) == []


def test_a_post_is_given_back_while_the_database_is_away(site):
    form = site.susan.get("/").forms["compose-form"]
    form["body"] = "What I wrote"
    site.server.hang()
    page = form.submit(status=503)
    assert [area.get_text().strip() for area in page.html.select("textarea[readonly]")] == ["What I wrote"]
    site.server.goes_on()
    site.wait_until_it_is_over()
    form.submit(status=303)
    assert bodies(site.susan.get("/")).count("What I wrote") == 1


def test_what_gets_left_behind_waits_until_the_database_is_back(site):
    written = []
    site.server.stop()
    refused(site)
    site.registry.deferred.put("1", lambda session: written.append(session.scalar(sa.text("SELECT 1"))))
    site.registry.worker.round()
    assert written == []
    site.server.start()
    site.wait_until_it_is_over()
    site.registry.worker.round()
    assert written == [1]


@contextmanager
def losing_the_connection(site, part):
    """The connection is lost once, just before a statement that holds this text."""
    engine = site.application.database.engine
    killed: list[int] = []

    def kill(connection, cursor, statement, *rest):
        if part in statement and not killed:
            killed.append(connection.connection.driver_connection.info.backend_pid)
            other = sa.create_engine(site.server.url)
            with other.connect() as killing:
                killing.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": killed[0]})
            other.dispose()

    sa.event.listen(engine, "before_cursor_execute", kill)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", kill)
    assert killed


def test_a_connection_that_is_lost_while_a_post_is_indexed_costs_no_post(site, caplog):
    """It took the error for one of the index alone, and the COMMIT failed with a 500."""
    form = site.susan.get("/").forms["compose-form"]
    form["body"] = "Written twice"
    with losing_the_connection(site, "INSERT INTO search_postgresql_texts"):
        form.submit(status=303)
    assert bodies(site.susan.get("/")).count("Written twice") == 1
    assert list_outage_messages(caplog) == []


def test_a_connection_that_is_lost_while_somebody_searches_is_no_damaged_index(site, caplog):
    write(site.susan, "Looked for once")
    with losing_the_connection(site, "FROM search_postgresql_texts"):
        page = site.susan.get("/search", {"q": "looked"})
    assert bodies(page) == ["Looked for once"]
    assert list_outage_messages(caplog) == []


def test_a_statement_that_takes_too_long_is_no_outage(site, caplog):
    from microblog.engine import Patience, use_patience

    with (
        use_patience(Patience.REQUEST),
        site.application.database.read() as session,
        pytest.raises(Exception, match="statement timeout"),
    ):
        session.connection().exec_driver_sql("SELECT pg_sleep(30)")
    assert not site.outages.list_ongoing()


def test_the_worker_has_more_time_for_a_statement_than_a_request(site):
    with site.application.database.read() as session:
        connection = session.connection()
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "30s"
    with site.application.database.for_a_request(), site.application.database.read() as session:
        assert session.connection().exec_driver_sql("SHOW statement_timeout").scalar() == "1s"
    with site.application.database.without_limits(), site.application.database.read() as session:
        assert session.connection().exec_driver_sql("SHOW statement_timeout").scalar() == "0"


def test_a_command_says_in_a_sentence_that_the_database_is_away_or_hangs(site, server, tmp_path):
    ini = write_ini(tmp_path / "site.ini", server.url, "postgresql")
    command = ("-c", ini, "user", "add", "susan", "--password-stdin")
    server.hang()
    seconds, said = get_seconds(lambda: run(*command, stdin=f"{PASSWORD}\n", status=1))
    assert seconds < 10
    assert said.stderr.startswith("Error: The database cannot be used (connection timeout expired")
    server.goes_on()
    server.stop()
    said = run(*command, stdin=f"{PASSWORD}\n", status=1)
    assert "Connection refused" in said.stderr
    assert said.stderr.count("\n") == 1


def test_a_connection_that_is_lost_with_each_attempt_is_a_database_that_goes_away(site, caplog):
    engine = site.application.database.engine

    def kill(connection, cursor, statement, *rest):
        pid = connection.connection.driver_connection.info.backend_pid
        other = sa.create_engine(site.server.url)
        with other.connect() as killing:
            killing.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        other.dispose()

    sa.event.listen(engine, "before_cursor_execute", kill)
    assert "does not answer" in refused(site)
    sa.event.remove(engine, "before_cursor_execute", kill)
    site.wait_until_it_is_over()
    site.susan.get("/", status=200)
    assert len(list_outage_messages(caplog)) == 2


def test_a_server_that_refuses_somebody_does_not_hang(server):
    from microblog.deadlines import accepts_connections

    url = sa.make_url(server.url)
    assert accepts_connections(
        (), {"host": url.host, "port": url.port, "user": "nobody", "password": "wrong"}
    )


def test_a_command_waits_for_a_long_statement_as_long_as_others_are_let_in(server):
    from microblog.engine import Timeouts

    database = Database(server.url, Timeouts(background=0.3))
    with database.read() as session:
        session.connection().exec_driver_sql("SELECT pg_sleep(1)")
        threading.Timer(0.5, server.hang).start()
        with pytest.raises(Exception, match="accepts no connection"):
            session.connection().exec_driver_sql("SELECT pg_sleep(60)")
    server.goes_on()
    assert not database.outages.list_ongoing()  # commands end; nobody waits for the end of it
    database.close()
