"""`/health/live` and `/health/ready`: whether people can be sent here, and what is wrong."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from microblog.checks import DATABASE, NotAsked
from microblog.health import readiness
from microblog.search.checks import check_search
from microblog.search.interfaces import ISearch, SearchUnavailable

DOWN = "Search does not answer."


class Engine:
    """A search whose answers the test decides."""

    name = "test"

    def __init__(self):
        self.answer: Callable[[], list[int]] = list

    def search(self, session, query, cursor, limit):
        return self.answer()


def raising(error):
    def answer():
        raise error

    return answer


@pytest.fixture
def site(make_application):
    return make_application()


@pytest.fixture
def engine(site):
    engine = Engine()
    site.registry.registerUtility(engine, ISearch)
    return engine


def list_logged(caplog):
    return [
        (record.levelno, record.getMessage())
        for record in caplog.records
        if record.name == readiness.__name__
    ]


def test_live_asks_for_nothing(browser, count_statements):
    with count_statements() as statements:
        answer = browser.get("/health/live")
        assert browser.head("/health/live").body == b""
    assert (answer.text, answer.content_type) == ("ok\n", "text/plain")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert not statements


def test_ready_names_its_parts(browser):
    browser.set_cookie("session", "nonsense")
    answer = browser.get("/health/ready")
    assert answer.text == "database: ok\nmigrations: ok\nsearch: ok\npictures: ok\n"
    assert "Set-Cookie" not in answer.headers
    assert browser.head("/health/ready").body == b""


def test_checks_that_read_everything_are_for_doctor_alone(make_application):
    def extend(config):
        config.add_health_check("archive", lambda registry: "was read as a whole", full=True)

    browser = make_application({"microblog.metrics": "true"}, extend=extend).browser(REMOTE_ADDR="127.0.0.1")
    assert browser.get("/health/ready").text == "database: ok\nmigrations: ok\nsearch: ok\npictures: ok\n"
    assert "archive" not in browser.get("/metrics").text


def test_a_check_of_the_database_may_have_no_answer(make_application):
    def check(registry):
        raise NotAsked

    def extend(config):
        config.add_health_check(DATABASE, check, needs_database=False)

    assert make_application(extend=extend).browser().get("/health/ready").text == "pictures: ok\n"


def test_ready_for_programs(browser):
    answer = browser.get("/health/ready", headers={"Accept": "application/json"})
    assert answer.json == {"database": "ok", "migrations": "ok", "search": "ok", "pictures": "ok"}
    assert browser.get("/health/ready", headers={"Accept": "text/html"}).content_type == "text/plain"


def test_a_search_that_is_down_is_named_and_logged_once_for_each_change(site, engine, caplog):
    caplog.set_level(logging.INFO)
    browser = site.browser()
    engine.answer = raising(SearchUnavailable(DOWN))
    for _ in range(3):
        answer = browser.get("/health/ready", status=503)
    assert answer.text == f"database: ok\nmigrations: ok\nsearch: {DOWN}\npictures: ok\n"
    assert list_logged(caplog) == [(logging.WARNING, f"Not ready: search: {DOWN}")]
    engine.answer = list
    for _ in range(3):
        browser.get("/health/ready", status=200)
    assert list_logged(caplog)[1:] == [(logging.INFO, "Ready again: search")]


def test_a_search_that_hangs_is_named_in_time(make_application):
    def extend(config):
        config.add_health_check("search", check_search, seconds=0.05, order=3)

    site = make_application(extend=extend)
    engine = Engine()
    site.registry.registerUtility(engine, ISearch)
    goes_on, done = threading.Event(), threading.Event()

    def hang():
        goes_on.wait(30)
        done.set()
        return []

    engine.answer = hang
    answer = site.browser().get("/health/ready", status=503)
    assert "search: does not answer within 0.05 seconds" in answer.text
    goes_on.set()
    assert done.wait(30)


def test_a_faulty_search_is_named_and_its_trace_is_in_the_log_only(site, engine, caplog):
    engine.answer = raising(RuntimeError("secret"))
    answer = site.browser().get("/health/ready", status=503)
    assert "search: does not answer; the log says why" in answer.text
    assert "RuntimeError: secret" in caplog.text
    caplog.clear()


def test_no_search_by_choice_is_ready(make_application):
    make_application({"microblog.search": "none"}).browser().get("/health/ready", status=200)


def test_an_old_database_is_named(site):
    with site.database.write() as session:
        current = session.scalar(sa.text("SELECT version_num FROM alembic_version"))
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    try:
        answer = site.browser().get("/health/ready", status=503)
    finally:
        with site.database.write() as session:
            session.execute(sa.text("UPDATE alembic_version SET version_num = :c"), {"c": current})
    assert "migrations: the database is at revision 0001, this microblog needs" in answer.text


def test_a_database_that_does_not_answer_is_named_and_what_needs_it_is_not_asked(make_application, caplog):
    site = make_application(
        {
            "microblog.database.url": "postgresql+psycopg://me:hush@127.0.0.1:1/x",
            "microblog.search": "postgresql",
        }
    )
    answer = site.browser().get("/health/ready", status=503)
    assert answer.text == "database: does not answer; the log says why\npictures: ok\n"
    site.browser().get("/health/live", status=200)
    caplog.clear()


def test_an_empty_database_needs_its_migrations(make_application, tmp_path, caplog):
    site = make_application(
        {"microblog.database.url": f"sqlite+pysqlite:///{tmp_path}/empty.sqlite3", "microblog.search": "none"}
    )
    answer = site.browser().get("/health/ready", status=503)
    assert "migrations: the database is at revision None" in answer.text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_pages_can_be_limited_to_addresses(make_application, path):
    site = make_application({"microblog.health.allow": "127.0.0.1 10.0.0.0/8"})
    site.browser(REMOTE_ADDR="10.1.2.3").get(path, status=200)
    answer = site.browser(REMOTE_ADDR="192.0.2.7").get(
        path, status=403, headers={"X-Forwarded-For": "10.1.2.3"}
    )
    assert "may not ask" in answer.text
    site.browser().get(path, status=403)  # of whom nothing is known


def test_each_health_page_has_one_address(browser):
    assert browser.get("/health/live/", status=301).location == "http://localhost/health/live"
    browser.get("/health/", status=404)
    browser.get("/health/more", status=404)


def test_a_check_of_another_room_is_one_of_them_until_it_has_no_answer(make_application):
    answers = ["it is closed", None]

    def check(registry):
        if not answers:
            raise NotAsked
        return answers.pop(0)

    browser = make_application(
        extend=lambda config: config.add_health_check("post office", check, order=6)
    ).browser()
    assert browser.get("/health/ready", status=503).text.endswith("post office: it is closed\npictures: ok\n")
    assert browser.get("/health/ready", status=200).text.endswith("post office: ok\npictures: ok\n")
    assert "post office" not in browser.get("/health/ready", status=200).text
