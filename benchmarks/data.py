"""A made-up site of the size that is measured: the same one each time, built once and kept.

Words, authors and the followed are drawn by Zipf's law; ids spread over three years; few posts are
in a rare language. A third of the posts are replies, ten thousand of them to one post; there is a boost for
each tenth post, and five likes for each. The triggers that count are set aside while everything is loaded at
once; the counts are set by SQL then, and the triggers are put back.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from microblog.db import Database, get_sqlite_file
from microblog.ids import SEQUENCE_BITS, get_first_id_at
from microblog.operations import migrating
from microblog.search.interfaces import get_search_index

CACHE = Path(__file__).parents[1] / ".cache" / "bench"
SEED = 20261122
WORDS = 50_000
FEWEST_WORDS, MOST_WORDS = 6, 25
FOLLOWS_OF_A_PERSON = 36.4  # 728,000 among 20,000 people
FIRST_MOMENT = datetime(2023, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=3 * 365)
# Readers who follow exactly so many people, and how many such readers there are.
READERS = {50: 20, 1000: 20}
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u")]
# How many of a hundred posts are in a language; one of 10,000 in the rare one.
LANGUAGES = {"en": 89.99, "es": 10, "eu": 0.01}
# Words that no rank has: two that are in every tenth post each and never in the same one, one that is only
# in some of the oldest posts, and one of every second post but the newest ones.
NEVER_MEETING = ("even", "odd")
EVERY_SO_MANY = 10
ONLY_OLD = "ancient"
SHARE_OF_OLD, EVERY_SO_MANY_OLD = 0.02, 100
ONCE_COMMON = "former"
EVERY_SO_MANY_FORMER, NEWEST_WITHOUT = 2, 5_000
# Every third post is a reply, to one of the last thousand posts, or every so manieth to the busy post.
EVERY_SO_MANY_REPLIES, REPLIES_REACH = 3, 1_000
BUSY, EVERY_SO_MANY_TO_BUSY = 100, 99
EVERY_SO_MANY_BOOSTS, LIKES_OF_A_POST = 10, 5
TAG, EVERY_SO_MANY_TAGGED = "zaba", 50
# One reader follows only people who write nothing but replies to others, whom the reader does not follow.
ONLY_REPLYING = 1_000
ROWS_AT_ONCE = 20_000
VERSION = 6  # of the content: with another one, the site is built anew


@dataclass(frozen=True, slots=True)
class Size:
    posts: int
    people: int

    @property
    def name(self) -> str:
        return f"microblog_bench_{self.posts}_{self.people}_{VERSION}"


def word(rank: int) -> str:
    """The word of a rank; 0 is in most posts."""
    syllables = []
    number = rank + len(SYLLABLES)
    while number:
        number, index = divmod(number, len(SYLLABLES))
        syllables.append(SYLLABLES[index])
    return "".join(syllables)


def zipf(count: int) -> list[float]:
    """Cumulative weights for `random.choices`."""
    return list(itertools.accumulate(1 / rank for rank in range(1, count + 1)))


def readers_of(size: Size) -> dict[int, list[int]]:
    """Ids of the readers who follow so many people; the last ones, who write little."""
    readers: dict[int, list[int]] = {}
    last = size.people
    for followed, count in READERS.items():
        readers[followed] = list(range(last - count + 1, last + 1))
        last -= count
    return readers


def reader_of_replies(size: Size) -> int:
    """Who follows only people who answer strangers."""
    return size.people - sum(READERS.values())


def people_who_only_reply(size: Size) -> range:
    last = reader_of_replies(size)
    return range(last - ONLY_REPLYING, last)


def people_rows(size: Size) -> Iterator[tuple[Any, ...]]:
    for number in range(1, size.people + 1):
        yield (number, f"person{number}", "", FIRST_MOMENT)


def nickname_rows(size: Size) -> Iterator[tuple[Any, ...]]:
    for number in range(1, size.people + 1):
        yield (f"person{number}", number)


def post_rows(size: Size) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(SEED)
    words = [word(rank) for rank in range(WORDS)]
    word_weights, author_weights = zipf(WORDS), zipf(size.people)
    authors = range(1, size.people + 1)
    languages, language_weights = list(LANGUAGES), list(itertools.accumulate(LANGUAGES.values()))
    first, last = get_first_id_at(FIRST_MOMENT), get_first_id_at(FIRST_MOMENT + SPAN)
    step = (last - first) // size.posts
    only_reply = people_who_only_reply(size)
    written: list[tuple[int, int]] = []  # (id, author) of the last posts of others
    busy = (0, 0)
    for number in range(size.posts):
        post_id = first + number * step + chance.randrange(max(step - 1, 1))
        author = chance.choices(authors, cum_weights=author_weights)[0]
        length = chance.randint(FEWEST_WORDS, MOST_WORDS)
        body = chance.choices(words, cum_weights=word_weights, k=length) + special_words(number, size)
        language = chance.choices(languages, cum_weights=language_weights)[0]
        answered: tuple[int | None, int | None] = (None, None)
        if written and (number % EVERY_SO_MANY_REPLIES == 0 or author in only_reply):
            is_to_busy = busy[0] and number % EVERY_SO_MANY_TO_BUSY == 0
            answered = busy if is_to_busy else written[chance.randrange(len(written))]
        if author not in only_reply:
            written = (
                [*written[-REPLIES_REACH:], (post_id, author)]
                if len(written) > 2 * REPLIES_REACH
                else written
            )
            written.append((post_id, author))
        if number == BUSY:
            busy = (post_id, author)
        yield (post_id, author, " ".join(body), language, *answered, answered[0])


def post_id_rows(size: Size) -> Iterator[tuple[int, int]]:
    """(number, id) of all posts."""
    for number, row in enumerate(post_rows(size)):
        yield number, row[0]


def boost_rows(size: Size) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(SEED + 2)
    only_reply = people_who_only_reply(size)
    for number, post_id in post_id_rows(size):
        if number % EVERY_SO_MANY_BOOSTS == 0:
            yield (chance.randrange(1, only_reply.start), post_id, post_id + (1 << SEQUENCE_BITS))


def like_rows(size: Size) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(SEED + 3)
    for _, post_id in post_id_rows(size):
        start = chance.randrange(size.people)
        for place in range(LIKES_OF_A_POST):
            yield ((start + place * 7919) % size.people + 1, post_id, post_id + place)


def tag_rows(size: Size) -> Iterator[tuple[Any, ...]]:
    for number, post_id in post_id_rows(size):
        if number % EVERY_SO_MANY_TAGGED == 0:
            yield (TAG, post_id)


def special_words(number: int, size: Size) -> list[str]:
    special = []
    if number % EVERY_SO_MANY in (0, EVERY_SO_MANY // 2):
        special.append(NEVER_MEETING[number % EVERY_SO_MANY // (EVERY_SO_MANY // 2)])
    if number < size.posts * SHARE_OF_OLD and number % EVERY_SO_MANY_OLD == 1:
        special.append(ONLY_OLD)
    if number < size.posts - NEWEST_WITHOUT and number % EVERY_SO_MANY_FORMER == 0:
        special.append(ONCE_COMMON)
    return special


def follow_rows(size: Size) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(SEED + 1)
    people = range(1, size.people + 1)
    weights = zipf(size.people)
    exact = {reader: followed for followed, ids in readers_of(size).items() for reader in ids}
    since = itertools.count(get_first_id_at(FIRST_MOMENT), 1 << SEQUENCE_BITS)
    only_reply = people_who_only_reply(size)
    for follower in people:
        if follower == reader_of_replies(size):
            followees = set(only_reply)
        elif follower in exact:
            followees = set(chance.sample(people, min(exact[follower] + 1, size.people))) - {follower}
            followees = set(sorted(followees)[: exact[follower]])
        else:
            count = int(chance.expovariate(1 / FOLLOWS_OF_A_PERSON))
            followees = set(chance.choices(people, cum_weights=weights, k=count)) - {follower}
        for followee in sorted(followees):
            yield (follower, followee, next(since))


TABLES: Sequence[tuple[str, tuple[str, ...], Any]] = (
    ("users", ("id", "nickname", "about_me", "member_since"), people_rows),
    ("nicknames", ("key", "user_id"), nickname_rows),
    ("posts", ("id", "user_id", "body", "language", "reply_to", "reply_to_author", "thread"), post_rows),
    ("follows", ("follower_id", "followee_id", "since"), follow_rows),
    ("boosts", ("user_id", "post_id", "id"), boost_rows),
    ("likes", ("user_id", "post_id", "id"), like_rows),
    ("post_tags", ("tag", "post_id"), tag_rows),
)
COUNTS = (
    """UPDATE users SET
    posts_count = (SELECT count(*) FROM posts WHERE user_id = users.id),
    followers_count = (SELECT count(*) FROM follows WHERE followee_id = users.id),
    following_count = (SELECT count(*) FROM follows WHERE follower_id = users.id)""",
    """UPDATE posts SET
    replies_count = (SELECT count(*) FROM posts r WHERE r.reply_to = posts.id),
    likes_count = (SELECT count(*) FROM likes WHERE post_id = posts.id),
    boosts_count = (SELECT count(*) FROM boosts WHERE post_id = posts.id)""",
)
COUNTED = ("posts", "follows", "likes", "boosts")  # their triggers are set aside


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def sqlite_database(size: Size) -> str:
    """The URL of the made-up site on SQLite."""
    CACHE.mkdir(parents=True, exist_ok=True)
    file = CACHE / f"{size.name}.sqlite3"
    if not file.exists():
        say(f"Building {file} (once) …")
        building = file.with_suffix(".building")
        for suffix in ("", "-wal", "-shm"):
            Path(f"{building}{suffix}").unlink(missing_ok=True)
        database = Database(f"sqlite+pysqlite:///{building}")
        migrating.upgrade(database)
        fill_sqlite(database, size)
        database.close()
        building.rename(file)
    return up_to_date(f"sqlite+pysqlite:///{file}")


def up_to_date(url: str) -> str:
    """A site that was built by an older version, with the migrations since."""
    database = Database(url)
    migrating.upgrade(database)
    database.close()
    return url


def fill_sqlite(database: Database, size: Size) -> None:
    with database.writing.begin() as connection:
        triggers = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).all()
        for name, _ in triggers:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        for table, columns, rows in TABLES:
            marks = ", ".join("?" for _ in columns)
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
            for batch in batches(rows(size)):
                connection.exec_driver_sql(statement, [plain(row) for row in batch])
            say(f"  {table}")
        for counts in COUNTS:
            connection.exec_driver_sql(counts)
        for _, sql in triggers:
            connection.exec_driver_sql(sql)


def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """As SQLAlchemy's DateTime writes a moment on SQLite."""
    return tuple(
        value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value for value in row
    )


def batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(itertools.islice(rows, ROWS_AT_ONCE)):
        yield batch


def postgresql_database(server_url: str, size: Size) -> str:
    """The URL of the made-up site in a database of its own on this server."""
    own = sa.make_url(server_url).set(database=size.name).render_as_string(hide_password=False)
    server = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        exists = connection.scalar(
            sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": size.name}
        )
        if not exists:
            say(f"Building database {size.name} (once) …")
            building = f"{size.name}_building"
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {building}")
            connection.exec_driver_sql(f"CREATE DATABASE {building}")
            database = Database(
                sa.make_url(server_url).set(database=building).render_as_string(hide_password=False)
            )
            migrating.upgrade(database)
            fill_postgresql(database, size)
            database.close()
            connection.exec_driver_sql(f"ALTER DATABASE {building} RENAME TO {size.name}")
    server.dispose()
    return up_to_date(own)


def fill_postgresql(database: Database, size: Size) -> None:
    with database.writing.begin() as connection:
        cursor: Any = connection.connection.cursor()
        for table in COUNTED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table, columns, rows in TABLES:
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows(size):
                    copy.write_row(row)
            say(f"  {table}")
        for counts in COUNTS:
            cursor.execute(counts)
        for table in COUNTED:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")  # what autovacuum does by and by


def index(registry: Any) -> None:
    """Build the search index of the site, where it is not built yet."""
    with registry.database.write() as session:
        get_search_index(registry).install(session)
    with registry.database.read() as session:
        status = get_search_index(registry).status(session)
    if status.pending:
        file = get_sqlite_file(str(registry.database.engine.url))
        say(f"Building the search index of {file or 'the database'} (once) …")
        with registry.database.without_limits():
            get_search_index(registry).rebuild(registry.database, lambda count: None)
