"""Every request has an id, and whoever asks is told what it did when all of it is over."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from pyramid.response import Response
from pyramid_retry import RetryableException, mark_error_retryable

from microblog import observing
from microblog.tree import Root


@pytest.fixture
def told():
    return []


@pytest.fixture
def build(make_application, told):
    """An application with an observer, and these views on the root."""

    def build(**views):
        def extend(config):
            config.add_observer(lambda observation, response: told.append((observation, response)))
            for name, view in views.items():
                config.add_view(view, context=Root, name=name)

        return make_application(extend=extend)

    return build


def test_a_request_has_an_id_of_its_own(browser):
    ids = {browser.get("/explore").headers["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3


def test_a_path_without_end_is_in_no_line_of_the_log_as_a_whole(build, told):
    build().browser().get("/" + "a" * 100_000, status=414)
    assert told[0][0].task == "GET /" + "a" * (observing.LONGEST_PATH - 1)


def test_the_id_that_a_proxy_sent_is_kept(browser):
    answer = browser.get("/explore", headers={"X-Request-ID": "proxy-1234.abc"})
    assert answer.headers["X-Request-ID"] == "proxy-1234.abc"


@pytest.mark.parametrize("sent", ["short", "x" * 65, "line\\nbreak", "white space", "ümlaut-id"])
def test_an_id_that_could_forge_a_line_is_replaced(browser, sent):
    answer = browser.get("/explore", headers={"X-Request-ID": sent.encode().decode("latin-1")})
    assert answer.headers["X-Request-ID"] != sent
    assert observing.VALID_REQUEST_ID.fullmatch(answer.headers["X-Request-ID"])


def test_error_pages_have_an_id_too(browser):
    assert browser.get("/nothing", status=404).headers["X-Request-ID"]
    assert browser.get("/%ff", status=400).headers["X-Request-ID"]


def test_an_observer_is_told_once_what_was_asked_and_answered(build, told):
    names = []
    application = build()
    application.registry.observers.append(
        lambda observation, response: names.append((observation.context_name, observation.view_name))
    )
    application.browser().get("/users/")
    ((observation, response),) = told
    assert (observation.task, response.status_int) == ("GET /users/", 200)
    assert names == [("Users", "")]
    assert 0 < observation.seconds < 60


def test_all_attempts_of_a_request_are_one_observation(build, told):
    attempts = []

    def held_up(request):
        attempts.append(observing.present())
        if len(attempts) < 3:
            raise RetryableException("Somebody else was faster.")
        return Response("done")

    build(held=held_up).browser().get("/held")
    ((observation, _),) = told
    assert attempts == [observation] * 3


def test_an_attempt_that_an_exception_view_answered_is_told_only_when_it_was_the_last(build, told, caplog):
    def busy(request):
        error = sa.exc.OperationalError("SELECT 1", {}, Exception("locked"))
        mark_error_retryable(error)
        raise error

    build(busy=busy).browser().get("/busy", status=503)
    ((_, response),) = told
    assert response.status_int == 503
    caplog.clear()


def test_what_leaves_the_application_as_an_exception_is_told_too(make_application, told, caplog):
    def broken(request):
        raise RuntimeError("broken")

    def extend(config):
        config.add_observer(lambda observation, response: told.append((observation, response)))
        config.add_view(broken, context=Root, name="broken")

    # Developers see the trace in the toolbar, so no page is made of it.
    settings = {
        "microblog.development": "true",
        "pyramid.includes": "pyramid_debugtoolbar",
        "debugtoolbar.hosts": "127.0.0.1",
    }
    application = make_application(settings, extend=extend)
    application.browser(REMOTE_ADDR="127.0.0.1").get("/broken", status=500)
    ((_, response),) = told
    assert response is None
    caplog.clear()


def test_an_observer_that_fails_does_not_fail_the_request(make_application, told, caplog):
    def failing(observation, response):
        raise RuntimeError("no observer")

    def extend(config):
        config.add_observer(failing)
        config.add_observer(lambda observation, response: told.append(response))

    make_application(extend=extend).browser().get("/explore", status=200)
    assert len(told) == 1
    assert "An observer of requests failed" in caplog.text
    caplog.clear()


def test_a_task_is_observed_like_a_request(build, told):
    registry = build().registry
    with observing.observed(registry, "search index") as observation:
        assert observing.present() is observation
    assert told == [(observation, None)]
    assert (observation.task, observation.context_name, observation.view_name) == ("search index", "", "")
    assert observing.present() is None
