"""Posts that are looked through before the index is asked: the answers are the same, and fast."""

from __future__ import annotations

import copy
import random
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microblog.accounts.queries import add_user
from microblog.ids import new_id_at
from microblog.paging import Bounds, Cursor
from microblog.posts.models import Post
from microblog.posts.queries import add_posts
from microblog.search.embedded.ranking import rank_best_first
from microblog.search.embedded.windows import Sizes
from microblog.search.language import Term, parse
from microblog.search.text import index_text
from tests.conftest import POSTGRESQL_URL, counted_statements, get_adapter

POSTS = 60
FIRST_DAY = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOURS_BETWEEN = 6
PEOPLE = ("susan", "john", "mary")
LANGUAGES = (None, "en", "en", "en", "es", "es-MX", "ES", "eu", "de")
# Parts of each other, of several scripts, and ⺀, which is none to some tokenizers. In English the stem of
# `ros` is the one of `rosen` in German.
WORDS = (
    "tea",
    "tea",
    "teas",
    "teapot",
    "pot",
    "steam",
    "日本語",
    "日",
    "본",
    "दुनिया",
    "दुन",
    "Straße",
    "⺀",
    "a⺀",
    "été",
    "rosen",
    "Ros",
)
TINY, NONE = Sizes(first=3, largest=7), Sizes(first=1, largest=0)


@pytest.fixture
def search(application):
    """The adapter, of which each test has a copy to give it other windows."""
    return copy.copy(get_adapter(application))


@pytest.fixture
def ids(database, search):
    """Posts as they come, also those that the index does not know as they are."""
    chance = random.Random(5)
    ids = [new_id_at(FIRST_DAY + timedelta(hours=HOURS_BETWEEN * n)) for n in range(POSTS)]
    with database.write() as session:
        people = [add_user(session, name) for name in PEOPLE]
        rows = [
            {
                "id": post_id,
                "user_id": chance.choices(people, (8, 3, 1))[0],
                "body": chance.choice(" .").join(chance.choices(WORDS, k=chance.randint(1, 6))),
                "language": chance.choice(LANGUAGES),
            }
            for post_id in ids
        ]
        add_posts(session, rows[: POSTS - 5])
    with database.engine.begin() as connection:  # as from a shell
        connection.execute(sa.insert(Post), rows[POSTS - 5 :])
        connection.execute(sa.delete(Post).where(Post.id.in_(ids[20:50:7])))
        connection.execute(sa.update(Post).where(Post.id.in_(ids[2:55:11])).values(body="tea pot"))
    return ids


