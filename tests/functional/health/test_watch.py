"""A worker that is dead is missed by the server: `/health/ready`, the log and the admins say so."""

from __future__ import annotations

import email
import threading
from email.message import EmailMessage
from email.policy import SMTP

import pytest
import sqlalchemy as sa

from microblog.alerts.interfaces import get_alerts
from microblog.background import queries
from microblog.background.models import Heartbeat
from microblog.background.worker import Worker
from microblog.checks import NotAsked
from microblog.events import RoundStarted
from microblog.health.checks import check_worker
from microblog.health.interfaces import IWatch, get_watch
from microblog.health.watch import Watch
from microblog.outages import AWAY, FULL, DatabaseUnavailable
from tests.conftest import Application

TWO_MINUTES = 121


@pytest.fixture
def build(make_application, tmp_path, clock, monkeypatch):
    """A site whose watch has the test's clock, and no thread that the test did not start."""

    def build(mode="separate", **settings):
        site = make_application(
            {
                "microblog.worker": mode,
                "microblog.admins": "admin@example.org",
                "microblog.mail.folder": str(tmp_path / "mail"),
                **settings,
            }
        )
        site.registry.registerUtility(Watch(site.registry, now=clock), IWatch)
        made.append(site)
        return site

    made: list[Application] = []
    yield build
    for site in made:
        site.registry.worker.stop()
        get_alerts(site.registry).close()


@pytest.fixture
def subjects(tmp_path):
    def subjects(site):
        get_alerts(site.registry).work()
        folder = tmp_path / "mail"
        files = sorted(folder.iterdir()) if folder.exists() else []
        mails = [email.message_from_bytes(f.read_bytes(), EmailMessage, policy=SMTP) for f in files]
        return [mail["Subject"] for mail in mails]

    return subjects


def list_logged(caplog):
    return [r.getMessage() for r in caplog.records if r.name == "microblog.health.watch"]


def beat(site, name="elsewhere:1", seen=None):
    with site.database.write() as session:
        queries.record_heartbeat(session, name)
        if seen is not None:
            session.execute(sa.update(Heartbeat).where(Heartbeat.name == name).values(seen=seen))


def names(site):
    with site.database.read() as session:
        return list(session.scalars(sa.select(Heartbeat.name)))


def test_a_worker_that_dies_is_missed_after_two_minutes_and_reported_once(build, clock, subjects, caplog):
    site = build()
    beat(site, seen=1_800_000_000_000)
    get_watch(site.registry).check()
    clock.now = TWO_MINUTES
    for _ in range(3):
        get_watch(site.registry).check()
    answer = site.browser().get("/health/ready", status=503)
    assert (
        "worker: last seen at 2027-01-15 08:00:00 UTC: check whether `microblog worker` runs\n" in answer.text
    )
    assert len(list_logged(caplog)) == 1
    assert subjects(site) == ["[microblog] The worker does not work"]
    beat(site)
    assert "worker: ok\n" in site.browser().get("/health/ready", status=200).text
    assert list_logged(caplog)[1:] == ["The worker works again."]
    assert subjects(site)[1:] == ["[microblog] The worker works again"]


def test_a_site_that_has_just_started_misses_nobody(build, clock):
    site = build()
    get_watch(site.registry).check()
    assert "worker: ok\n" in site.browser().get("/health/ready", status=200).text
    clock.now = TWO_MINUTES
    answer = site.browser().get("/health/ready", status=503)
    assert "worker: none has been seen: check whether `microblog worker` runs\n" in answer.text


def test_readiness_alone_notices_it_too(build, clock, subjects):
    site = build()
    beat(site)
    site.browser().get("/health/ready", status=200)
    clock.now = TWO_MINUTES
    site.browser().get("/health/ready", status=503)
    assert subjects(site) == ["[microblog] The worker does not work"]


def still_away(writing):
    raise DatabaseUnavailable(AWAY, "a test")


