"""What the adapters inside the database do besides the contract."""

from __future__ import annotations

import copy
import re

import pytest
import sqlalchemy as sa

from microblog.accounts.queries import add_user
from microblog.ids import new_id
from microblog.paging import Cursor
from microblog.posts.models import Post
from microblog.posts.queries import add_post, add_posts
from microblog.search import records
from microblog.search.embedded import pending
from microblog.search.embedded.fts5 import SHADOWS
from microblog.search.embedded.steps import USUAL_STEPS, Steps
from microblog.search.interfaces import SearchUnavailable, get_search
from microblog.search.language import parse
from tests.conftest import POSTGRESQL_URL, counted_statements, get_adapter
from tests.functional.search.conftest import derive

MANY = 3000


FEW_ROWS = (("data", 1), ("docsize", 7), ("texts", 7))


def with_steps(search, **steps):
    """The same adapter, doing less at once."""
    return type(search)(steps=Steps(**steps))


def use_steps(make_application, **steps):
    """An application whose adapter does less at once."""
    return make_application(extend=lambda config: set_steps(config, steps))


def set_steps(config, steps):
    config.set_search_adapter(with_steps(get_search(config.registry), **steps))


def disk_is_full():
    return sa.exc.OperationalError("", {}, Exception("database or disk is full"))


def test_a_query_that_takes_too_long_is_stopped_without_ending_the_request(make_application):
    application = make_application()
    database, search = application.database, get_adapter(application)
    with database.write() as session:
        susan = add_user(session, "susan")
        rows = [{"id": new_id(), "user_id": susan, "body": "x " * 40, "language": None} for _ in range(MANY)]
        add_posts(session, rows)
    search.catch_up(database, MANY)
    with database.read() as session:
        hurried = type(search)(seconds_for_a_query=0)
        with pytest.raises(SearchUnavailable, match="took too long"):
            hurried.search(session, parse("-nowhere -x"), Cursor(), 10)
        assert search.search(session, parse("-nowhere -x"), Cursor(), 10) == []


def test_installing_an_index_inside_the_database_queues_all_existing_posts(make_application):
    application = make_application()
    database, search = application.database, get_adapter(application)
    with database.write() as session:
        search.uninstall(session)
    with database.write() as session:
        post = add_post(session, add_user(session, "susan"), "before there was an index")
    with database.write() as session:
        search.install(session)
    with database.read() as session:
        assert search.search(session, parse("before"), Cursor(), 10) == [post]


def find(database, search, text):
    with database.read() as session:
        return search.search(session, parse(text), Cursor(), 10)


def ignore(count):
    """Progress that nobody looks at."""


def languages(session, susan):
    """Posts in many languages, spelled as they come; ids by spelling."""
    spellings = ["en", "pt", "pt-BR", "PT-br-x-a", "ptx", None, "pt_BR", "en", "Eo"]
    ids = [new_id() for _ in spellings]
    rows = zip(ids, spellings, strict=True)
    add_posts(
        session,
        [
            {"id": post, "user_id": susan, "body": f"word {spelling}", "language": spelling}
            for post, spelling in rows
        ],
    )
    return ids


def test_a_language_alone_is_found_however_it_is_spelled(database, search, susan):
    with database.write() as session:
        ids = languages(session, susan)
    assert find(database, search, "lang:pt") == [ids[3], ids[2], ids[1]]
    assert find(database, search, "lang:pt-br") == [ids[3], ids[2]]
    assert find(database, search, "lang:EO") == [ids[8]]
    assert find(database, search, "lang:pt -br") == [ids[1]]
    assert find(database, search, "lang:pt from:susan") == [ids[3], ids[2], ids[1]]
    assert find(database, search, "lang:pt from:john") == []
    assert find(database, search, "lang:nl") == []
    with database.read() as session:
        below, above = Cursor(before=ids[3]), Cursor(after=ids[1])
        assert search.search(session, parse("lang:pt"), below, 1) == [ids[2]]
        assert search.search(session, parse("lang:pt"), above, 2) == [ids[2], ids[3]]


def test_a_transaction_leaves_posts_beyond_its_limit_to_the_worker(make_application, susan):
    application = use_steps(make_application, most_in_their_transaction=2)
    database, search = application.database, get_adapter(application)
    with database.write() as session:
        ids = [add_post(session, susan, "word") for _ in range(3)]
    assert find(database, search, "word") == [ids[2], ids[1]]
    assert search.catch_up(database, 10) == 1
    assert find(database, search, "word") == ids[::-1]