def queries():
    word = st.sampled_from([*WORDS, "te", "nowhere"])
    phrase = st.lists(word, min_size=2, max_size=3).map(lambda words: f'"{" ".join(words)}"')
    term = word | word.map("{}*".format) | phrase
    day = st.integers(0, POSTS * HOURS_BETWEEN // 24).map(lambda n: (FIRST_DAY + timedelta(n)).date())
    filters = st.sampled_from(
        ["", "", "from:susan", "from:mary", "from:nobody", "lang:es", "lang:en", "lang:eu", "lang:nl"]
    )
    return st.tuples(
        st.lists(term | term.map("-{}".format), max_size=3).map(" ".join),
        filters,
        filters,
        st.just("") | day.map("before:{}".format) | day.map("after:{}".format),
    ).map(" ".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(queries(), st.integers(0, POSTS - 1), st.sampled_from(["", "before", "after"]), st.integers(1, 9))
def test_windows_change_no_answer(database, search, ids, text, position, direction, limit):
    query = parse(text)
    bounds = Bounds.of(query, Cursor(**{direction: ids[position]}) if direction else Cursor())

    def answers(sizes):
        search.windows = search.windows_of_filters = sizes
        with database.read() as session:
            best = search.find_best(session, query, limit) if query.terms else []
            return search.find_hits(session, query, bounds, limit), best

    assert answers(TINY) == answers(NONE)


@pytest.fixture
def ask(database, search):
    """A function that searches with windows of these sizes, and gives the statements for that. Susan's posts
    are about tea, the newest about coffee, and one about chess."""
    with database.write() as session:
        susan = add_user(session, "susan")
        bodies = ["tea", "chess", *["tea"] * 38, *["coffee"] * 20]
        add_posts(
            session,
            [{"id": n, "user_id": susan, "body": body, "language": None} for n, body in enumerate(bodies, 1)],
        )
    analyze(database)
    search.hits_of_a_common_word = 20

    def ask(text, sizes, limit=3):
        search.windows = search.windows_of_filters = sizes
        query = parse(text)
        with database.read() as session, counted_statements(database) as statements:
            search.find_hits(session, query, Bounds.of(query, Cursor()), limit)
        return [sql for sql in statements if not sql.startswith("SELECT user_id FROM nicknames")]

    return ask


def analyze(database):
    if database.dialect == "postgresql":
        with database.writing.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("ANALYZE")


def is_of_the_index(statement):
    return "search_fts5 f" in statement or "WITH t AS MATERIALIZED" in statement


def test_a_first_window_that_fills_the_page_is_the_only_statement(ask):
    assert len(ask("coffee from:susan", Sizes(5, 40))) == 1


def test_a_first_window_of_all_posts_decides_whatever_it_holds(ask):
    statements = ask("chess from:susan", Sizes(60, 60))
    assert len(statements) == 2, "and is there a post beyond? There is not"


def test_a_common_word_that_the_newest_posts_lack_is_looked_for_further_back(ask):
    statements = ask("tea from:susan", Sizes(5, 40, per_hit=10))
    assert not any(map(is_of_the_index, statements))
    assert re.search(r"LIMIT 40\b|OFFSET 39\b", statements[-1])


@pytest.mark.skipif(not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: FTS5 has one larger size.")
@pytest.mark.parametrize("text", ["tea from:susan", '"tea" from:susan'])
def test_a_post_is_expected_once_though_it_has_the_word_and_its_stem(ask, database, text):
    with database.write() as session:
        session.execute(sa.update(Post).values(language="en"))
    analyze(database)
    statements = ask(text, Sizes(5, 40, per_hit=1))
    assert any(re.search(r"LIMIT 20\b", statement) for statement in statements), "39 posts are about tea"
    assert not any(re.search(r"LIMIT 40\b", statement) for statement in statements)


def test_the_index_is_asked_for_a_rare_word(ask):
    statements = ask("chess from:susan", Sizes(5, 40, per_hit=10))
    assert [is_of_the_index(statement) for statement in statements].index(True) == len(statements) - 1
    assert not any(re.search(r"LIMIT 40\b|OFFSET 39\b", statement) for statement in statements)


def test_the_index_is_asked_when_even_the_larger_window_lacks_a_word(ask):
    statements = ask("tea from:susan", Sizes(5, 10, per_hit=10))
    assert re.search(r"LIMIT 10\b|OFFSET 9\b", statements[-3]), "then, is there a post beyond?"
    assert is_of_the_index(statements[-1])


def test_words_that_never_meet_are_not_looked_for_far_back(ask, database, search):
    """The planner expects them to meet by chance."""
    if database.dialect == "sqlite":
        pytest.skip("Run with MICROBLOG_TEST_DATABASE_URL too: PostgreSQL guesses how often words meet.")
    assert is_of_the_index(ask("tea coffee", Sizes(5, 40, per_hit=10))[-1])


@pytest.mark.parametrize(
    ("hits", "posts", "limit", "size"),
    [
        (700_000, 1_000_000, 26, 32_000),
        (2_000, 1_000_000, 26, 16_000),
        (2_000, 1_000_000, 1_000, 0),
        (500, 1_000_000, 26, 0),
        (0, 1_000_000, 26, 0),
        (500, 10_000, 26, 4_000),
    ],
)
def test_a_window_takes_no_longer_than_the_index_would(hits, posts, limit, size):
    assert Sizes(first=2000, largest=32_000, per_hit=10).choose(hits, posts, limit) == size


def test_what_may_be_a_guess_of_the_planner_is_left_to_the_index():
    sizes = Sizes(first=2000, largest=32_000, per_hit=10, fewest_hits=3_000)
    assert sizes.choose(2_999, 100_000, 26) == 0
    assert sizes.choose(3_000, 100_000, 26) == 16_000


def test_every_text_is_the_words_that_the_index_has(needs_fts5, database, search):
    """A window looks for words between spaces; so must FTS5, with any characters."""
    texts = [chr(n) for n in range(1, 0x11_0000) if not 0xD800 <= n < 0xE000]
    words = sorted({index_text(text) for text in texts} - {""})
    with database.write() as session:
        connection = session.connection()
        insert = "INSERT INTO search_fts5 (rowid, digest) VALUES (?, ?)"
        connection.exec_driver_sql(insert, list(enumerate(words)))
        connection.exec_driver_sql("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, search_fts5, row)")
        terms = set(connection.exec_driver_sql("SELECT term FROM temp.terms").scalars())
        session.rollback()
    assert terms == {word for text in words for word in text.split(" ")}


def test_the_best_match_counts_words_that_follow_each_other():
    posts = [
        (1, "tea pot tea"),
        (2, "tea tea tea"),
        (3, "teapot teapot teapot"),
        (4, "tea and more and more"),
    ]
    assert rank_best_first((Term(("tea",)),), posts) == [2, 1, 4, 3]
    assert rank_best_first((Term(("tea",), is_prefix=True),), posts) == [3, 2, 1, 4]
    assert rank_best_first((Term(("tea", "pot")),), posts[:2]) == [2, 1]
    assert rank_best_first((Term(("tea",)),), []) == []


def test_forms_of_a_word_count_as_one_more_of_it():
    posts = [
        (1, "dogs dogs dogs §endog"),
        (2, "a dog §ena §endog"),
        (3, "the dogs §enthe §endog"),
        (4, "dogs dogs"),
    ]
    assert rank_best_first(parse("dogs").terms, posts) == [1, 4, 3, 2]
    assert rank_best_first(parse("dog").terms, posts) == [2, 3, 1, 4]
