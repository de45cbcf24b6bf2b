"""What the worker does is observed, and what fails is an event."""

from __future__ import annotations

import pytest

from microblog.background.tasks import SERVER
from microblog.background.worker import Worker
from microblog.events import TaskFailed


@pytest.fixture
def worker(application):
    return Worker(application.registry, now=lambda: 0.0)


def test_each_task_is_observed_by_its_name(make_application):
    names = []

    def note(observation, response):
        names.append(observation.task)

    application = make_application(extend=lambda config: config.add_observer(note))
    Worker(application.registry).round()
    assert names == [
        "deferred writes",
        "expired limits",
        "old forms",
        "old mails",
        "old pictures",
        "picture files",
        "expired links",
        "expired sessions",
        "departures",
        "older posts",
        "tags of the week",
        "old notifications",
        "digests",
        "search index",
        "old search index",
        "search maintenance",
        "words of people",
        "suspensions",
        "outbox",
    ]


# Tasks that a third party adds


def test_a_task_that_is_added_runs_every_so_many_seconds_and_at_once_when_there_is_more(make_application):
    calls: list[float] = []
    seconds, has_more = 0.0, False

    def work(registry):
        calls.append(seconds)
        return has_more

    site = make_application(extend=lambda config: config.add_worker_task("letters", work, every=10))
    letters = Worker(site.registry, now=lambda: seconds)

    def run_at(now):
        nonlocal seconds
        seconds = now
        letters.round()

    for now in (0.0, 5.0, 10.0, 11.0):
        run_at(now)
    assert calls == [0.0, 10.0]
    has_more = True
    run_at(20.0)
    has_more = False
    for now in (20.5, 21.0):
        run_at(now)
    assert calls[2:] == [20.0, 20.5]


def test_a_task_of_the_server_is_not_done_by_the_worker(make_application):
    calls = []
    site = make_application(
        extend=lambda config: config.add_worker_task("look", lambda registry: calls.append(1), where=SERVER)
    )
    Worker(site.registry).round()
    assert not calls
    Worker(site.registry).round(everything=False)
    assert calls


def test_a_task_that_fails_is_an_event(make_application, caplog):
    failed: list[TaskFailed] = []

    def fail(registry):
        raise RuntimeError("no letters")

    def extend(config):
        config.add_worker_task("letters", fail)
        config.add_subscriber(failed.append, TaskFailed)

    Worker(make_application(extend=extend).registry).round()
    assert [(event.task, str(event.error)) for event in failed] == [("letters", "no letters")]
    caplog.clear()


def test_a_task_of_ours_can_be_replaced(make_application):
    calls = []
    site = make_application(
        extend=lambda config: config.add_worker_task("search index", lambda registry: calls.append(1))
    )
    Worker(site.registry).round()
    assert calls == [1]
