"""`/metrics`: metrics for Prometheus."""

from __future__ import annotations

import os

import pytest
import sqlalchemy as sa
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families

from microblog.measuring import Gauge, IMetrics, count
from microblog.metrics.views import DIRECTORY_VARIABLE
from microblog.observing import observe
from microblog.outbox import queries as outbox
from microblog.search.interfaces import ISearch, ISearchFeed, ISearchIndex, SearchUnavailable, Status
from microblog.tree import Root
from tests.conftest import TOOLBAR
from tests.walk import enter, log_in

ON = {"microblog.metrics": "true"}


def read_metrics(answer):
    """{(name, labels in the order of their names…): value} of all samples."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def site(make_application):
    return make_application(ON)


@pytest.fixture
def ask(site):
    """The metrics, requested from this machine."""
    return lambda: read_metrics(site.browser(REMOTE_ADDR="127.0.0.1").get("/metrics"))


def test_metrics_are_off_unless_they_are_switched_on(browser):
    browser.get("/metrics", status=404)


def test_metrics_are_for_this_machine_alone_by_default(make_application, site):
    site.browser(REMOTE_ADDR="192.0.2.7").get("/metrics", status=403)
    site.browser().get("/metrics", status=403)
    site = make_application({**ON, "microblog.metrics.allow": "192.0.2.0/24"})
    answer = site.browser(REMOTE_ADDR="192.0.2.7").get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert "Set-Cookie" not in answer.headers


def test_requests_are_counted_by_what_they_reached(site, ask):
    browser = site.browser()
    for _ in range(3):
        browser.get("/explore")
    browser.get("/users/nobody", status=404)
    browser.get("/users/nobody-else", status=404)
    browser.get("/explore/more", status=404)
    browser.get("/%ff", status=400)
    browser.get("/static/app.css")
    browser.post("/nothing", status=400)
    found = ask()
    assert found["microblog_requests_total", "Root", "200", "explore"] == 3
    assert found["microblog_requests_total", "none", "404", "none"] == 3
    assert found["microblog_requests_total", "none", "400", "none"] == 2
    assert found["microblog_requests_total", "static", "200", ""] == 1
    assert found["microblog_request_seconds_count", "Root", "explore"] == 3
    assert found["microblog_request_seconds_bucket", "Root", "+Inf", "explore"] == 3
    assert found["microblog_sql_statements_total", "request"] > 0
    assert found["microblog_sql_seconds_total", "request"] > 0


def test_each_application_has_its_own(site, make_application, ask):
    make_application(ON).browser().get("/explore")
    assert ("microblog_requests_total", "Root", "200", "explore") not in ask()


def test_a_request_that_ends_with_an_exception_counts_as_a_500(make_application, caplog):
    def broken(request):
        raise RuntimeError("broken")

    site = make_application(
        ON | TOOLBAR,
        extend=lambda config: config.add_view(broken, context=Root, name="broken", request_method="GET"),
    )
    browser = site.browser(REMOTE_ADDR="127.0.0.1")
    browser.get("/broken", status=500)
    found = read_metrics(browser.get("/metrics"))
    assert found["microblog_requests_total", "Root", "500", "broken"] == 1
    caplog.clear()


def test_log_ins_are_counted(site, ask):
    enter(site.browser(), "susan")
    log_in(site.browser(), "susan", "wrong")
    log_in(site.browser(), "susan")
    found = ask()
    assert found["microblog_logins_total", "failed"] == 1
    assert found["microblog_logins_total", "done"] == 1


def test_the_worker_is_counted(site, ask, caplog):
    site.registry.worker.round()
    site.registry.registerUtility(Index(None), ISearchFeed)  # which cannot catch up
    site.registry.worker.round()
    found = ask_without_search(site)
    assert found["microblog_worker_rounds_total",] == 2
    assert found["microblog_worker_failures_total", "search index"] == 1
    assert found["microblog_sql_statements_total", "task"] > 0
    caplog.clear()


def ask_without_search(site):
    down = Index(SearchUnavailable("Down."))
    site.registry.registerUtility(down, ISearch)
    site.registry.registerUtility(down, ISearchIndex)
    return read_metrics(site.browser(REMOTE_ADDR="127.0.0.1").get("/metrics"))


class Index:
    """A search with this status, or error."""

    name = "test"

    def __init__(self, answer):
        self.answer = answer

    def search(self, session, query, cursor, limit):
        self.status(session)

    def status(self, session):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_index_and_what_waits_are_read_when_asked_for(site, ask):
    found = ask()
    assert found["microblog_up", "database"] == found["microblog_up", "search"] == 1
    assert found["microblog_search_documents",] == 0
    with site.database.write() as session:
        outbox.write(session, "letters", [1, 2])
    site.registry.registerUtility(Index(Status("test", 10, 3, 0, 1.5, segments=7)), ISearchIndex)
    found = ask()
    assert found["microblog_outbox_waiting", "letters"] == 2
    assert found["microblog_outbox_dead_letters", "letters"] == 0
    assert 0 <= found["microblog_outbox_oldest_seconds", "letters"] < 60
    assert found["microblog_search_documents",] == 10
    assert found["microblog_search_pending",] == 3
    assert found["microblog_search_lag_seconds",] == 1.5
    assert found["microblog_search_segments",] == 7
    with site.database.write() as session:
        outbox.delete_all(session, "letters")
    assert ask()["microblog_outbox_waiting", "letters"] == 0  # still shown, as 0


def test_without_search_all_other_metrics_are_shown(site):
    found = ask_without_search(site)
    assert (found["microblog_up", "database"], found["microblog_up", "search"]) == (1, 0)
    assert ("microblog_search_documents",) not in found


def test_without_a_database_all_other_metrics_are_shown(make_application, caplog):
    site = make_application(
        {
            **ON,
            "microblog.search": "postgresql",
            "microblog.database.url": "postgresql+psycopg://me:hush@127.0.0.1:1/x",
        }
    )
    found = read_metrics(site.browser(REMOTE_ADDR="127.0.0.1").get("/metrics"))
    assert found["microblog_up", "database"] == 0
    assert ("microblog_up", "search") not in found
    assert ("microblog_worker_rounds_total",) in found
    caplog.clear()


def test_when_it_is_off_a_wrong_name_is_found_all_the_same(application):
    count(application.registry, "logins", result="done")
    with pytest.raises(KeyError):
        count(application.registry, "typo")


def test_a_room_adds_counters_gauges_and_a_check(make_application):
    def read(registry, session):
        yield Gauge("letters", "Letters, by size.", labels=("size",), values={("small",): 3})

    def extend(config):
        config.add_metric("stamps", "Stamps that were used.", order=50)
        config.add_metric("letters", read=read, order=51)
        config.add_health_check("post office", lambda registry: "it is closed", order=6)

    site = make_application(ON, extend=extend)
    count(site.registry, "stamps")
    found = read_metrics(site.browser(REMOTE_ADDR="127.0.0.1").get("/metrics"))
    assert found["microblog_stamps_total",] == 1
    assert found["microblog_letters", "small"] == 3
    assert found["microblog_up", "post office"] == 0


def test_a_metric_that_a_package_cannot_read_is_left_out(make_application):
    def read(registry, session):
        yield from session.execute(sa.text("SELECT letters FROM nowhere"))

    site = make_application(ON, extend=lambda config: config.add_metric("letters", read=read))
    found = read_metrics(site.browser(REMOTE_ADDR="127.0.0.1").get("/metrics"))
    assert found["microblog_up", "database"] == 1
    assert ("microblog_letters",) not in found


def test_a_room_whose_reader_is_broken_takes_no_others_away(make_application, caplog):
    def read(registry, session):
        yield Gauge("letters", "Letters.", 1 / session.scalar(sa.text("SELECT 0")))

    site = make_application(ON, extend=lambda config: config.add_metric("letters", read=read))
    browser = site.browser(REMOTE_ADDR="127.0.0.1")
    for _ in range(2):
        assert read_metrics(browser.get("/metrics"))["microblog_search_documents",] == 0
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage() == "The metric “letters” could not be read, and is left out."
    caplog.clear()


def test_with_a_directory_metrics_are_kept_in_files(make_application, tmp_path, monkeypatch):
    monkeypatch.setenv(DIRECTORY_VARIABLE, "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    site = make_application({**ON, "microblog.metrics.directory": str(tmp_path / "metrics")})
    with observe(site.registry, "microblog user add"):
        pass
    assert not (tmp_path / "metrics").exists()  # a command leaves nothing
    site.browser().get("/explore")
    assert os.environ[DIRECTORY_VARIABLE] == str(tmp_path / "metrics")
    # As if another process asked: all it knows is in the files.
    other = make_application({**ON, "microblog.metrics.directory": str(tmp_path / "metrics")})
    found = read_metrics(other.browser(REMOTE_ADDR="127.0.0.1").get("/metrics"))
    assert found["microblog_requests_total", "Root", "200", "explore"] == 1
    assert found["microblog_up", "database"] == 1
    files = list((tmp_path / "metrics").glob("*.db"))
    assert len(files) == 2  # counters, histograms
    # They have their room, and are no holes: writing into one on a full disk would kill the process.
    assert all(file.stat().st_blocks * 512 >= 1 << 20 for file in files)


def test_without_a_usable_folder_metrics_are_of_one_process(make_application, tmp_path, caplog):
    (tmp_path / "file").touch()
    site = make_application({**ON, "microblog.metrics.directory": str(tmp_path / "file" / "metrics")})
    site.registry.worker.round()
    found = read_metrics(site.browser(REMOTE_ADDR="127.0.0.1").get("/metrics"))
    assert found["microblog_worker_rounds_total",] == 1
    assert "cannot be used (Not a directory): metrics are of this process alone" in caplog.text
    caplog.clear()


def test_a_folder_whose_files_cannot_be_written_fails_no_request(
    make_application, tmp_path, caplog, monkeypatch
):
    """Somebody else's folder, or a full disk: it is there, but no file can be made in it."""
    monkeypatch.setenv(DIRECTORY_VARIABLE, "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    (tmp_path / f"counter_{os.getpid()}.db").mkdir()  # in the way
    site = make_application({**ON, "microblog.metrics.directory": str(tmp_path)})
    site.registry.worker.round()
    found = read_metrics(site.browser(REMOTE_ADDR="127.0.0.1").get("/metrics"))
    assert found["microblog_worker_rounds_total",] == 1
    assert caplog.text.count("metrics are of this process alone") == 1
    caplog.clear()


def test_a_worker_goes_on_when_a_metric_cannot_be_counted(site, monkeypatch, caplog):
    class Full:
        def inc(self):
            raise OSError("No space left on device")

    monkeypatch.setitem(site.registry.getUtility(IMetrics).instruments.counters, "worker_rounds", Full())
    site.registry.worker.round()
    assert "worker_rounds could not be counted." in caplog.text
    caplog.clear()
