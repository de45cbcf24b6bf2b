"""Every request has an id, and observers are called after its transaction."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from pyramid.response import Response
from pyramid_retry import RetryableException, mark_error_retryable

from microblog import observing
from microblog.tree import Root
from tests.conftest import TOOLBAR


@pytest.fixture
def observed():
    return []


@pytest.fixture
def build(make_application, observed):
    """An application with an observer, and these views on the root."""

    def build(**views):
        def extend(config):
            config.add_observer(lambda observation, response: observed.append((observation, response)))
            for name, view in views.items():
                config.add_view(view, context=Root, name=name)

        return make_application(extend=extend)

    return build


def test_a_request_has_an_id_of_its_own(browser):
    ids = {browser.get("/explore").headers["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3


def test_a_path_without_end_is_in_no_line_of_the_log_as_a_whole(build, observed):
    build().browser().get("/" + "a" * 100_000, status=414)
    assert observed[0][0].task == "GET /" + "a" * (observing.LONGEST_PATH - 1)


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


def test_an_observer_is_called_once_with_the_request_and_the_response(build, observed):
    names = []
    application = build()
    application.registry.observers.append(
        lambda observation, response: names.append((observation.context_name, observation.view_name))
    )
    application.browser().get("/users/")
    ((observation, response),) = observed
    assert (observation.task, response.status_int) == ("GET /users/", 200)
    assert names == [("Users", "")]
    assert 0 < observation.seconds < 60


def test_all_attempts_of_a_request_are_one_observation(build, observed):
    attempts = []

    def held_up(request):
        attempts.append(observing.get_current_observation())
        if len(attempts) < 3:
            raise RetryableException("Somebody else was faster.")
        return Response("done")

    build(held=held_up).browser().get("/held")
    ((observation, _),) = observed
    assert attempts == [observation] * 3


def test_observers_see_an_attempt_that_an_exception_view_answered_only_if_it_is_the_last(
    build, observed, caplog
):
    def busy(request):
        error = sa.exc.OperationalError("SELECT 1", {}, Exception("locked"))
        mark_error_retryable(error)
        raise error

    build(busy=busy).browser().get("/busy", status=503)
    ((_, response),) = observed
    assert response.status_int == 503
    caplog.clear()


def test_an_uncaught_exception_is_observed_too(make_application, observed, caplog):
    def broken(request):
        raise RuntimeError("broken")

    def extend(config):
        config.add_observer(lambda observation, response: observed.append((observation, response)))
        config.add_view(broken, context=Root, name="broken")

    application = make_application(TOOLBAR, extend=extend)
    application.browser(REMOTE_ADDR="127.0.0.1").get("/broken", status=500)
    ((_, response),) = observed
    assert response is None
    caplog.clear()


def test_an_observer_that_fails_does_not_fail_the_request(make_application, observed, caplog):
    def failing(observation, response):
        raise RuntimeError("no observer")

    def extend(config):
        config.add_observer(failing)
        config.add_observer(lambda observation, response: observed.append(response))

    make_application(extend=extend).browser().get("/explore", status=200)
    assert len(observed) == 1
    assert "An observer of requests failed" in caplog.text
    caplog.clear()


def test_a_task_is_observed_like_a_request(build, observed):
    registry = build().registry
    with observing.observe(registry, "search index") as observation:
        assert observing.get_current_observation() is observation
    assert observed == [(observation, None)]
    assert (observation.task, observation.context_name, observation.view_name) == ("search index", "", "")
    assert observing.get_current_observation() is None