def test_nobody_is_missed_while_the_database_cannot_be_used(build, clock, caplog):
    site = build()
    get_watch(site.registry).check()
    site.database.outages.probe = still_away
    clock.now = TWO_MINUTES
    site.database.outages.report(AWAY, "a test")
    with pytest.raises(DatabaseUnavailable):
        get_watch(site.registry).check()
    site.database.outages.forget()
    get_watch(site.registry).report()
    clock.now += TWO_MINUTES
    site.database.outages.report(FULL, "a test")
    get_watch(site.registry).check()
    site.database.outages.forget()
    assert list_logged(caplog) == []


def test_without_a_worker_by_choice_there_is_none_to_miss(build, clock):
    site = build("off")
    clock.now = TWO_MINUTES
    assert "worker" not in site.browser().get("/health/ready", status=200).text


def test_a_worker_leaves_a_heartbeat_and_takes_it_along_when_it_stops(build):
    site = build()
    beat(site, "killed:1", seen=0)
    worker = Worker(site.registry)
    seen = threading.Event()
    site.registry.observers.append(lambda observation, response: seen.set())
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert seen.wait(30)
    worker.record_heartbeat()  # not again so soon
    assert names(site) == [queries.get_own_name()]
    worker.stop()
    thread.join()
    assert names(site) == []


def test_the_server_looks_for_a_worker_of_its_own_accord(build, clock, caplog):
    site = build()
    clock.now = TWO_MINUTES
    looked = threading.Event()
    site.registry.observers.append(
        lambda observation, response: looked.set() if observation.task == "deferred writes" else None
    )
    site.registry.worker.start()
    assert looked.wait(30)
    assert list_logged(caplog) == [
        "The worker does not work: none has been seen: check whether `microblog worker` runs."
    ]


# It is the one that ends.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_has_ended_is_started_again_with_the_next_request(build, caplog):
    site = build("inline")
    ended = threading.Event()

    def end():
        ended.set()
        raise SystemExit

    site.registry.deferred.put("1", lambda session: end())
    site.registry.worker.start()
    assert ended.wait(30)
    site.registry.worker._thread.join()
    site.browser().get("/explore")
    assert site.registry.worker._thread.is_alive()
    assert "The worker's thread has ended, which it never should; it is started again." in caplog.text


def test_requests_report_a_thread_that_stands_still(build, clock, caplog, subjects):
    site = build("inline")
    going_on, idle = threading.Event(), threading.Event()

    def stand(session):
        idle.set()
        going_on.wait(60)

    site.registry.deferred.put("1", stand)
    site.registry.worker.start()
    assert idle.wait(30)
    clock.now = site.registry.worker.began_round + TWO_MINUTES
    site.browser().get("/explore")
    answer = site.browser().get("/health/ready", status=503)
    going_on.set()
    assert "worker: its thread in this process has begun no round for 121 seconds\n" in answer.text
    assert len(list_logged(caplog)) == 1
    assert subjects(site) == ["[microblog] The worker does not work"]


def test_a_failure_outside_the_tasks_does_not_end_the_worker(build, caplog, subjects):
    site = build("inline")
    rounds, twice = [], threading.Event()

    def fail(event):
        rounds.append(event)
        if len(rounds) > 1:
            twice.set()
        raise RuntimeError("no number")

    site.registry.registerHandler(fail, (RoundStarted,))
    site.registry.worker.start()
    assert twice.wait(30)
    site.registry.worker._stop.set()
    assert caplog.text.count("The worker's task “round” failed") == 1
    assert subjects(site)[0].startswith("[microblog] RuntimeError at ")


def test_metrics_tell_when_a_worker_was_last_seen(build):
    site = build("off", **{"microblog.metrics": "true", "microblog.metrics.allow": ""})
    assert "microblog_worker_seen_seconds" not in site.browser().get("/metrics").text
    beat(site)
    assert "microblog_worker_seen_seconds 0." in site.browser().get("/metrics").text


def test_nobody_is_missed_while_nobody_can_write(build):
    site = build()
    site.database.outages.report(FULL, "no room")
    with pytest.raises(NotAsked):
        check_worker(site.registry)
    site.database.outages.forget()


def test_before_there_are_tables_no_worker_is_missed(build, tmp_path):
    url = f"sqlite+pysqlite:///{tmp_path}/empty.sqlite3"
    site = build(**{"microblog.database.url": url, "microblog.search": "none"})
    assert check_worker(site.registry) is None
    site.database.close()
