"""What is said about a statement: its fingerprint, its parameters and its plan."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from microblog.accounts.models import LoginSession, User
from microblog.db import Base, Database
from microblog.posts.models import Post
from microblog.slow_queries import plans
from microblog.slow_queries.parameters import HIDDEN, format_parameters
from microblog.slow_queries.plans import get_plan
from microblog.slow_queries.reporting import compute_fingerprint
from tests.conftest import POSTGRESQL_URL


class Context:
    """As much of SQLAlchemy's execution context as the parameters are read from."""

    def __init__(self, statement, *sets):
        self.compiled = statement.compile()
        self.compiled_parameters = [self.compiled.construct_params(one) for one in sets or ({},)]


def shown_of(statement, *sets):
    context = Context(statement, *sets)
    return format_parameters(str(context.compiled), (), context)


# Fingerprints


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t WHERE id IN (?)", "SELECT a FROM t WHERE id IN (?, ?, ?)"),
        (
            "SELECT a FROM t WHERE id IN (%(id_1_1)s::BIGINT)",
            "SELECT a FROM t\n  WHERE id IN (%(id_1_1)s::BIGINT, %(id_1_2)s::BIGINT)",
        ),
        ("INSERT INTO t (a, b) VALUES (?, ?)", "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)"),
        ("SELECT 1", "SELECT 22.5"),
        ("SELECT 'a'", "SELECT 'it''s b'"),
        ("SELECT :one", "SELECT $1"),
        ("SELECT %(a)s::TIMESTAMP WITH TIME ZONE , 1", "SELECT ?, ?"),
    ],
)
def test_statements_that_differ_in_values_have_one_fingerprint(one, other):
    assert compute_fingerprint(one) == compute_fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t", "SELECT b FROM t"),
        ("SELECT t_1.a FROM t AS t_1", "SELECT t_2.a FROM t AS t_2"),
        ("SELECT a FROM t WHERE b = ?", "SELECT a FROM t WHERE b IN (?)"),
        ("SELECT a::TEXT FROM t", "SELECT a::BIGINT FROM t"),
    ],
)
def test_others_have_their_own(one, other):
    assert compute_fingerprint(one) != compute_fingerprint(other)
    assert re.fullmatch("[0-9a-f]{16}", compute_fingerprint(one))


# Parameters


def test_values_for_a_secret_column_are_hidden():
    statement = sa.update(User).where(User.email_key == "a@example.com", User.nickname == "susan")
    output = shown_of(statement.values(password_hash="$argon2id$…", about_me="I"))
    assert output == f"password_hash={HIDDEN}, about_me='I', email_key_1={HIDDEN}, nickname_1='susan'"


def test_nulls_and_numbers_are_not_hidden():
    timestamp = datetime(2026, 11, 22, tzinfo=UTC)
    statement = sa.insert(LoginSession).values(token_hash="0" * 64, user_id=1, created=timestamp)
    assert shown_of(statement) == f"token_hash={HIDDEN}, user_id=1, created={timestamp!r}"
    assert "email=None" in shown_of(sa.insert(User).values(email=None))


def test_values_compared_with_a_function_are_hidden_when_a_secret_column_is_mentioned():
    assert shown_of(sa.select(User.id).where(sa.func.lower(User.email) == "a@b.c")) == f"lower_1={HIDDEN}"
    assert shown_of(sa.select(Post.id).where(sa.func.lower(Post.body) == "hello")) == "lower_1='hello'"


def test_names_in_our_own_sql_say_what_they_are():
    statement = sa.text("SELECT email FROM users WHERE nickname = :reader AND email = :email_of")
    output = shown_of(statement, {"reader": "susan", "email_of": "a@b.c"})
    assert output == f"reader='susan', email_of={HIDDEN}"


def test_texts_without_names_are_hidden_when_a_secret_column_is_near():
    assert format_parameters("UPDATE users SET password_hash = ? WHERE id = ?", ("abc", 1)) == f"{HIDDEN}, 1"
    assert format_parameters("UPDATE users SET nickname = ? WHERE id = ?", ("susan", 1)) == "'susan', 1"
    assert format_parameters("UPDATE sessions SET token_hash = %(t)s", {"token": "abc"}) == f"token={HIDDEN}"


def test_values_typed_to_log_in_are_always_hidden():
    """People type their password into the field for the nickname, too."""
    statement = sa.select(User.password_hash).where(User.nickname == "my password")
    assert shown_of(statement) == f"nickname_1={HIDDEN}"


