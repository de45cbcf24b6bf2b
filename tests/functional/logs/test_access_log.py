"""The access log: one line for each request, without secrets."""

from __future__ import annotations

import logging
import time

import pytest
from webtest import TestApp

from microblog.accounts.queries import find_owner_id
from microblog.logs import access_log
from microblog.redaction import mask_address
from microblog.tree import Root
from tests.conftest import TOOLBAR
from tests.walk import PASSWORD, enter, log_in


@pytest.fixture
def lines(caplog):
    """The lines of the access log since then."""
    caplog.set_level(logging.INFO, logger="microblog.access")
    return lambda: [record for record in caplog.records if record.name == "microblog.access"]


def test_a_request_is_one_line_with_what_it_cost(browser, lines):
    answer = browser.get("/explore?before=12")
    (line,) = lines()
    fields = line.fields
    assert line.getMessage().startswith("GET /explore?before=12 200, ")
    assert (fields["method"], fields["path"], fields["status"]) == ("GET", "/explore?before=12", 200)
    assert fields["bytes"] == len(answer.body)
    assert 0 < fields["ms"] < 60_000
    assert fields["user"] is None


def test_the_access_log_names_the_person_by_id(browser, lines, application):
    enter(browser, "susan")
    browser.get("/users/")
    with application.database.read() as session:
        assert lines()[-1].fields["user"] == find_owner_id(session, "susan")
    assert "susan" not in lines()[-1].getMessage()


def test_the_access_log_loads_no_identity(browser, lines, count_statements):
    browser.set_cookie("session", "nonsense")
    with count_statements() as statements:
        browser.get("/health/live")
    assert not statements
    assert lines()[-1].fields["user"] is None


def test_the_address_is_that_of_the_connection(application, lines):
    application.browser(REMOTE_ADDR="192.0.2.7").get("/explore", headers={"X-Forwarded-For": "10.0.0.1"})
    assert lines()[-1].fields["address"] == "192.0.2.7"


def test_an_uncaught_exception_is_logged_as_a_500(make_application, lines, caplog):
    def broken(request):
        raise RuntimeError("broken")

    application = make_application(
        TOOLBAR, extend=lambda config: config.add_view(broken, context=Root, name="broken")
    )
    application.browser(REMOTE_ADDR="127.0.0.1").get("/broken", status=500)
    assert lines()[-1].fields["status"] == 500
    assert lines()[-1].fields["bytes"] is None
    caplog.clear()


def test_tasks_have_no_line(application, lines):
    application.registry.worker.round()
    assert not lines()


def test_the_access_log_can_be_switched_off(make_application, lines):
    application = make_application({"microblog.access_log": "false"})
    application.browser().get("/explore")
    assert not lines()
    assert access_log.write_line not in application.registry.observers


@pytest.mark.parametrize(
    ("path", "query", "shown"),
    [
        ("/a\nb\x1b", "", "/a%0Ab%1B"),
        ("/\u00c3\u00a9", "q=%C3%A9+x", "/%C3%A9?q=%C3%A9+x"),
        ("/\u00ff%41", "\u00ff", "/%FF%2541?%FF"),
        ("/", "token=abc&x=1", "/?token=***&x=1"),
        ("/", "x=1&API_Key=a=b&new-password=c", "/?x=1&API_Key=***&new-password=***"),
        ("/", "password=a%26b&x=1", "/?password=***&x=1"),
        (
            "/login",
            "next=%2Freset%3Fid%3D1%26token%3Da%3Db%26x%3D1&y=2",
            "/login?next=%2Freset%3Fid%3D1%26token%3D***%26x%3D1&y=2",
        ),
        ("/login", "next=%2Freset%3ftoken%3dabc", "/login?next=%2Freset%3ftoken%3d***"),
        ("/" + 300 * "a/", "", "/" + 249 * "a/" + "a..."),
    ],
)
def test_addresses_are_on_one_line_in_ascii_and_without_secrets(path, query, shown):
    assert mask_address({"PATH_INFO": path, "QUERY_STRING": query}) == shown


@pytest.mark.parametrize("part", ["?", "?token", "%3ftoken", "&key"])
def test_a_long_address_takes_no_time(part):
    began = time.perf_counter()
    shown = mask_address({"PATH_INFO": "/", "QUERY_STRING": part * 20_000})
    assert len(shown) == 503
    assert time.perf_counter() - began < 2  # it was minutes


def test_no_password_and_no_token_gets_into_the_log_of_everything(browser, caplog):
    caplog.set_level(logging.DEBUG)
    enter(browser, "susan")
    session = browser.cookies["session"]
    browser.get("/logout").forms["logout-form"].submit()
    log_in(browser, "susan", "a wrong guess of it")
    log_in(browser, "a wrong guess of it", "x")
    log_in(browser, "susan")
    browser.get("/nothing?token=a+token+of+a+mail", status=404)
    text = "\n".join(logging.Formatter().format(record) for record in caplog.records)
    for secret in (
        PASSWORD,
        "a wrong guess of it",
        session,
        browser.cookies["session"],
        "susan@example.com",
        "token+of",
    ):
        assert secret not in text
    assert "Logged in: user" in text


def test_failed_log_ins_are_logged_with_user_and_address(application, caplog):
    caplog.set_level(logging.INFO, logger="microblog.accounts")
    browser: TestApp = application.browser(REMOTE_ADDR="192.0.2.7")
    enter(application.browser(), "susan")
    log_in(browser, "susan", "wrong")
    log_in(browser, "nobody", "wrong")
    first, second = [record.getMessage() for record in caplog.records if "failed" in record.message]
    assert first.startswith("Log-in failed: user ")
    assert first.endswith(", from 192.0.2.7")
    assert second == "Log-in failed: nobody, from 192.0.2.7"
