"""A site as the version before left it: made by its migrations and by SQL against its tables, not through
today's models; and the statements with which its processes go on serving while the database is upgraded.

When a version is out, set `REVISION` to its last migration. What that adds to the tables, add here.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

REVISION = "0004"

PEOPLE = 2_000
POSTS = 100_000
FOLLOWED = 5  # by each
TOKEN = "the session of the first person"
READER = 1
FIRST_MILLISECOND = 1_700_000_000_000  # one post each ten seconds from then on
MILLISECONDS_BETWEEN_POSTS = 10_000

NUMBERS = {
    "sqlite": """(WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c LIMIT {most})
        SELECT n FROM c)""",
    "postgresql": "generate_series(1, {most}) AS c(n)",
}
MOMENT = {"sqlite": "'2026-01-01 12:00:00.000000'", "postgresql": "TIMESTAMPTZ '2026-01-01 12:00:00+00'"}
LATER = {"sqlite": "'2099-01-01 12:00:00.000000'", "postgresql": "TIMESTAMPTZ '2099-01-01 12:00:00+00'"}
FALSE = {"sqlite": "0", "postgresql": "false"}
# {people}, {posts} and so on are the numbers 1, 2, … in the column n.
FILL = (
    """INSERT INTO users (id, nickname, email, email_key, password_hash, is_admin, about_me, member_since)
    SELECT n, 'Person' || n, 'Person' || n || '@example.org', 'person' || n || '@example.org', 'hash ' || n,
    {false}, 'About ü ' || n, {timestamp} FROM {people}""",
    "INSERT INTO nicknames (key, user_id) SELECT 'person' || n, n FROM {people}",
    "INSERT INTO nicknames (key, user_id) SELECT 'former' || n, n FROM {people}",
    """INSERT INTO sessions (token_hash, user_id, created, seen, idle_seconds, idle_until, expires)
    SELECT 'token ' || n, n, {timestamp}, {timestamp}, 43200, {later}, {later} FROM {people}""",
    """INSERT INTO posts (id, user_id, body, language, form_key)
    SELECT ({first} + n * {between}) * 1048576 + n % 1000, 1 + n % {number_of_people},
    'Post number ' || n || ' about word' || (n % 977) || ' and crème brûlée', 'en', 'key ' || n
    FROM {posts}""",
    """INSERT INTO follows (follower_id, followee_id, since)
    SELECT 1 + n % {number_of_people}, 1 + (n + 1 + n / {number_of_people}) % {number_of_people}, n
    FROM {follows}""",
    """INSERT INTO imports (digest, file_name, lines, position, posts, present, refused, started)
    SELECT 'digest ' || n, 'posts.jsonl', n, n, n, 0, 0, {timestamp} FROM {few}""",
    "INSERT INTO imported_authors (name, user_id) SELECT 'Author ' || n, n FROM {few}",
    """INSERT INTO outbox (kind, key, created) SELECT 'of a plugin', 'key ' || n, n FROM {few}""",
    "INSERT INTO index_states (adapter) SELECT 'microblog.of.a.plugin:' || n FROM {few}",
)
SEQUENCES = ("users", "outbox")  # on PostgreSQL ids were given out by hand

# What its processes send while the database is upgraded under them.
BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN"}
WRITE = (
    "INSERT INTO posts (id, user_id, body, language, form_key) VALUES (:id, 1, 'Meanwhile', NULL, NULL)",
    """INSERT INTO sessions (token_hash, user_id, created, seen, idle_seconds, idle_until, expires)
    VALUES ('meanwhile ' || :id, 1, {timestamp}, {timestamp}, 43200, {later}, {later})""",
    "UPDATE users SET last_seen = {timestamp} WHERE id = 1",
    "DELETE FROM follows WHERE follower_id = 1 AND followee_id = 1000",
    "INSERT INTO follows (follower_id, followee_id, since) VALUES (1, 1000, :id)",
)
IDENTITY = """SELECT u.id, u.nickname, u.email, u.is_admin, s.token_hash, s.seen
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_hash = 'token 2' AND s.idle_until > {timestamp} AND s.expires > {timestamp}"""
HOME = {
    "sqlite": """SELECT p.id, p.body, p.language, p.user_id, u.nickname, u.email
        FROM posts p JOIN users u ON u.id = p.user_id
        WHERE p.id IN (SELECT p.id FROM follows f CROSS JOIN posts p INDEXED BY ix_posts_user_id_id
            WHERE f.follower_id = 1 AND p.user_id = f.followee_id ORDER BY p.id DESC LIMIT 26)
        ORDER BY p.id DESC""",
    "postgresql": """SELECT p.id, p.body, p.language, p.user_id, u.nickname, u.email
        FROM posts p JOIN users u ON u.id = p.user_id
        WHERE p.id = ANY(ARRAY(SELECT newest.id FROM follows f CROSS JOIN LATERAL (
            SELECT x.id FROM posts x WHERE x.user_id = f.followee_id ORDER BY x.id DESC LIMIT 26) newest
            WHERE f.follower_id = 1 ORDER BY newest.id DESC LIMIT 26))
        ORDER BY p.id DESC""",
}


def sql(statement: str, dialect: str) -> str:
    """A statement of these for one of the databases."""

    def numbers(most: int) -> str:
        return NUMBERS[dialect].format(most=most)

    return statement.format(
        people=numbers(PEOPLE),
        posts=numbers(POSTS),
        follows=numbers(PEOPLE * FOLLOWED),
        few=numbers(10),
        number_of_people=PEOPLE,
        first=FIRST_MILLISECOND,
        between=MILLISECONDS_BETWEEN_POSTS,
        timestamp=MOMENT[dialect],
        later=LATER[dialect],
        false=FALSE[dialect],
    )


def fill(connection: sa.Connection) -> None:
    """100,000 posts of 2,000 people who follow each other, their sessions, and some of everything else."""
    dialect = connection.dialect.name
    for statement in FILL:
        connection.execute(sa.text(sql(statement, dialect)))
    token = hashlib.sha256(TOKEN.encode()).hexdigest()
    connection.execute(
        sa.text("UPDATE sessions SET token_hash = :token WHERE user_id = :reader"),
        {"token": token, "reader": READER},
    )
    if dialect == "postgresql":
        for table in SEQUENCES:
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
            )
        connection.exec_driver_sql("ANALYZE")


class Process:
    """A process of the version before: a page, and a post, in each round."""

    def __init__(self, engine: sa.Engine) -> None:
        self._connection = engine.connect()
        self._dialect = engine.dialect.name
        self.rounds = 0

    def serve(self) -> None:
        """:raises sqlalchemy.exc.DBAPIError: when one of its statements fails."""
        self.rounds += 1
        post_id = (FIRST_MILLISECOND + self.rounds) * 1048576
        self._run(BEGIN[self._dialect])
        for statement in WRITE:
            text = sa.text(sql(statement, self._dialect))
            self._connection.execute(text, {"id": post_id} if ":id" in statement else {})
        self._run("COMMIT")
        assert len(self._run(sql(IDENTITY, self._dialect)).all()) == 1
        assert len(self._run(HOME[self._dialect]).all()) == 26

    def _run(self, statement: str) -> sa.CursorResult[tuple[object, ...]]:
        return self._connection.exec_driver_sql(statement)

    def close(self) -> None:
        self._connection.close()
