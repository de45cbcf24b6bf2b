"""Search in Elasticsearch while the server, the worker or the index fails.

The application talks to a real server through a gate, which refuses, hangs or answers as a test wants.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from elasticsearch import Elasticsearch
from sqlalchemy import event

from microblog.accounts.queries import add_user
from microblog.ids import get_now
from microblog.outbox import queries as outbox
from microblog.outbox.models import Entry
from microblog.paging import Cursor
from microblog.posts.models import Post
from microblog.posts.queries import add_post, delete_post
from microblog.search.elasticsearch.adapter import ElasticsearchSearch
from microblog.search.elasticsearch.index import BODY, build_document
from microblog.search.elasticsearch.server import INDEX, URL
from microblog.search.feeding import catch_up
from microblog.search.interfaces import Drift, NotBuilt, SearchUnavailable
from microblog.search.language import parse
from microblog.search.models import KIND
from tests.conftest import ELASTICSEARCH_URL, Application, elasticsearch_settings, get_adapter
from tests.gate import PRODUCT, Gate
from tests.walk import bodies, enter, write

LIMIT = 1000
BUSY = {"status": 503, "headers": PRODUCT, "body": {"error": "busy"}}
TOO_MANY = {"status": 429, "headers": PRODUCT, "body": {"error": "too many"}}
STRANGER = {"status": 200, "body": {"hits": {}}}
SECONDS_FOR_WHAT_HANGS = 0.2


class Site:
    """An application with its index, the server itself, and the gate between them."""

    def __init__(self, application: Application, gate: Gate) -> None:
        self.application = application
        self.gate = gate
        self.database = application.database
        self.search = get_adapter(application)
        self.outbox = application.registry.outbox
        self.server = Elasticsearch(ELASTICSEARCH_URL or "")
        with self.database.write() as session:
            self.susan = add_user(session, "susan")

    def rebuild(self, progress: Callable[[int], None] = lambda count: None) -> int:
        return int(self.search.rebuild(self.database, progress))

    def write(self, body: str) -> int:
        with self.database.write() as session:
            return add_post(session, self.susan, body)

    def delete(self, post: int) -> None:
        with self.database.write() as session:
            delete_post(session, post)

    def catch_up(self) -> int:
        return catch_up(self.application.registry, LIMIT)

    def hurry(self) -> None:
        """What waits for its next attempt, or for the end of a lease, is due now."""
        with self.database.write() as session:
            session.execute(sa.update(Entry).values(next_at=0, lease_until=0))

    def settle(self) -> None:
        self.hurry()
        while self.catch_up():
            pass
        self.search.refresh()

    def find(self, text: str) -> list[int]:
        self.search.refresh()
        with self.database.read() as session:
            return list(self.search.search(session, parse(text), Cursor(), 100))

    def depth(self) -> outbox.Depth:
        with self.database.read() as session:
            return outbox.measure_depth(session, KIND)

    def indices(self) -> list[str]:
        """The names of everything in the server that may be ours."""
        return sorted(self.server.indices.get(index=f"{self.search.alias}*"))

    def lease(self) -> list[outbox.Leased]:
        with self.database.write() as session:
            return outbox.lease(session, KIND, LIMIT)

    def deliver(self, entries: list[outbox.Leased]) -> Any:
        return self.search.deliver(self.application.registry, entries)

    def record_outcome(self, entries: list[outbox.Leased], outcome: Any) -> int:
        return int(self.outbox.record_outcome(self.outbox.kinds[KIND], entries, outcome))


@pytest.fixture
def make_site(make_application: Callable[..., Application]) -> Iterator[Callable[..., Site]]:
    """`make_site(batch=2)`: a site whose adapter is made with these arguments."""
    settings = elasticsearch_settings()
    sites: list[Site] = []
    with Gate(settings[URL.key]) as gate:

        def make(**options: Any) -> Site:
            options = {
                "seconds_for_a_query": 120.0,
                "seconds_for_the_worker": 120.0,
                **options,
            }  # a busy machine is no failure
            application = make_application(
                {"microblog.search": "elasticsearch", **settings, URL.key: gate.url},
                extend=lambda config: config.set_search_adapter(ElasticsearchSearch(**options)),
            )
            sites.append(Site(application, gate))
            sites[0].rebuild()
            return sites[0]

        yield make
        site = sites[0]
        gate.mode = "pass"
        with site.database.write() as session:
            site.search.uninstall(session)
        site.server.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


def list_logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "elasticsearch" in record.name]


@pytest.mark.parametrize("mode", ["drop", "hang", BUSY, TOO_MANY, STRANGER], ids=str)
def test_while_the_server_is_down_everything_but_search_works_and_search_recovers(site, caplog, mode):
    site.search.seconds_for_the_worker = site.search.seconds_for_a_query = SECONDS_FOR_WHAT_HANGS
    browser = site.application.browser()
    site.gate.mode = mode
    enter(browser, "john")
    assert bodies(write(browser, "written while it was down")) == ["written while it was down"]
    for _ in range(3):
        page = browser.get("/search?q=written", status=503)
        assert "Search does not answer at the moment." in page
        assert page.forms["search-form"]["q"].value == "written"
        assert site.catch_up() == 0
        site.hurry()
    assert len(list_logged(caplog)) == 1
    assert "Posting and reading go on." in list_logged(caplog)[0]
    site.gate.mode = "pass"
    site.search.seconds_for_the_worker = site.search.seconds_for_a_query = 120.0
    assert site.catch_up() == 1
    site.search.refresh()
    assert bodies(browser.get("/search?q=written")) == ["written while it was down"]
    assert list_logged(caplog)[1:] == ["Search works again."]
    assert site.depth().waiting == 0
    assert not site.search.verify(site.database)


def test_after_an_outage_failed_entries_are_due_at_once(site):
    site.gate.mode = BUSY
    first = site.write("the first")
    assert site.catch_up() == 0
    site.gate.mode = "pass"
    second = site.write("the second")
    assert site.catch_up() == 1  # the newer one, which had no attempt yet
    assert site.catch_up() == 1
    assert site.find("the") == [second, first]


def test_while_the_server_is_down_commands_end_with_a_sentence(site):
    site.gate.mode = BUSY
    for ask in (
        site.rebuild,
        lambda: site.search.verify(site.database),
        lambda: site.search.status(site.database.open_session(write=False)),
        site.search.refresh,
    ):
        with pytest.raises(SearchUnavailable, match="Elasticsearch failed"):
            ask()


def test_a_server_that_dies_during_an_answer_is_reported_in_a_sentence(site):
    site.write("a post")
    site.settle()
    refresh = site.search.refresh

    def refresh_and_break() -> None:
        refresh()
        site.gate.mode = BUSY

    site.search.refresh = refresh_and_break
    with pytest.raises(SearchUnavailable, match="Elasticsearch failed"):
        site.search.verify(site.database)
    site.gate.mode = "pass"
    with site.database.read() as session, pytest.raises(SearchUnavailable, match="Elasticsearch failed"):
        site.search.status(session)
    del site.search.refresh


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status": 200, "headers": PRODUCT, "body": {"version": {"number": "7.17.0"}}}, "7.17.0"),
        ({"status": 200, "headers": PRODUCT, "body": {"version": {"number": "9.1.0"}}}, "9.1.0"),
        ({"status": 406, "headers": PRODUCT, "body": {"error": "media type"}}, "no Elasticsearch 8"),
    ],
)
def test_a_server_of_another_version_ends_with_a_sentence(site, caplog, answer, sentence):
    site.search._server.forget_version()
    site.gate.mode = answer
    with pytest.raises(SearchUnavailable, match=sentence):
        site.rebuild()
    site.application.browser().get("/search?q=anything", status=503)
    assert sentence in list_logged(caplog)[0]


def test_a_key_that_may_not_ask_for_the_version_still_searches(site):
    post = site.write("found all the same")
    site.settle()
    site.search._server.forget_version()
    site.gate.mode = {"status": 403, "headers": PRODUCT, "body": {"error": "no"}}
    assert site.search.client
    site.gate.mode = "pass"
    assert site.find("found") == [post]


def test_a_query_that_takes_too_long_is_reported(site):
    site.gate.mode = {
        "status": 200,
        "headers": PRODUCT,
        "body": {"timed_out": True, "hits": {"hits": []}},
    }
    page = site.application.browser().get("/search?q=anything", status=503)
    assert "took too long" in page


def test_an_index_that_was_deleted_by_hand_is_reported_and_rebuilt(site):
    before = site.write("before")
    site.settle()
    for name in site.indices():
        site.server.indices.delete(index=name)
    after = site.write("after")
    assert site.catch_up() == 0
    assert site.depth().waiting == 1
    page = site.application.browser().get("/search?q=before", status=503)
    assert "microblog search rebuild" in page
    site.rebuild()
    site.settle()
    assert (site.find("before"), site.find("after")) == ([before], [after])
    assert len(site.indices()) == 1
    assert not site.search.verify(site.database)


def test_an_index_that_a_late_deletion_created_is_replaced(site):
    """Elasticsearch makes an index for a deletion with an external version, if there is none."""
    post = site.write("still here")
    site.settle()
    for name in site.indices():
        site.server.indices.delete(index=name)
    for alias in (site.search.alias, site.search.next_alias):
        delete = {"delete": {"_index": alias, "_id": "1", "version": 5, "version_type": "external"}}
        site.server.bulk(operations=[delete])
    page = site.application.browser().get("/search?q=still", status=503)
    assert "microblog search rebuild" in page
    site.rebuild()
    assert site.find("still") == [post]
    assert len(site.indices()) == 1
    assert re.fullmatch(rf"{site.search.alias}-[0-9a-f]{{12}}", site.indices()[0])


@pytest.mark.parametrize("block", ["index.blocks.read_only_allow_delete", "index.blocks.read_only"])
def test_while_the_disk_is_full_entries_wait_and_are_delivered_afterwards(site, caplog, block):
    (index,) = site.indices()
    old = site.write("before the flood")
    site.settle()
    site.server.indices.put_settings(index=index, settings={block: True})
    try:
        new = site.write("during the flood")
        for _ in range(2):
            assert site.catch_up() == 0
            assert site.depth().waiting == 1
            site.hurry()
        with site.database.read() as session:  # searching goes on
            assert site.search.search(session, parse("flood"), Cursor(), 9) == [old]
    finally:
        site.server.indices.put_settings(index=index, settings={block: None})
    assert len(list_logged(caplog)) == 1
    site.settle()
    assert site.find("flood") == [new, old]


def test_a_refused_document_is_a_dead_letter_with_its_reason_and_blocks_nobody(make_site, caplog):
    is_wrong = [True]

    def build(post: dict[str, Any]) -> dict[str, Any]:
        return build_document(post) | ({"unknown": 1} if is_wrong and "bad" in post["body"] else {})

    site = make_site(build_document=build)
    bad, good = site.write("a bad post"), site.write("a good post")
    assert site.catch_up() == 2
    assert site.find("post") == [good]
    assert (site.depth().waiting, site.depth().dead_letters) == (0, 1)
    with site.database.read() as session:
        assert "unknown" in session.scalars(sa.select(Entry.error)).one()
    assert "refused outbox entry" in caplog.text
    assert "unknown" in caplog.text
    with pytest.raises(SearchUnavailable, match=f"did not take post {bad}"):
        site.rebuild()
    assert len(site.indices()) == 1
    is_wrong.clear()
    drift = site.search.verify(site.database)
    assert drift == Drift(missing=(bad,))
    with site.database.write() as session:
        site.search.repair(session, drift)
    site.settle()
    assert site.find("post") == [good, bad]
    assert (site.depth().waiting, site.depth().dead_letters) == (0, 0)


def test_an_index_with_another_mapping_is_reported_and_rebuilt(site):
    (index,) = site.indices()
    site.server.indices.delete(index=index)
    aliases: dict[str, Any] = {site.search.alias: {}, site.search.next_alias: {}}
    site.server.indices.create(index=index, aliases=aliases, mappings={"dynamic": "strict"})
    post = site.write("in the wrong position")
    assert site.catch_up() == 1
    assert site.depth().dead_letters == 1
    assert "microblog search rebuild" in site.application.browser().get("/search?q=wrong", status=503)
    site.rebuild()
    assert site.find("wrong") == [post]
    assert site.depth().dead_letters == 0


def stalled(site: Site, entries: list[outbox.Leased], meanwhile: Callable[[], object]) -> Any:
    """Deliver these entries, where something happens between reading the posts and sending them."""
    send = site.search._bulk

    def late(*arguments: Any) -> Any:
        del site.search._bulk
        meanwhile()
        return send(*arguments)

    site.search._bulk = late
    return site.deliver(entries)


def test_a_late_write_of_a_stalled_worker_loses_against_newer_words(site):
    post = site.write("the old words")
    entries = site.lease()

    def meanwhile() -> None:
        with site.database.write() as session:
            session.execute(sa.update(Post).where(Post.id == post).values(body="the new text"))
        site.settle()

    site.record_outcome(entries, stalled(site, entries, meanwhile))
    site.settle()
    assert (site.find("old"), site.find("new")) == ([], [post])
    assert site.depth().waiting == 0


def test_a_late_write_of_a_stalled_worker_loses_against_a_deletion(site):
    post = site.write("soon gone")
    entries = site.lease()

    def meanwhile() -> None:
        site.delete(post)
        site.settle()

    outcome = stalled(site, entries, meanwhile)
    assert site.find("gone") == []
    site.record_outcome(entries, outcome)
    site.settle()
    assert site.find("gone") == []


def test_a_stalled_worker_that_wrote_into_a_newer_index_repairs_it(site):
    post = site.write("soon gone")
    entries = site.lease()

    def meanwhile() -> None:
        site.delete(post)
        site.settle()
        site.rebuild()

    outcome = stalled(site, entries, meanwhile)
    assert site.find("gone") == [post]  # the new index knew nothing of the deletion
    site.record_outcome(entries, outcome)
    site.settle()
    assert site.find("gone") == []
    assert not site.search.verify(site.database)


def test_a_worker_that_was_killed_before_acknowledging_delivers_again_harmlessly(site):
    post = site.write("twice")
    site.deliver(site.lease())
    assert site.depth().waiting == 1
    assert site.catch_up() == 0  # until the lease ends
    site.hurry()
    assert site.catch_up() == 1
    assert site.find("twice") == [post]
    assert site.depth().waiting == 0


def test_several_workers_deliver_everything_once(site):
    posts = [site.write(f"post {n}") for n in range(60)]
    counts: list[int] = []

    def work() -> None:
        while count := catch_up(site.application.registry, 5):
            counts.append(count)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 60
    assert site.find("post") == posts[::-1]


def test_deleting_a_post_that_no_index_has_is_acknowledged(site):
    site.delete(site.write("never seen"))
    assert site.catch_up() == 2
    assert site.depth().waiting == 0


def test_a_post_whose_id_changes_moves_in_the_index(site):
    post = site.write("renumbered")
    site.settle()
    with site.database.engine.begin() as connection:
        connection.execute(sa.update(Post).where(Post.id == post).values(id=7))
    site.settle()
    assert site.find("renumbered") == [7]


def test_while_a_rebuild_runs_changes_go_to_both_indices(make_site):
    site = make_site(batch=2)
    posts = [site.write(f"post {n}") for n in range(6)]
    site.settle()
    written: list[int] = []

    def meanwhile(count: int) -> None:
        if not written:
            assert len(site.indices()) == 2
            site.delete(posts[0])
            site.delete(posts[5])
            written.append(site.write("post written meanwhile"))
            site.settle()
            assert site.find("post") == [written[0], *posts[4:0:-1]]  # the old one serves

    site.rebuild(meanwhile)
    assert site.find("post") == [written[0], *posts[4:0:-1]]
    assert len(site.indices()) == 1
    assert not site.search.verify(site.database)


class CtrlC(BaseException):
    """Ends a rebuild in the middle."""


def interrupt(count: int) -> None:
    raise CtrlC


def test_an_interrupted_rebuild_leaves_no_orphan_and_the_old_index_serves(site):
    post = site.write("a post")
    site.settle()
    before = site.indices()
    with pytest.raises(CtrlC):
        site.rebuild(interrupt)
    assert site.indices() == before
    assert site.find("post") == [post]
    other = site.write("another post")
    site.settle()
    assert site.find("post") == [other, post]


def test_an_interrupted_first_build_leaves_nothing(site):
    site.write("a post")
    for name in site.indices():
        site.server.indices.delete(index=name)
    with pytest.raises(CtrlC):
        site.rebuild(interrupt)
    assert site.indices() == []
    with pytest.raises(NotBuilt):
        site.find("post")


def test_the_next_rebuild_removes_what_a_killed_one_left_behind(site, caplog):
    site.write("a post")
    site.settle()

    def go_down(count: int) -> None:
        site.gate.mode = BUSY
        raise CtrlC

    with pytest.raises(CtrlC):
        site.rebuild(go_down)
    assert any("stays until the next rebuild" in line for line in list_logged(caplog))
    site.gate.mode = "pass"
    assert len(site.indices()) == 2
    other = site.write("delivered into what is left over, too")
    site.settle()
    assert site.find("delivered") == [other]
    site.rebuild()
    assert len(site.indices()) == 1
    assert not site.search.verify(site.database)


def test_a_rebuilt_index_that_does_not_agree_does_not_serve(site):
    post = site.write("a post")
    site.settle()
    before = site.indices()

    def tamper(count: int) -> None:
        (index,) = set(site.indices()) - set(before)
        site.server.delete(index=index, id=str(post), refresh=True)

    with pytest.raises(SearchUnavailable, match="does not agree"):
        site.rebuild(tamper)
    assert site.indices() == before


def test_verify_finds_differences_and_repair_corrects_them(site):
    missing, stale, fine = (site.write(f"post {n}") for n in range(3))
    site.settle()
    document = {"id": 5, "words": "ghost", "author": 1, "language": "", "digest": "x"}
    alias = site.search.alias
    site.server.delete(index=alias, id=str(missing))
    site.server.index(index=alias, id="5", document=document)
    last = str(fine + 9)
    site.server.index(index=alias, id=last, document={**document, "id": fine + 9})
    site.server.index(index=alias, id=str(stale), document={**document, "id": stale})
    drift = site.search.verify(site.database)
    assert drift == Drift(missing=(missing,), stale=(stale,), ghosts=(5, fine + 9))
    with site.database.write() as session:
        verified = site.search.status(session).verified
        assert (verified.missing, verified.stale, verified.ghosts) == (1, 1, 2)
        site.search.repair(session, drift)
    assert not site.search.verify(site.database)  # what waits is on its way
    site.settle()
    assert not site.search.verify(site.database)
    assert site.find("post") == [fine, stale, missing]


def test_verify_reads_any_number_of_documents(make_site):
    site = make_site(batch=2)
    for n in range(5):
        site.write(f"post {n}")
    site.settle()
    (index,) = site.indices()
    assert not site.search.verify(site.database)
    with site.database.engine.begin() as connection:
        connection.execute(sa.delete(Entry))
    site.server.indices.delete(index=index)
    aliases: dict[str, Any] = {site.search.alias: {}, site.search.next_alias: {}}
    site.server.indices.create(index=index, aliases=aliases, **BODY)
    drift = site.search.verify(site.database)
    assert len(drift.missing) == 5
    with site.database.write() as session:
        site.search.repair(session, drift)
    site.settle()
    assert not site.search.verify(site.database)


def test_the_status_shows_waiting_and_refused_posts_and_the_lag(site):
    site.write("waits")
    with site.database.write() as session:
        session.execute(sa.update(Entry).values(created=get_now() - 5000))
    site.write("was refused")
    with site.database.write() as session:
        newest = session.scalar(sa.select(sa.func.max(Entry.id)))
        outbox.make_dead_letters(session, {newest: "a reason"})
    with site.database.read() as session:
        status = site.search.status(session)
    assert (status.documents, status.pending, status.refused) == (0, 1, 1)
    assert 5 <= status.lag_seconds < 60


def test_an_author_finds_their_own_posts_while_they_wait(site):
    browser = site.application.browser()
    enter(browser, "john")
    write(browser, "not indexed yet")
    assert bodies(browser.get("/search?q=indexed")) == ["not indexed yet"]
    assert bodies(site.application.browser().get("/search?q=indexed")) == []


def test_removing_the_adapter_while_the_server_is_down_says_that_the_index_stays(site, caplog):
    caplog.set_level(logging.WARNING)
    site.gate.mode = BUSY
    with site.database.write() as session:
        site.search.uninstall(session)
    assert "The index in Elasticsearch stays" in list_logged(caplog)[0]
    site.write("no entry is written any more")
    assert site.depth().waiting == 0
    assert site.application.registry.microblog[INDEX] == site.search.alias


def test_authors_find_their_own_post_also_just_after_the_worker_delivered_it(site):
    browser = site.application.browser()
    enter(browser, "john")
    write(browser, "just written")
    assert site.catch_up() == 1
    # No refresh here: neither waits an entry for the page to look into, nor may the index keep us waiting.
    assert bodies(browser.get("/search?q=written")) == ["just written"]


def test_the_index_is_made_with_as_many_copies_as_the_settings_say(make_application):
    settings = elasticsearch_settings() | {"microblog.search.elasticsearch.replicas": "1"}
    application = make_application({"microblog.search": "elasticsearch", **settings})
    search = get_adapter(application)
    search.rebuild(application.database, lambda count: None)
    with Elasticsearch(ELASTICSEARCH_URL or "") as server:
        ((_, made),) = server.indices.get(index=search.alias).items()
    with application.database.write() as session:
        search.uninstall(session)
    assert made["settings"]["index"]["number_of_replicas"] == "1"


def test_by_relevance_only_the_newest_hits_count(make_site):
    site = make_site(ranked_hits=2)
    best, long, newest = [
        site.write(body) for body in ("tea tea tea", "tea and a lot of other things", "tea")
    ]
    site.settle()
    with site.database.read() as session:
        assert site.search.ranked(session, parse("tea"), 10) == [newest, long]
        assert site.search.ranked(session, parse("tea from:nobody"), 10) == []
    assert best < long


def test_a_worker_that_is_done_in_the_middle_of_a_search_hides_nothing_from_the_author(site):
    browser = site.application.browser()
    enter(browser, "john")
    write(browser, "just written")
    found: list[Any] = []

    def be_overtaken(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "outbox" in statement and not found:  # what waits there has been read
            found.append("once")
            found.append(site.catch_up())

    event.listen(site.database.engine, "after_cursor_execute", be_overtaken)
    try:
        assert bodies(browser.get("/search?q=written")) == ["just written"]
    finally:
        event.remove(site.database.engine, "after_cursor_execute", be_overtaken)
    assert found == ["once", 1]


def test_a_server_that_is_down_is_one_line_of_the_log_and_one_when_it_is_back(site, caplog):
    """Its client warned of each request, and of each try of the worker."""
    site.write("a post")
    site.gate.mode = "drop"
    caplog.clear()
    for _ in range(5):
        site.application.browser().get("/search?q=anything", status=503)
        site.hurry()
        site.catch_up()
    lines = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(lines) == 1, lines
    assert lines[0].startswith("Search fails (")
    site.gate.mode = "pass"
    site.settle()
    site.application.browser().get("/search?q=anything", status=200)
    lines = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert lines[1:] == ["Search works again."]
