"""No write waits for FTS5 to merge its index: the worker merges it, and without a worker it stays usable."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from microblog.accounts.queries import add_user
from microblog.ids import new_id
from microblog.outages import FULL, DatabaseUnavailable
from microblog.paging import Cursor
from microblog.posts.queries import add_post, add_posts
from microblog.search import feeding
from microblog.search.embedded.merging import SERVING, choose_pages, configure, count_segments
from microblog.search.embedded.steps import Steps
from microblog.search.interfaces import ISearchMaintenance, get_search
from microblog.search.language import parse
from tests.conftest import counted_statements, get_adapter
from tests.functional.search.conftest import derive
from tests.functional.search.test_embedded import disk_is_full

pytestmark = pytest.mark.usefixtures("needs_fts5")

DEFAULTS_OF_FTS5 = {"automerge": 4, "crisismerge": 16, "usermerge": 4, "hashsize": 1_048_576}
# Each level has fewer segments than this when there is nothing to merge.
OF_A_LEVEL = SERVING["usermerge"]
# A rebuild of some hundred posts has as many batches as one of a million.
FEW = {"posts_at_once": 10, "batches_until_settled": range(3, 9)}


def wait(seconds):
    """Nobody else writes."""


@pytest.fixture
def make_site(make_application):
    """`make_site(**steps)`: a site whose index does this much at once."""

    def make(**steps):
        def set_adapter(config):
            search_class: Any = type(get_search(config.registry))
            search = search_class(steps=Steps(**{"sleep": wait, **FEW, **steps}))
            config.set_search_adapter(search)

        return Site(make_application(extend=set_adapter))

    return make


class Site:
    """Posts of susan, and how many rows (pages, mostly) each transaction wrote."""

    def __init__(self, application):
        self.database, self.registry = application.database, application.registry
        self.search = get_adapter(application)
        with self.database.write() as session:
            self.susan = add_user(session, "susan")
        self.database.after_begin(self.note_changes)
        # Registered after that of search.
        self.database.before_commit(self.count_changes)
        self.written = []

    def note_changes(self, session, connection):
        session.info["before"] = connection.scalar(sa.text("SELECT total_changes()"))

    def count_changes(self, session):
        self.written.append(session.scalar(sa.text("SELECT total_changes()")) - session.info["before"])

    def post(self, count, *, at_once=1, author=None):
        """Write so many posts, and return the most rows that one of the transactions wrote."""
        self.written.clear()
        for first in range(0, count, at_once):
            rows = [self.make_row(number, author) for number in range(first, first + at_once)]
            with self.database.write() as session:
                add_posts(session, rows)
        return max(self.written)

    def make_row(self, number, author):
        words = " ".join(f"w{number}x{n}" for n in range(20))
        return {"id": new_id(), "user_id": author or self.susan, "body": f"word {words}", "language": None}

    def rebuild(self):
        self.search.rebuild(self.database, lambda count: None)

    def work(self):
        """What the worker does until nothing is left to do."""
        while feeding.maintain(self.registry):
            pass

    def read(self, function, *values):
        with self.database.read() as session:
            return function(session, *values)

    def count_segments(self):
        return self.read(count_segments, self.search.index)

    def get_pages(self):
        sql = "SELECT segid, count(*) FROM search_fts5_idx GROUP BY segid"
        return dict(self.read(lambda session: session.execute(sa.text(sql)).all()))

    def find(self, text, limit=10_000):
        return self.read(self.search.search, parse(text), Cursor(), limit)

    def configure(self, options):
        with self.database.write() as session:
            configure(session, self.search.index, options)

    @property
    def agrees(self):
        return not self.search.verify(self.database)


@pytest.fixture
def site(make_site):
    return make_site()


def test_no_post_after_a_rebuild_writes_more_than_its_own_segment(site):
    site.post(1000, at_once=100)
    site.rebuild()
    assert sum(site.get_pages().values()) > 60, "what the 246th post wrote anew, by the defaults of FTS5"
    assert site.post(248) < 20
    assert len(site.find("word")) == 1248


def test_no_post_after_an_import_writes_more_than_its_own_segment(make_site):
    site = make_site(posts_that_merge=20, posts_for_a_merged_page=2)
    site.rebuild()
    site.post(1000, at_once=20)
    assert site.count_segments() < 5 * OF_A_LEVEL, "an import merges what it appends, without a worker"
    assert site.post(100) < 20
    assert len(site.find("word")) == 1100


def test_no_post_after_the_deletion_of_many_writes_more_than_its_own_segment(site):
    with site.database.write() as session:
        john = add_user(session, "john")
    site.post(1000, at_once=100, author=john)
    site.post(100, at_once=100)
    site.rebuild()
    with site.database.write() as session:
        session.execute(sa.text("DELETE FROM users WHERE id = :john"), {"john": john})
    assert site.post(100) < 20
    assert len(site.find("word")) == 200
    assert site.agrees


def test_the_worker_keeps_the_segments_few_in_short_transactions(make_site):
    site = make_site(pages_merged_by_the_worker=2, fewest_pages_merged_by_the_worker=2)
    most = merged = 0
    for _ in range(10):
        site.post(60)
        site.written.clear()
        site.work()
        merged = max(merged, *site.written)
        most = max(most, site.count_segments())
    assert most < 4 * OF_A_LEVEL
    assert merged < 150, "a step writes few pages, and the first one of each segment that it merges"
    assert len(site.find("word")) == 600


def test_the_worker_does_not_merge_what_a_rebuild_has_made_with_every_few_posts(site):
    site.post(600, at_once=100)
    site.rebuild()
    (large,) = site.get_pages()
    for _ in range(10):
        site.post(60)
        site.work()
    pages = site.get_pages()
    assert max(pages, key=lambda segment: pages[segment]) == large


def test_the_worker_opens_no_transaction_when_there_is_nothing_to_merge(site):
    site.post(20)
    site.work()
    with counted_statements(site.database, everything=True) as statements:
        assert not feeding.maintain(site.registry)
    assert "BEGIN IMMEDIATE" not in statements
    site.post(1)
    with counted_statements(site.database, everything=True) as statements:
        assert not feeding.maintain(site.registry)
    assert statements.count("BEGIN IMMEDIATE") == 1, "it tries"


def test_the_worker_merges_for_a_short_while_and_comes_again(make_site):
    site = make_site(seconds_of_merging=0)
    site.post(20)
    assert feeding.maintain(site.registry) is True
    assert site.count_segments() == 20


def test_merging_leaves_the_lock_free_between_its_steps(make_site):
    pauses: list[float] = []
    site = make_site(pages_merged_by_the_worker=1, fewest_pages_merged_by_the_worker=1, sleep=pauses.append)
    site.post(200)
    site.work()
    assert len(pauses) > 2
    assert min(pauses) >= 0.05


@pytest.mark.parametrize(("seconds_of_a_step", "fewest", "most"), [(1000, 4, 9), (0, 15, 50)])
def test_a_merge_in_slow_steps_goes_on_in_smaller_ones(make_site, seconds_of_a_step, fewest, most):
    """They are slow when other work wants the processor, and posts wait for them."""
    site = make_site(seconds_of_a_step=seconds_of_a_step)
    site.post(1000, at_once=99)
    site.written.clear()
    site.work()
    assert fewest <= len(site.written) <= most
    assert site.count_segments() == 1


@pytest.mark.parametrize(
    ("pages", "milliseconds", "then"),
    [(16, 11, 8), (4, 11, 4), (5, 11, 4), (16, 10, 16), (16, 5, 16), (16, 4, 32), (20, 4, 32), (32, 4, 32)],
)
def test_a_step_of_a_merge_is_as_large_as_the_one_before_was_quick(pages, milliseconds, then):
    steps = Steps(seconds_of_a_step=0.010, pages_merged_by_the_worker=32, fewest_pages_merged_by_the_worker=4)
    assert choose_pages(pages, milliseconds / 1000, steps) == then


def test_many_posts_are_written_and_found_while_no_worker_runs(make_site):
    site = make_site(segments_until_posts_merge=20, most_segments=40, pages_merged_by_a_post=4)
    site.rebuild()
    most = 0
    written = 0
    for _ in range(20):
        written = max(written, site.post(50))
        most = max(most, site.count_segments())
    assert most < 40
    assert written < 120, "the first page of each segment that is merged, and four more"
    assert len(site.find("word")) == 1000
    assert site.agrees


def test_a_post_waits_for_the_worker_when_the_index_has_too_many_segments(make_site, caplog):
    site = make_site(segments_until_posts_merge=9, most_segments=8)
    site.post(9)
    assert len(site.find("word")) == 8
    assert "1 posts could not be indexed with their transaction; the worker will." in caplog.text
    caplog.clear()
    site.work()
    assert site.search.catch_up(site.database, 10) == 1
    assert len(site.find("word")) == 9
    site.post(1)
    assert len(site.find("word")) == 10


def make_older(site):
    """The index as an older version left it: FTS5 merges by itself, and a trigger indexes every text."""
    site.configure(DEFAULTS_OF_FTS5)
    with site.database.write() as session:
        session.execute(sa.text("DROP TRIGGER search_fts5_text_added"))
        session.execute(
            sa.text("""CREATE TRIGGER search_fts5_text_inserted AFTER INSERT ON search_fts5_texts BEGIN
                INSERT INTO search_fts5(rowid, digest) VALUES (new.post_id, new.digest); END""")
        )


def get_options(site):
    sql = sa.text("SELECT k, v FROM search_fts5_config")
    return dict(site.read(lambda session: session.execute(sql).all()))


def get_triggers(site):
    sql = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'search_fts5_text_%'")
    return set(site.read(lambda session: session.scalars(sql).all()))


def test_an_index_of_an_older_version_is_kept_right_and_brought_up_to_date_by_the_worker(site):
    site.post(20)
    make_older(site)
    site.post(3)
    site.post(6, at_once=3)
    assert len(site.find("word")) == 29
    site.work()
    assert get_options(site).items() >= SERVING.items()
    assert get_triggers(site) == {"search_fts5_text_added", "search_fts5_text_deleted"}
    site.post(3)
    site.post(6, at_once=3)
    assert len(site.find("word")) == 38
    assert site.agrees
    with site.database.write() as session:
        session.execute(sa.text("INSERT INTO search_fts5(search_fts5) VALUES ('integrity-check')"))


def test_an_index_of_an_older_version_can_be_rebuilt_and_removed(site):
    site.post(20)
    make_older(site)
    site.rebuild()
    assert get_options(site).items() >= SERVING.items()
    assert len(get_triggers(site)) == 2
    make_older(site)
    with site.database.write() as session:
        site.search.uninstall(session)
    assert get_triggers(site) == set()


def test_a_new_index_does_not_merge_by_itself(site):
    with site.database.write() as session:
        site.search.uninstall(session)
        site.search.install(session)
    assert get_options(site).items() >= SERVING.items()


def test_the_posts_of_one_transaction_are_one_segment(site):
    before = site.count_segments()
    site.post(50, at_once=50)
    assert site.count_segments() == before + 1


def test_changed_texts_are_found_once_by_their_new_words(site):
    site.post(5, at_once=5)
    with site.database.write() as session:
        session.execute(sa.text("UPDATE posts SET body = 'another text'"))
    assert (len(site.find("word")), len(site.find("another"))) == (0, 5)
    assert site.agrees


def test_the_status_has_the_segments(site):
    site.post(3)
    assert site.read(site.search.status).segments == 3


@pytest.mark.parametrize("table", ["idx", "config"])
def test_a_damaged_index_is_not_merged_and_stops_no_post(site, caplog, table):
    site.post(1)
    with site.database.write() as session:
        session.execute(sa.text(f"DROP TABLE search_fts5_{table}"))
    site.database.close()
    assert not feeding.maintain(site.registry)
    with site.database.write() as session:
        add_post(session, site.susan, "word")
    assert "could not be indexed" in caplog.text
    caplog.clear()
    status = site.read(site.search.status)
    assert (status.documents, status.pending) == (1, 1)


def test_an_adapter_that_needs_no_maintenance_gets_none(site):
    site.registry.unregisterUtility(provided=ISearchMaintenance)
    assert feeding.maintain(site.registry) is False


def test_when_the_transaction_is_lost_while_merging_its_error_is_raised(use_adapter, database, search):
    def full(self, session):
        session.connection().connection.driver_connection.rollback()
        raise DatabaseUnavailable(FULL, "the disk is full", disk_is_full())

    with database.write() as session:
        susan = add_user(session, "susan")
    use_adapter(derive(search, has_room=full))
    with pytest.raises(DatabaseUnavailable, match="disk"), database.write() as session:
        add_post(session, susan, "word")


@pytest.mark.parametrize("is_older", [False, True])
def test_an_index_that_is_removed_while_the_worker_looks_at_it_is_not_merged(site, is_older):
    site.post(20)
    if is_older:
        make_older(site)
    was_whole: list[bool] = []

    def remove_it_now(self, session):
        is_whole = type(site.search)._is_whole(self, session)
        if not was_whole:
            with site.database.write() as other:
                site.search.uninstall(other)
        was_whole.append(is_whole)
        return is_whole

    assert derive(site.search, _is_whole=remove_it_now).maintain(site.database) is False
    assert was_whole[0]
    assert not any(was_whole[1:])