def test_removing_the_index_in_a_transaction_that_writes_a_post_is_no_error(database, search, susan):
    with database.write() as session:
        add_post(session, susan, "word")
        search.uninstall(session)
    with database.write() as session:
        add_post(session, susan, "word")
    with database.write() as session:
        search.install(session)
    assert len(find(database, search, "word")) == 2


def test_when_the_whole_transaction_is_lost_its_error_is_raised(use_adapter, database, search, susan):
    """SQLite ends the transaction by itself when the disk is full."""

    def full(self, session, posts):
        session.connection().connection.driver_connection.rollback()
        raise disk_is_full()

    use_adapter(derive(search, keep=full))
    with pytest.raises(sa.exc.OperationalError, match="disk"), database.write() as session:
        add_post(session, susan, "word")


def test_a_write_transaction_asks_the_index_two_questions_at_most(database, search, susan):
    with counted_statements(database) as statements, database.write() as session:
        session.execute(sa.text("UPDATE users SET about_me = 'x'"))
    assert len(statements) == (3 if database.dialect == "sqlite" else 2)


@pytest.mark.skipif(not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: FTS5 tries all languages.")
def test_on_postgresql_only_forms_in_languages_of_posts_are_looked_for(database, search, susan):
    def list_statements(text):
        with counted_statements(database) as statements, database.read() as session:
            narrowed = search.narrow(session, parse(text))
        return narrowed, len(statements)

    def list_languages(text):
        query, _ = list_statements(text)
        return [form[1:3] for term in (*query.terms, *query.excluded) for form in term.forms]

    assert list_languages("roses") == []
    with database.write() as session:
        for language in ("en-GB", "nn", "ja", None):
            add_post(session, susan, "One rose", language=language)
    assert list_languages("roses -книга") == ["en", "no"]
    with database.engine.begin() as connection:  # as from a shell
        connection.execute(sa.update(Post).where(Post.language == "nn").values(language="ru"))
    assert list_languages("roses -книга") == ["en", "ru"]
    assert list_statements("roses")[1] == list_statements('"roses"')[1] == 1


DAMAGE = [
    "DROP TABLE search_fts5",
    *(f"DROP TABLE search_fts5_{name}" for name in SHADOWS),
    "DELETE FROM search_fts5_config",
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_index_is_made_again(needs_fts5, database, search, susan, damage):
    with database.write() as session:
        post = add_post(session, susan, "word")
    with database.write() as session:
        session.execute(sa.text(damage))
    database.close()
    assert search.rebuild(database, ignore) == 1
    assert find(database, search, "word") == [post]
    assert not search.verify(database)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_index_is_removed(needs_fts5, database, search, susan, damage):
    with database.write() as session:
        add_post(session, susan, "word")
    with database.write() as session:
        session.execute(sa.text(damage))
    database.close()
    with database.write() as session:
        search.uninstall(session)
        assert (
            session.scalars(sa.text("SELECT name FROM sqlite_master WHERE name LIKE 'search%'")).all() == []
        )
        assert session.scalar(sa.text("PRAGMA integrity_check")) == "ok"


def test_of_the_tables_of_fts5_only_rows_of_a_retired_index_are_removed(needs_fts5, database, search, susan):
    with database.write() as session:
        add_post(session, susan, "word")
    with counted_statements(database) as statements:
        search.rebuild(database, ignore)
    of_fts5 = re.compile(
        rf"(INSERT|UPDATE|REPLACE|DELETE|CREATE (?!TRIGGER))\b.*search_fts5\w*_({'|'.join(SHADOWS)})\b", re.S
    )
    written = [sql for sql in statements if of_fts5.match(sql)]
    assert written
    assert all(sql.startswith("DELETE FROM search_fts5_old_") for sql in written), written


def test_a_large_index_is_merged_and_removed_in_parts(needs_fts5, database, search, susan):
    search = with_steps(search, pages_merged_at_once=1, rows_removed_at_once=FEW_ROWS, posts_at_once=10)
    rows = [{"id": n, "user_id": susan, "body": f"word w{n} " * 9, "language": None} for n in range(20, 60)]
    with database.write() as session:
        add_posts(session, rows)
    assert search.rebuild(database, ignore) == 40
    assert search.rebuild(database, ignore) == 40
    assert find(database, search, "w59") == [59]
    with database.read() as session:
        segments = session.scalar(sa.text("SELECT count(DISTINCT segid) FROM search_fts5_idx"))
        usual = dict(session.execute(sa.text("SELECT k, v FROM search_fts5_config")).all())
    assert segments == 1
    assert (usual["automerge"], usual["crisismerge"]) == (0, 1000)


@pytest.fixture
def needs_postgresql(database):
    if database.dialect != "postgresql":
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL too: this is about PostgreSQL.")


def test_many_posts_are_counted_as_the_planner_counts_them(needs_postgresql, database, search, susan):
    search = copy.copy(search)
    search.many_documents = 3

    def write_and_count():
        with database.write() as session:
            add_post(session, susan, "word")
        with database.read() as session:
            return search.status(session).documents

    def analyze():
        with database.writing.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("ANALYZE search_postgresql_texts")

    analyze()
    assert [write_and_count() for _ in range(3)] == [1, 2, 3]
    analyze()
    assert [write_and_count() for _ in range(2)] == [3, 3], "what it knew when it looked at them"


def test_the_new_index_waits_for_readers_of_the_old_one(needs_postgresql, database, search, susan):
    """A backup holds its tables for as long as it takes; writers do not wait behind us meanwhile."""
    reader = database.open_session(write=False)
    reader.execute(sa.text("SELECT count(*) FROM search_postgresql_texts"))
    written = []

    def write_and_let_go(seconds):
        if seconds == USUAL_STEPS.seconds_between_attempts:
            with database.write() as session:
                written.append(add_post(session, susan, "word"))
            if len(written) == 2:
                reader.close()

    search = with_steps(search, lock_milliseconds=10, sleep=write_and_let_go)
    search.rebuild(database, ignore)
    assert find(database, search, "word") == written[::-1]
    assert len(written) == 2


def test_a_reader_who_does_not_end_stops_the_rebuild(needs_postgresql, database, search, susan):
    search = with_steps(search, lock_milliseconds=10, seconds_to_wait_for_the_lock=-1)
    with database.read() as reader:
        reader.execute(sa.text("SELECT count(*) FROM search_postgresql_texts"))
        with pytest.raises(SearchUnavailable, match="a backup"):
            search.rebuild(database, ignore)
    assert search.rebuild(database, ignore) == 0


def test_a_rebuild_begins_when_earlier_writers_have_ended(needs_postgresql, database, search, susan):
    writer = database.open_session(write=True)
    writer.execute(sa.text("UPDATE posts SET body = 'nothing yet'"))
    waits: list[int] = []

    def commit(seconds):
        if seconds == pending.SECONDS_BETWEEN_LOOKS:
            waits.append(add_post(writer, susan, "word"))
            writer.commit()

    with_steps(search, sleep=commit).rebuild(database, ignore)
    writer.close()
    assert len(waits) == 1
    assert find(database, search, "word") == waits


def test_a_writer_who_does_not_end_stops_a_rebuild(needs_postgresql, database, search, susan):
    search = with_steps(search, seconds_to_wait_for_writers=-1)
    with database.open_session(write=True) as writer:
        writer.execute(sa.text("UPDATE posts SET body = 'nothing yet'"))
        with pytest.raises(SearchUnavailable, match="has been writing posts for more than a minute"):
            search.rebuild(database, ignore)


def test_tables_that_cannot_be_removed_are_left_to_the_next_rebuild(database, search, susan, caplog):
    drop = type(search).drop

    def refuse(self, session):
        if self.queue.suffix == "_next" and interrupted:
            session.execute(sa.text("DROP TABLE no_such_table"))
        drop(self, session)

    interrupted = []

    def interrupt(count):
        interrupted.append(count)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        derive(search, drop=refuse).rebuild(database, interrupt)
    assert "stays until the next one" in caplog.text
    caplog.clear()
    assert search.rebuild(database, ignore) == 0


def test_an_error_of_the_database_while_switching_ends_the_rebuild(database, search, susan):
    def fail(self, session, other):
        raise disk_is_full()

    with pytest.raises(sa.exc.OperationalError, match="disk"):
        derive(search, rename=fail).rebuild(database, ignore)


def test_enqueuing_no_posts_runs_no_statement(database, search):
    with database.write() as session, counted_statements(database) as statements:
        search.enqueue(session, [])
        assert statements == []


def test_a_status_of_a_rebuild_that_is_dead_says_so(database, search):
    with database.write() as session:
        records.begin_rebuild(session, search.name, "token")
        session.execute(sa.text("UPDATE index_states SET rebuild_seen_at = 0"))
    with database.read() as session:
        assert not search.status(session).rebuilding.is_alive
