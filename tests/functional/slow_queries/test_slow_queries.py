"""Statements that take too long, or run too often, are reported with everything needed to find them."""

from __future__ import annotations

import inspect
import logging
import re
import sqlite3
import time
from typing import Any

import pytest
import sqlalchemy as sa
from pyramid.response import Response
from pyramid_retry import RetryableException
from sqlalchemy import event

from microblog.alerts.interfaces import IAlerts, get_alerts
from microblog.call_sites import CallSite
from microblog.observing import Observation, get_current_observation, observe, observing_tween
from microblog.posts import queries, views
from microblog.slow_queries import reporting as slow_queries
from microblog.slow_queries.timing import Run
from microblog.tree import Root
from tests.conftest import POSTGRESQL_URL
from tests.walk import PASSWORD, enter, log_in, token, write

HERE = "tests/functional/slow_queries/test_slow_queries.py"
THRESHOLD = "0.02"
EVERYTHING_IS_SLOW = "0.000000001"
SLEEP = sa.text("SELECT pg_sleep(:seconds)")
LOGGER = "microblog.slow_queries.reporting"
QUIET = {
    "microblog.access_log": "false",
    "microblog.slow_queries.threshold": "0",
    "microblog.slow_queries.repeats": "0",
}

on_sqlite = pytest.mark.skipif(
    bool(POSTGRESQL_URL), reason="Run without MICROBLOG_TEST_DATABASE_URL too: this is about SQLite."
)
on_postgresql = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: this is about PostgreSQL's COMMIT."
)


class Told:
    """Alerts that keep what would be mailed to the admins."""

    def __init__(self):
        self.reports = []

    def report(self, kind, group, subject, body):
        self.reports.append((kind, group, subject, body))

    def close(self):
        pass


def alerts_of(application) -> Any:
    return get_alerts(application.registry)


@pytest.fixture
def build(make_application, caplog):
    """An application with these settings and views; on SQLite it has `pg_sleep` too."""
    caplog.set_level(logging.WARNING, LOGGER)

    def build(settings=None, **views):
        def extend(config):
            get_alerts(config.registry).close()
            config.registry.registerUtility(Told(), IAlerts)
            if config.registry.database.dialect == "sqlite":
                event.listen(config.registry.database.engine, "connect", teach_to_sleep)
            for name, view in views.items():
                config.add_view(view, context=Root, name=name)

        return make_application(
            {"microblog.slow_queries.threshold": THRESHOLD, **(settings or {})}, extend=extend
        )

    return build


def teach_to_sleep(dbapi, record):
    dbapi.create_function("pg_sleep", 1, time.sleep)


@pytest.fixture
def reports(caplog):
    """A function that returns the reports of slow statements with these words, as dictionaries with their
    `message`. A busy machine makes others slow too."""

    def reports(words="", *, kind="slow query"):
        return [
            {"message": record.getMessage(), **record.fields}
            for record in caplog.records
            if record.name == LOGGER
            and record.fields["event"] == kind
            and words in record.fields["statement"]
        ]

    return reports


@pytest.fixture
def slowly(request):
    """A function that makes writing posts slow in the database of an application: in the statement, or in
    the COMMIT, which only PostgreSQL can be asked for."""

    def slowly(application, *, in_commit=False):
        engine = application.database.engine
        if application.database.dialect == "sqlite":
            action = "BEGIN SELECT pg_sleep(0.03); END"
            with engine.begin() as connection:
                connection.exec_driver_sql(f"CREATE TRIGGER slow_posts AFTER INSERT ON posts {action}")
            return
        constraint, deferred = ("CONSTRAINT", "DEFERRABLE INITIALLY DEFERRED") if in_commit else ("", "")
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE FUNCTION slow_post() RETURNS trigger LANGUAGE plpgsql AS "
                "$$BEGIN PERFORM pg_sleep(0.03); RETURN NULL; END$$"
            )
            connection.exec_driver_sql(
                f"CREATE {constraint} TRIGGER slow_posts AFTER INSERT ON posts {deferred} "
                "FOR EACH ROW EXECUTE FUNCTION slow_post()"
            )

        def undo():
            with engine.begin() as connection:
                connection.exec_driver_sql("DROP FUNCTION slow_post CASCADE")

        request.addfinalizer(undo)

    return slowly