def test_a_model_that_comes_late_may_mark_a_column_as_secret():
    """As that of a plug-in does, after statements of ours have been shown."""
    assert shown_of(sa.select(User.id).where(User.nickname == "susan")) == "nickname_1='susan'"
    diaries = sa.Table("diaries", Base.metadata, sa.Column("page", sa.String, info={"secret": True}))
    try:
        assert shown_of(sa.insert(diaries).values(page="Dear diary")) == f"page={HIDDEN}"
    finally:
        Base.metadata.remove(diaries)


def test_of_many_sets_the_first_are_shown():
    sets = [(1,), (2,), (3,), (4,), (5,)]
    assert format_parameters("DELETE FROM posts WHERE id = ?", sets) == "1; 2; 3; and 2 more sets"
    assert format_parameters("DELETE FROM posts", ()) == ""
    assert shown_of(sa.delete(Post)) == ""


def test_long_values_are_cut():
    assert format_parameters("SELECT ?", ["x" * 1234]) == f"'{'x' * 100}'… (1,234 characters)"
    assert format_parameters("SELECT ?", [b"x" * 101]) == f"b'{'x' * 100}'… (101 bytes)"
    assert format_parameters("SELECT ?", ([*range(12)],)) == "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 2 more]"
    assert format_parameters("SELECT ?", [*range(52)]).endswith("48, 49, and 2 more")


def test_no_value_begins_a_line():
    shown = format_parameters("SELECT ?", ["a\nSLOW QUERY: \x1b[2J\u2028"])
    assert shown == r"'a\nSLOW QUERY: \x1b[2J\u2028'"


def test_a_value_that_cannot_be_shown_fails_nothing(caplog):
    class Shy:
        def __repr__(self):
            raise RuntimeError

    assert format_parameters("SELECT ?", [Shy()]) == "[not shown]"
    assert "could not be shown" in caplog.text
    caplog.clear()


# Plans


@pytest.fixture
def engine(migrated):
    database = Database(migrated())
    yield database.engine
    database.close()


def place_of(engine, name):
    return "?" if engine.dialect.name == "sqlite" else f"%({name})s"


def values_for(engine, **values):
    return tuple(values.values()) if engine.dialect.name == "sqlite" else values


def test_a_plan_says_how_rows_are_found_and_no_secret(engine):
    statement = f"SELECT id FROM users WHERE email_key = {place_of(engine, 'key')} AND nickname = 'it''s'"
    output = get_plan(engine, statement, values_for(engine, key="a@example.com"))
    # Of a small table PostgreSQL may read all.
    assert re.search("SEARCH users USING INDEX|Scan .*on users", output)
    assert "example" not in output
    assert "it''s" not in output


def test_of_many_sets_of_parameters_the_first_is_planned_with(engine):
    statement = f"SELECT id FROM users WHERE id = {place_of(engine, 'id')}"
    many = [values_for(engine, id=1), values_for(engine, id=2)]
    assert get_plan(engine, statement, many) == get_plan(engine, statement, many[0])
    assert "returned none" not in get_plan(engine, statement, many)


def test_parts_of_a_plan_are_below_what_they_are_part_of(engine):
    output = get_plan(
        engine, "SELECT 1 FROM posts WHERE id IN (SELECT id FROM posts UNION SELECT id FROM users)", ()
    )
    assert re.search(r"\n {2,}", output)


def test_a_plan_changes_nothing_and_waits_for_no_writer(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO users (nickname, member_since) VALUES ('a', '2026-11-22')")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET nickname = 'b'")
        assert re.search(
            "SEARCH users|Delete on users", get_plan(engine, "DELETE FROM users WHERE 1 < id", ())
        )
        assert connection.exec_driver_sql("SELECT count(*) FROM users").scalar() == 1


def test_a_plan_without_steps_is_said_to_have_none(engine):
    output = get_plan(engine, "INSERT INTO users (nickname, member_since) VALUES ('a', '2026-11-22')", ())
    assert re.match("SQLite searches for nothing in it.|Insert on users", output)


def test_there_is_no_plan_of_machinery(engine):
    assert get_plan(engine, "BEGIN IMMEDIATE", ()) == "There is no plan for such a statement."


def test_two_plans_are_not_asked_for_at_once(engine):
    with plans._asking:
        assert "another plan" in get_plan(engine, "SELECT 1", ())
    assert "another plan" not in get_plan(engine, "SELECT 1", ())


def test_a_missing_plan_is_explained_without_the_values(engine):
    output = get_plan(engine, "SELECT * FROM nowhere WHERE a = 'secret'", ())
    assert output.startswith("The database returned none: ")
    assert "nowhere" in output
    assert "secret" not in output


@pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: this is about PostgreSQL's locks."
)
def test_a_plan_has_little_time(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
        plan = get_plan(engine, "SELECT * FROM posts", (), seconds=0.05)
        assert plan.startswith("The database returned none: QueryCanceled")
