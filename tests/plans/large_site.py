"""A large site, made by a few statements in seconds: posts of words that are common, rare, and old."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from microblog.db import Database
from microblog.ids import get_first_id_at
from microblog.search.interfaces import get_search
from tests.conftest import Application

# PostgreSQL plans by what it knows of the tables, so there they have their full size. SQLite has the same
# plans for any size, unless it has statistics, which can be written.
POSTS = {"postgresql": 1_000_000, "sqlite": 100_000}
PEOPLE = 20_000
FOLLOWS_OF_A_PERSON = {"postgresql": 35, "sqlite": 5}
READER, POPULAR, PROLIFIC = 1, 2, 3  # follows a thousand; is followed by everybody; wrote every tenth post
FOLLOWED_BY_THE_READER = 1000
FIRST_BLOCKED = 15_000  # the reader has blocked a thousand people behind this one, and muted as many
NEWCOMER = PEOPLE + 1  # added afterwards: has written nothing, and follows nobody
OTHERS = 50_000  # log-in sessions, counts of limits, entries of the outbox: each

FIRST_DAY, LAST_DAY = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
NEWEST_WITHOUT_A_COMMON_WORD = 5_000

# Words of the post `n`: one of all but the newest, one of every second, of 0.5 %, and of 20 in a million.
WORDS = (
    "CASE WHEN n <= :posts - :without THEN 'common' ELSE 'recent' END",
    "CASE WHEN n % 2 = 0 THEN 'often' ELSE 'odd' END",
    "'middling' || (n % 200)",
    "'rare' || (n % 50000)",
)
BODY = " || ' ' || ".join(WORDS)
TAG = "CASE WHEN n % 2 = 0 THEN 'common' ELSE 'rare' || (n % 5000) END"
TAG_WORD = f"'¶' || {TAG}"  # what an index has of it
LANGUAGE = (
    "CASE WHEN n % 100 = 7 THEN 'es' WHEN n % 100 = 8 THEN 'es-MX' WHEN n % 10000 = 9 THEN 'eu' ELSE 'en' END"
)
# The words with a digit have no forms. The stems of the others are the words themselves, in English at least.
VECTOR = " || ' ' || ".join(
    [
        *(f"{word} || '\\:{place}'" for place, word in enumerate(WORDS, 1)),
        *(f"'§' || {word}" for word in WORDS[:2]),
        f"'§§' || substr({LANGUAGE}, 1, 2)",
        TAG_WORD,
    ]
)
POST = "CAST(:first + n * :step AS bigint)"
AUTHOR = "CASE WHEN n % 10 = 0 THEN :prolific ELSE 1 + n * 7919 % :people END"
# A third are replies: most to the post before, a tenth of them to one post, and some to one that was deleted.
ANSWERED, DELETED = 1_000, 2_000
REPLY_TO = (
    f"CASE WHEN n % 3 <> 0 THEN NULL WHEN n % 30 = 3 AND n > {ANSWERED} THEN :first + {ANSWERED} * :step "
    f"WHEN n % 300 = 33 AND n > {DELETED} THEN :first + {DELETED} * :step + 1 "
    "ELSE :first + (n - 1) * :step END"
)
ANSWERED_AUTHOR = "CASE WHEN n % 3 <> 0 THEN NULL ELSE 1 + (n - 1) * 7919 % :people END"

# Moderators have suspended 500 people, and hidden each hundredth post: 10,000 of a million.
IS_SUSPENDED = "n % 40 = 17"
HIDDEN = f"CASE WHEN n % 100 = 50 THEN 1 WHEN n % 10 <> 0 AND ({AUTHOR}) % 40 = 17 THEN 2 END"

TABLES = {
    "users": (
        "(id, nickname, about_me, member_since, is_admin, is_gone, is_limited) "
        f"SELECT n, 'Person' || n, '', '2024-01-01', n = :reader, {IS_SUSPENDED}, n % 80 = 19",
        ":people",
    ),
    "nicknames": ("(key, user_id) SELECT 'person' || n, n", ":people"),
    "person_words": ("(user_id, word, rank) SELECT n, 'person' || n, 3", ":people"),
    "posts": (
        "(id, user_id, body, language, reply_to, reply_to_author, thread, hidden) "
        f"SELECT {POST}, {AUTHOR}, {BODY}, {LANGUAGE}, {REPLY_TO}, {ANSWERED_AUTHOR}, {REPLY_TO}, {HIDDEN}",
        ":posts",
    ),
    "post_versions": (
        f"(post_id, number, body, written) SELECT CASE WHEN n < 100 THEN :first + {ANSWERED} * :step "
        f"ELSE {POST} END, CASE WHEN n < 100 THEN n ELSE 100 END, 'before', 0",
        ":others",
    ),
    "post_tags": (
        f"(tag, post_id) SELECT {TAG}, {POST}",
        ":tagged",
    ),
    "followed_tags": (
        "(user_id, tag) SELECT :reader, CASE WHEN n = 1 THEN 'common' ELSE 'rare' || n END",
        "20",
    ),
    "weekly_tags": ("(tag, people) SELECT 'tag' || n, n", "10"),
    "mentions": (
        f"(post_id, user_id, keys) SELECT {POST}, "
        "CASE WHEN n % 5 = 0 THEN :reader ELSE 1 + n % :people END, 'x'",
        ":others",
    ),
    # All people like and boost one post; and each of them some more.
    **{
        table: (
            "(user_id, post_id, id) SELECT 1 + n % :people, :first + :step * CASE WHEN n < :people "
            f"THEN {ANSWERED} ELSE {DELETED} + n / :people * 1000 + n % 1000 END, n",
            count,
        )
        for table, count in (("likes", ":follows"), ("boosts", ":others"), ("bookmarks", ":others"))
    },
    # Each fifth is the reader's, and of those half are unread; one of them is about everybody (see below).
    "notification_groups": (
        "(id, user_id, kind, cause, day, post_id, latest, read_until) SELECT n, CASE WHEN n % 5 = 0 "
        f"THEN :reader ELSE 1 + n % :people END, 'like', {POST}, 0, {POST}, 1000000000 + n, "
        "CASE WHEN n % 10 = 0 THEN 0 ELSE 1000000000 + n END",
        ":others",
    ),
    "notifications": (
        "(group_id, actor_id, id) SELECT 1 + n % :others, "
        "1 + (n % :others * 31 + n / :others * 7919) % :people, 1000000001 + n % :others",
        ":follows",
    ),
    # Everybody has one, and half of them are due (see below).
    "digests": ("(user_id, every, due, since) SELECT n, 'daily', '2025-01-01 08:00:00.000000', 0", ":people"),
    "deleted_posts": (f"(id, thread, deleted) SELECT {POST} + 1, {POST} + 1, 0", ":others"),
    "follows": (
        "(follower_id, followee_id, since) SELECT 1 + n % :people, "
        "1 + (n % :people + 1 + (n / :people) * 97) % :people, n",
        ":follows",
    ),
    # The reader's, with everybody: one of 100,000 messages. Half of them have something new.
    "message_threads": (
        "(owner_id, id, person_id, last_id, received_id, read_id) "
        "SELECT :reader, n, n, 200000 + n, 200000 + n, (n % 2) * (200000 + n)",
        ":people",
    ),
    "messages": (
        "(owner_id, thread_id, id, is_mine, message_text) SELECT :reader, "
        "CASE WHEN n <= 100000 THEN 3 ELSE n - 100000 END, CASE WHEN n <= 100000 THEN n ELSE n + 100000 END, "
        "n % 3 = 0, 'Hello @person4'",
        "(100000 + :people)",
    ),
    "suspensions": ("(user_id, since, said, state) SELECT n * 40 - 23, 0, '', 1", "500"),
    # A tenth of the cases are open, and of one there are a thousand reports.
    "report_cases": (
        "(id, subject, person_id, post_id, text, closed) SELECT n, 'post:' || n, 1 + n % :people, "
        f"{POST}, '', CASE WHEN n % 10 <> 0 THEN 1 END",
        ":others",
    ),
    "reports": (
        "(id, case_id, reporter_id, reason, note, wants_answer) SELECT n, "
        "CASE WHEN n <= 1000 THEN 10 ELSE n END, 1 + n % :people, 'spam', '', n % 2 = 0",
        ":others",
    ),
    "audit_entries": (
        "(id, actor_id, actor, action, person_id, person, subject, reason, said, before, after) "
        "SELECT n, 1 + n % 3, 'person' || (1 + n % 3), "
        "CASE WHEN n % 1000 = 0 THEN 'suspend' ELSE 'warn' END, 1 + n % :people, "
        "'person' || (1 + n % :people), '', '', '', '{}', '{}'",
        ":others",
    ),
    "sessions": (
        "(token_hash, user_id, created, seen, idle_seconds, idle_until, expires) SELECT 'token' || n, "
        "1 + n % :people, '2026-01-01', '2026-01-01', 3600, '2099-01-01', '2099-01-01'",
        ":others",
    ),
    "limit_counts": (
        "(key, timestamp, times, counted, expires) SELECT 'key' || n, 0, 1, 0, 9000000000000000000",
        ":others",
    ),
}
AFTERWARDS = (
    *(
        f"INSERT INTO person_words (user_id, word, rank) SELECT n, {word}, "
        f"CASE WHEN n % 20 = 0 THEN {place} ELSE {place + 3} END FROM {{people}}"
        for word, place in (("'gardener'", 2), ("'green' || (n % 200)", 1), ("'ger' || n", 2))
    ),
    "INSERT INTO notifications (group_id, actor_id, id) SELECT :others, n, 1000000000 + :others "
    "FROM {people} WHERE n > 0 ON CONFLICT DO NOTHING",
    "UPDATE digests SET due = '2099-01-01 08:00:00.000000' WHERE user_id % 2 = 0",
    "INSERT INTO follows (follower_id, followee_id, since) SELECT n, :popular, 1000000000 + n "
    "FROM {people} WHERE n <> :popular ON CONFLICT DO NOTHING",
    "INSERT INTO follows (follower_id, followee_id, since) SELECT :reader, 10 + n, 2000000000 + n "
    "FROM {followed} WHERE n > 0 ON CONFLICT DO NOTHING",
    *(
        f"INSERT INTO {table} (user_id, post_id, id) SELECT :reader, "
        "CAST(:first + n * 50 * :step AS bigint), 1000000000 + n FROM {followed} WHERE n > 0 "
        "ON CONFLICT DO NOTHING"
        for table in ("likes", "bookmarks")
    ),
    "INSERT INTO boosts (user_id, post_id, id) SELECT 1 + n * 31 % :people, "
    "CAST(:first + n * 10 * :step AS bigint), CAST(:first + (n * 10 + 5) * :step + 1 AS bigint) "
    "FROM {boosts} WHERE n > 0 ON CONFLICT DO NOTHING",
    *(
        f"INSERT INTO {table} ({who}, {whom}, since) SELECT :reader, {first} + n, n FROM {{followed}}"
        for table, who, whom, first in (
            ("blocks", "blocker_id", "blocked_id", FIRST_BLOCKED),
            ("mutes", "muter_id", "muted_id", FIRST_BLOCKED + FOLLOWED_BY_THE_READER),
        )
    ),
    "UPDATE users SET followers_count = 1000, following_count = 1000, posts_count = 1000",
)
TEXTS = {
    "postgresql": (
        "INSERT INTO {texts} (post_id, digest, vector) "
        f"SELECT {POST}, '', CAST({VECTOR} AS tsvector) FROM {{posts}}",
    ),
    "sqlite": (
        f"INSERT INTO {{texts}} (post_id, digest) SELECT {POST}, {BODY} || ' ' || {TAG_WORD} FROM {{posts}}",
        "INSERT INTO {index} (rowid, digest) SELECT post_id, digest FROM {texts}",
    ),
}
NUMBERS = {
    "postgresql": "generate_series(CAST(1 AS bigint), {count}) AS numbers (n)",
    "sqlite": "(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count}) "
    "SELECT n FROM c) AS numbers",
}
# What costs most is removed until everything is there: each by a statement that removes it, and one that
# makes it again.
SET_ASIDE = {
    "postgresql": """
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
               format('ALTER TABLE %s ADD CONSTRAINT %I %s',
                      conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        UNION ALL SELECT format('DROP INDEX %I', indexname), indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename IN ('posts', 'follows', 'search_postgresql_texts')
        AND indexname NOT IN (SELECT conname FROM pg_constraint)
        UNION ALL SELECT format('ALTER TABLE %s DISABLE TRIGGER USER', tgrelid::regclass),
            format('ALTER TABLE %s ENABLE TRIGGER USER', tgrelid::regclass)
        FROM pg_trigger WHERE NOT tgisinternal GROUP BY tgrelid""",
    "sqlite": "SELECT 'DROP TRIGGER ' || name, sql FROM sqlite_master WHERE type = 'trigger'",
}


def get_post_id(dialect: str, n: int) -> int:
    """The id of the post with this number; 1 is the oldest one."""
    values = get_values(dialect)
    return int(values["first"] + n * values["step"])


def get_values(dialect: str) -> dict[str, Any]:
    first, last = get_first_id_at(FIRST_DAY), get_first_id_at(LAST_DAY)
    posts = POSTS[dialect]
    return {
        "first": first,
        "step": (last - first) // posts,
        "posts": posts,
        "without": NEWEST_WITHOUT_A_COMMON_WORD,
        "people": PEOPLE,
        "reader": READER,
        "popular": POPULAR,
        "prolific": PROLIFIC,
        "follows": PEOPLE * FOLLOWS_OF_A_PERSON[dialect],
        "followed": FOLLOWED_BY_THE_READER,
        "boosts": posts // 10 - 1,
        "others": OTHERS,
        "tagged": posts // 5,
    }


def fill(application: Application) -> None:
    """Fill its empty database, with statistics on PostgreSQL and without on SQLite."""
    database = application.database
    dialect = database.dialect
    values = get_values(dialect)
    search: Any = get_search(application.registry)
    names = {
        name: NUMBERS[dialect].format(count=values[name])
        for name in ("posts", "people", "followed", "follows", "boosts")
    } | {"texts": search.texts, "index": search.index}
    with database.without_limits(), database.writing.begin() as connection:
        aside = connection.execute(sa.text(SET_ASIDE[dialect])).all()
        for remove, _ in aside:
            connection.exec_driver_sql(remove)
        for table, (rows, count) in TABLES.items():
            numbers = NUMBERS[dialect].format(count=count)
            run(connection, f"INSERT INTO {table} {rows} FROM {numbers}", values)
        for statement in (*AFTERWARDS, *TEXTS[dialect]):
            run(connection, statement.format(**names), values)
        for _, make in reversed(aside):
            connection.exec_driver_sql(make)
    analyze(database)


def run(connection: sa.Connection, statement: str, values: dict[str, Any]) -> None:
    clause = sa.text(statement)
    used = {name: value for name, value in values.items() if f":{name}" in statement}
    connection.execute(clause, used)


def analyze(database: Database) -> None:
    if database.dialect == "postgresql":
        with (
            database.without_limits(),
            database.writing.execution_options(isolation_level="AUTOCOMMIT").connect() as connection,
        ):
            connection.exec_driver_sql("SET client_min_messages = error")  # of tables that belong to others
            connection.exec_driver_sql("SET statement_timeout = 0")  # which is set where a transaction begins
            connection.exec_driver_sql("VACUUM ANALYZE")  # as autovacuum does by and by
            connection.exec_driver_sql("RESET statement_timeout")


def write_statistics(database: Database, factor: int) -> None:
    """Give SQLite statistics, as if its tables were so many times larger."""
    with database.writing.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
        rows = connection.exec_driver_sql("SELECT rowid, stat FROM sqlite_stat1").all()
        for rowid, stat in rows:
            count, _, rest = stat.partition(" ")
            larger = f"{int(count) * factor} {rest}".strip()
            connection.exec_driver_sql("UPDATE sqlite_stat1 SET stat = ? WHERE rowid = ?", (larger, rowid))
    database.close()  # connections read them once