def sleeping(request):
    request.dbsession.execute(SLEEP, {"seconds": 0.03})
    return Response("slept")


def line_of(function, text):
    """The number of the one line of the function that has the text."""
    lines, first = inspect.getsourcelines(function)
    (number,) = [number for number, line in enumerate(lines, first) if text in line]
    return number


def test_a_slow_statement_is_reported_with_its_call_site_and_its_request(build, slowly, reports):
    application = build()
    slowly(application)
    browser = application.browser()
    enter(browser, "susan")
    form = browser.get("/").forms["compose-form"]
    form["body"] = "Slowly written"
    answer = form.submit(status=303)
    (report,) = reports("INSERT INTO posts")
    assert re.match(
        r"SLOW QUERY: INSERT INTO posts .*\nParameters: .*\nDuration: \d+\.\d{3} s\n", report["message"]
    )
    assert re.search(
        r"^Context: microblog/posts/queries\.py:\d+ in add_post, "
        r"called from microblog/posts/views\.py:\d+ in write$",
        report["message"],
        re.M,
    )
    lines, first = inspect.getsourcelines(queries.add_post)
    number = int(report["source"].split(":")[1].split()[0])
    assert first < number < first + len(lines)
    assert "session.scalar(" in lines[number - first]
    assert (
        report["called_from"] == f"microblog/posts/views.py:{line_of(views.write, 'actions.write(')} in write"
    )
    request = {name: report[name] for name in ("method", "path", "context", "view", "id")}
    assert request == {
        "method": "POST",
        "path": "/posts/",
        "context": "Posts",
        "view": "",
        "id": answer.headers["X-Request-ID"],
    }
    assert (
        f"Request: POST /posts/, context Posts, view '', id {request['id']}\nRuns: 1 in this request"
        in report["message"]
    )
    assert 0.03 <= report["seconds"] <= report["runs_seconds"] < 10
    assert "Slowly written" in report["parameters"]


def test_alerts_are_grouped_by_the_fingerprint_of_the_statement(build, reports):
    application = build(sleeping=sleeping)
    application.browser().get("/sleeping")
    application.browser().get("/sleeping")
    first, second = (report for report in alerts_of(application).reports if "pg_sleep" in report[3])
    (report, _) = reports("pg_sleep")
    kind, group, subject, body = first
    assert (kind, group, body) == ("slow query", report["fingerprint"], report["message"])
    number = line_of(sleeping, "SLEEP")
    assert re.fullmatch(
        rf"Slow query: \d+\.\d+ s in {re.escape(HERE)}:{number} in sleeping",
        subject,
    )
    assert second[1] == group


def test_a_fast_statement_is_not_reported(build, reports):
    build({"microblog.slow_queries.threshold": "60"}, sleeping=sleeping).browser().get("/sleeping")
    assert reports() == []


def test_a_slow_statement_of_a_task_is_reported_with_its_name(build, reports):
    application = build()
    with observe(application.registry, "a task"), application.database.read() as session:
        session.execute(SLEEP, {"seconds": 0.03})
    (report,) = reports("pg_sleep")
    assert re.search(r"\nTask: a task, id [0-9a-f]{16}\nRuns: 1 until now", report["message"])
    assert (report["task"], report["called_from"]) == ("a task", "")


def test_nothing_that_was_sent_can_begin_a_line(build, reports):
    application = build(sleeping=lambda context, request: sleeping(request))
    application.browser().get("/sleeping/%0ASLOW%20QUERY:%20%C3%A9")
    (report,) = reports("pg_sleep")
    assert report["path"] == "/sleeping/%0ASLOW%20QUERY%3A%20%C3%A9"
    assert "\nSLOW" not in report["message"]


@on_sqlite
def test_rows_that_are_slow_to_fetch_are_reported(build, reports):
    def reading(request):
        rows = request.dbsession.execute(
            sa.text("SELECT pg_sleep(0.008) FROM (VALUES (1), (2), (3), (4)) AS v")
        )
        return Response(str(len(list(rows))))

    build(reading=reading).browser().get("/reading")
    (report,) = reports("pg_sleep")
    assert report["seconds"] > 0.03
    assert f":{line_of(reading, 'list(rows)')} in " in report["source"]


@on_sqlite
def test_a_commit_that_waits_is_reported_also_when_it_fails(build, reports):
    """In a rollback journal a COMMIT waits for those who read, here until it gives up."""

    def with_a_journal(dbapi, record):
        dbapi.execute("PRAGMA journal_mode=DELETE")
        dbapi.execute("PRAGMA busy_timeout=30")

    def write_something(database):
        with database.write() as session:
            session.execute(sa.text("UPDATE nicknames SET user_id = 1"))

    application = build()
    event.listen(application.database.engine, "connect", with_a_journal)
    write_something(application.database)
    reader = sqlite3.connect(application.database.engine.url.database, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM posts").fetchone()
    with pytest.raises(sa.exc.OperationalError, match="locked"):
        write_something(application.database)
    reader.close()
    report = reports("COMMIT")[-1]
    assert report["statement"] == "COMMIT"
    assert report["seconds"] > 0.02
    assert "Task" not in report["message"]


@on_postgresql
def test_a_slow_commit_is_reported(build, slowly, reports):
    application = build()
    slowly(application, in_commit=True)
    browser = application.browser()
    enter(browser, "susan")
    write(browser, "Committed slowly")
    report = reports("COMMIT")[-1]
    assert report["path"] == "/posts/"
    assert report["seconds"] > 0.03


def test_a_commit_of_a_task_is_reported_at_once(build, reports):
    application = build({"microblog.slow_queries.threshold": EVERYTHING_IS_SLOW})
    with observe(application.registry, "a task"):
        with application.database.write() as session:
            session.execute(sa.text("DELETE FROM posts"))
        statements = [report["statement"] for report in reports()]
    assert "DELETE FROM posts" in statements
    assert statements[-1] == "COMMIT"


def test_the_worker_is_reported_too(build, reports):
    application = build()
    application.registry.deferred.put(
        "sleep", lambda session: session.execute(SLEEP, {"seconds": 0.03}) and None
    )
    application.registry.worker.round()
    (report,) = reports("pg_sleep")
    assert report["task"] == "deferred writes"


def test_no_report_contains_a_secret(build, reports):
    application = build({"microblog.slow_queries.threshold": EVERYTHING_IS_SLOW})
    browser = application.browser()
    enter(browser, "susan", email="susan.private@example.com")
    log_in(application.browser(), "Susan.Private@example.com")
    csrf = token(browser)
    statements = {report["statement"][:40]: report["parameters"] for report in reports()}
    output = "".join(report["message"] for report in reports())
    inserted = next(
        shown for statement, shown in statements.items() if statement.startswith("INSERT INTO users")
    )
    session = next(
        shown for statement, shown in statements.items() if statement.startswith("INSERT INTO sessions")
    )
    assert "nickname='susan'" in inserted
    for name in ("email", "email_key", "password_hash"):
        assert f"{name}=[hidden]" in inserted
    assert "token_hash=[hidden]" in session
    assert "email_key_1_1=[hidden]" in output
    with application.database.read() as reading:
        password_hash = reading.scalar(sa.text("SELECT password_hash FROM users"))
        hashes = reading.scalars(sa.text("SELECT token_hash FROM sessions")).all()
    assert len(hashes) == 2
    for secret in (PASSWORD, "private@", "Private@", password_hash, csrf, *hashes, *browser.cookies.values()):
        assert secret not in output


def test_with_explain_the_plan_is_reported(build, reports):
    application = build(
        {"microblog.slow_queries.threshold": EVERYTHING_IS_SLOW, "microblog.slow_queries.explain": "true"}
    )
    browser = application.browser()
    enter(browser, "susan", email="susan.private@example.com")
    write(browser, "Some words")
    plans = {report["statement"].split()[0]: report["plan"] for report in reports()}
    assert re.search(r"Scan|SCAN|SEARCH", plans["SELECT"])
    commits = [report for report in reports() if report["statement"] == "COMMIT"]
    assert commits[-1]["path"] == "/posts/"
    assert "\nContext: not known\n" in commits[-1]["message"]
    assert plans["COMMIT"] == "There is no plan for such a statement."
    assert "The database returned none" not in "".join(plans.values())
    output = "".join(report["message"] for report in reports())
    assert "\nPlan: \n" in output
    assert "private" not in output


def test_when_plans_take_too_long_the_others_are_not_asked_for(build, reports):
    application = build({"microblog.slow_queries.explain": "true"})
    reporter = slow_queries.SlowQueries(application.registry, seconds_for_plans=0)
    application.registry.observers[:] = [reporter.report_request]

    def view(request):
        reporter.note_slow(Run(str(SLEEP), "", (), 1, CallSite("", ""), get_current_observation()))
        return Response("slept")

    observing_tween(view, application.registry)(application.wsgi.request_factory.blank("/"))
    (report,) = reports("pg_sleep")
    assert report["plan"] == "It was not requested, since other plans took too long already."


def test_a_plan_that_cannot_be_had_fails_nothing(build, reports):
    """A temporary table is on the request's own connection only."""

    def temporary(request):
        request.begin_write()
        request.dbsession.execute(sa.text("CREATE TEMPORARY TABLE IF NOT EXISTS passing (id INTEGER)"))
        request.dbsession.execute(
            sa.text("SELECT id, pg_sleep(0.03) FROM passing UNION ALL SELECT 1, pg_sleep(0.03)")
        )
        request.dbsession.execute(sa.text("DROP TABLE passing"))
        return Response("done")

    settings = {"microblog.slow_queries.explain": "true"}
    application = build(settings, temporary=temporary)
    browser = application.browser()
    enter(browser, "susan")
    browser.post("/temporary", {"csrf_token": token(browser)}, status=200)
    (report,) = reports("pg_sleep")
    assert re.search(r"The database returned none: \w+: .*(pg_sleep|passing)", report["plan"])


def test_a_statement_that_is_repeated_is_reported_once(build, reports):
    def repeating(request):
        for number in range(1, 5):
            request.dbsession.execute(sa.select(sa.literal(number)).where(sa.literal(1).in_(range(number))))
        return Response("done")

    application = build({"microblog.slow_queries.repeats": "3"}, repeating=repeating)
    application.browser().get("/repeating")
    (report,) = reports(kind="repeated query")
    assert re.match(
        r"REPEATED QUERY: SELECT .*\n.*\nRuns: 4 in this request\nDuration: \d+\.\d{3} s in all\n"
        r"Context: .*\nRequest: GET /repeating, ",
        report["message"],
    )
    ((kind, group, subject, _),) = (
        report for report in alerts_of(application).reports if report[0] == "repeated query"
    )
    assert (kind, group, subject) == (
        "repeated query",
        report["fingerprint"],
        "Repeated query: 4 times in /repeating",
    )


def test_a_repeated_statement_is_reported_with_the_call_site_of_the_first_run_above_the_limit(build, reports):
    def repeating(request):
        for _ in range(6):
            request.dbsession.execute(sa.text("SELECT 1")).all()
        return Response("done")

    build({"microblog.slow_queries.repeats": "3"}, repeating=repeating).browser().get("/repeating")
    (report,) = reports(kind="repeated query")
    assert report["runs"] == 6
    assert f":{line_of(repeating, 'SELECT 1')} in " in report["source"]


def test_a_statement_that_runs_as_often_as_allowed_is_not_reported(build, reports):
    def repeating(request):
        for _ in range(3):
            request.dbsession.execute(sa.text("SELECT 1"))
        request.dbsession.execute(sa.text("SELECT 1 AS another"))
        return Response("done")

    build({"microblog.slow_queries.repeats": "3"}, repeating=repeating).browser().get("/repeating")
    assert reports(kind="repeated query") == []


def test_a_task_may_repeat_itself(build, reports):
    application = build({"microblog.slow_queries.repeats": "3"})
    with (
        observe(application.registry, "many batches") as observation,
        application.database.read() as session,
    ):
        for _ in range(6):
            session.execute(sa.text("SELECT 1"))
    assert observation.counts["SELECT 1"][0] == 6
    assert reports(kind="repeated query") == []


def test_every_attempt_of_a_request_is_reported_at_its_end(build, reports):
    left = [RetryableException("Somebody else was faster.")]

    def held_up(request):
        request.dbsession.execute(SLEEP, {"seconds": 0.03})
        if left:
            raise left.pop()
        return Response(str(len(reports("pg_sleep"))))

    answer = build(held_up=held_up).browser().get("/held_up")
    assert answer.text == "0"
    assert [report["id"] for report in reports("pg_sleep")] == [answer.headers["X-Request-ID"]] * 2


def test_a_request_reports_no_more_than_some(build, reports):
    def repeating(request):
        for _ in range(30):
            request.dbsession.execute(sa.text("SELECT 1"))
        return Response("done")

    settings = {"microblog.slow_queries.threshold": EVERYTHING_IS_SLOW, "microblog.slow_queries.repeats": "0"}
    build(settings, repeating=repeating).browser().get("/repeating")
    assert len(reports()) == slow_queries.MOST_REPORTS_OF_A_REQUEST


def test_a_failing_report_does_not_fail_the_statement(build, caplog):
    class Broken(Told):
        def report(self, kind, group, subject, body):
            raise RuntimeError("no alerts")

    application = build(sleeping=sleeping)
    application.registry.registerUtility(Broken(), IAlerts)
    application.browser().get("/sleeping", status=200)
    assert "A slow query could not be reported." in caplog.text
    caplog.clear()


def test_fetching_after_the_request_is_reported_at_once(build):
    application = build()
    reporter = slow_queries.SlowQueries(application.registry)
    request = application.wsgi.request_factory.blank("/")
    over = Observation("GET /", request=request)
    assert not reporter.note_slow(Run("SELECT 1", "", (), 1, CallSite("", ""), over))


def test_with_everything_off_nothing_is_timed(build):
    application = build(QUIET, sleeping=sleeping)
    assert application.registry.observers == []
    application.browser().get("/sleeping")
    with application.database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        cursor = driver.cursor()
        assert "microblog.slow_queries.timing" not in {type(driver).__module__, type(cursor).__module__}
        cursor.close()


@pytest.mark.parametrize(
    "setting",
    [
        {"microblog.slow_queries.threshold": "1"},
        {"microblog.slow_queries.repeats": "1"},
        {"microblog.access_log": "true"},
        {"microblog.metrics": "true"},
        {"microblog.profiler": "on_demand"},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_settings_that_need_times_install_the_timer(build, setting):
    application = build({**QUIET, **setting})
    with observe(application.registry, "a task") as observation, application.database.read() as session:
        session.execute(sa.text("SELECT 1")).all()
    assert observation.statements == 1
    assert 0 < observation.sql_ns < 60e9
