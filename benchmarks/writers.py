"""Writers of every kind for `benchmarks.chaos`: through pages, queries, bulk statements and shells.

Each is a process of its own. What it does is drawn from a seed; how the writers get in each other's
way is not. A deed that the database refuses because of others (busy, deadlock) is done again.
"""

from __future__ import annotations

import random
import re
import secrets
import signal
import subprocess
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pyramid.request import Request

from microblog.accounts.models import User
from microblog.accounts.queries import NicknameTaken, add_user, find_owner_id, start_session
from microblog.console.site import Site
from microblog.db import is_transient
from microblog.ids import new_id
from microblog.posts.models import Post
from microblog.posts.queries import add_post, add_posts, delete_post
from microblog.security.cookies import SESSION_COOKIE
from microblog.security.identity import hash_token

WORDS = ["tea", "milk", "sugar", "straße", "日本", "café", "ﬁsh", "Ελλάδα", "don't", "salt"]
LANGUAGES = ["en", "es", "eu", None]
WORDS_OF_A_POST = 5
UNIQUE = "unique"  # how a word begins that only one post has
HOT_POSTS = 20  # the newest ones, which all writers want at once
ATTEMPTS = 40
SECONDS_FOR_A_SHELL = 60
SEARCH_FAILED = 503
NOT_FOUND = "own post not found at once"
CSRF = re.compile(r'name="csrf_token" value="(\w+)"')
# What a shell says when others were in its way.
SHELL_AGAIN = re.compile(r"locked|busy|deadlock|UNIQUE|duplicate key|FOREIGN KEY|foreign key")


class Again(Exception):
    """Others were in the way: do it again."""


class Fault(Exception):
    """Something that must not happen, whatever was killed."""


class Writer:
    """Does one random deed after another, to posts of its own and those of others."""

    def __init__(self, ini: Path, seed: int, number: int) -> None:
        self.random = random.Random(f"{seed} {number}")
        self.number = number
        self.site = Site(str(ini))
        self.site.setup_logging()
        self.application = self.site.load_application()
        self.database = self.site.database
        self.is_sqlite = self.database.dialect == "sqlite"
        self.name = f"writer{number}"
        self.page_name = f"reader{number}"
        self.token = ""
        self.counts: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.deeds: list[tuple[Callable[[], None], int]] = [
            (self.page_write, 15),
            (self.page_delete, 6),
            (self.page_search, 8),
            (self.query_write, 20),
            (self.query_delete, 8),
            (self.bulk_insert, 4),
            (self.bulk_update, 4),
            (self.bulk_delete, 3),
            (self.account_delete, 3),
            (self.roll_back, 4),
            (self.shell_insert, 5),
            (self.shell_update, 6),
            (self.shell_replace, 2),
            (self.shell_renumber, 2),
            (self.shell_give_away, 3),
            (self.shell_delete, 4),
            (self.shell_account_delete, 1),
            (self.shell_roll_back, 1),
            (self.shell_killed, 1),
        ]

    def deed(self) -> None:
        """One random deed, until it works.

        :raises Fault: when something happened that must not.
        """
        deed = self.random.choices(*zip(*self.deeds, strict=True))[0]
        for _ in range(ATTEMPTS):
            try:
                deed()
            except (Again, NicknameTaken, sa.exc.IntegrityError):
                self.notes["done again"] += 1
            except sa.exc.DBAPIError as error:
                if error.orig is None or not is_transient(error.orig):
                    raise
                self.notes["done again"] += 1
            else:
                self.counts[deed.__name__] += 1
                return
            time.sleep(self.random.uniform(0, 0.02))
        raise Fault(f"{deed.__name__} did not work in {ATTEMPTS} attempts.")

    # What deeds are about

    def body(self) -> str:
        return " ".join(self.random.choices([*WORDS, self.name], k=WORDS_OF_A_POST))

    def language(self) -> str | None:
        return self.random.choice(LANGUAGES)

    def author(self, session: Any) -> int:
        return find_owner_id(session, self.name) or add_user(session, self.name)

    def some_posts(self, count: int = 1) -> list[int]:
        """Ids of posts: mostly among the newest ones, else anywhere, in a row."""
        with self.database.read() as session:
            if self.random.random() < 0.6:
                newest = sa.select(Post.id).order_by(Post.id.desc()).limit(HOT_POSTS)
                ids = list(session.scalars(newest))
                return self.random.sample(ids, k=min(count, len(ids)))
            first = session.scalar(sa.select(sa.func.min(Post.id))) or 0
            last = session.scalar(sa.select(sa.func.max(Post.id))) or 0
            row = sa.select(Post.id).where(Post.id >= self.random.randint(first, max(first, last)))
            return list(session.scalars(row.order_by(Post.id).limit(count)))

    # Through pages

    def request(self, path: str, fields: dict[str, str] | None = None) -> Any:
        """The answer of the application.

        :raises Fault: for an error of ours.
        """
        headers = {"Cookie": f"{SESSION_COOKIE}={self.token}"}
        answer = Request.blank(path, headers=headers, POST=fields).get_response(self.application)
        if answer.status_int >= 500 and answer.status_int != SEARCH_FAILED:
            raise Fault(f"{path} answered {answer.status}.")
        return answer

    def log_in(self) -> None:
        """As somebody with a session; without a password, whose hash takes long."""
        self.token = secrets.token_urlsafe(32)
        with self.database.write() as session:
            reader = find_owner_id(session, self.page_name) or add_user(session, self.page_name)
            start_session(session, reader, hash_token(self.token), timedelta(hours=1))

    def form(self, path: str) -> dict[str, str]:
        """The hidden fields of the form that a page has for us."""
        page = self.request(path)
        csrf = CSRF.search(page.text) if page.status_int == 200 else None
        if csrf is None or "/logout" not in page.text:
            self.log_in()
            raise Again
        return {"csrf_token": csrf[1]}

    def page_write(self) -> None:
        """Its author finds it at once, whatever is down: or the page says that search is."""
        unique = f"{UNIQUE}{secrets.token_hex(8)}"
        fields = {**self.form("/"), "body": f"{self.body()} {unique}", "key": secrets.token_urlsafe(16)}
        answer = self.request("/posts/", fields)
        if answer.status_int != 303 or "/login" in answer.location:
            raise Again
        self.must_find(unique, fields["body"])

    def must_find(self, unique: str, body: str) -> None:
        mine = sa.select(Post.id).join(User).where(Post.body == body, User.nickname == self.page_name)
        page = self.request(f"/search?q={unique}")
        if page.status_int == SEARCH_FAILED:
            self.notes["search answered 503"] += 1
        elif "data-post-id=" not in page.text:
            with self.database.read() as session:
                if session.scalar(mine) is not None:
                    self.notes[NOT_FOUND] += 1

    def page_delete(self) -> None:
        """A post of one's own, by the two pages."""
        with self.database.read() as session:
            own = sa.select(Post.id).join(User).where(User.nickname == self.page_name)
            post = session.scalar(own.order_by(Post.id.desc()).limit(1))
        if post is None:
            return
        answer = self.request(f"/posts/{post}/delete", self.form(f"/posts/{post}/delete"))
        if answer.status_int not in (303, 404):
            raise Again

    def page_search(self) -> None:
        word = self.random.choice([*WORDS, f"from:{self.name}", "lang:es", "-tea", '"tea milk"', "s*"])
        by = self.random.choice(["", "&by=relevance"])
        query = Request.blank("/", POST={"q": word}).body.decode()
        page = self.request(f"/search?{query}{by}")
        if page.status_int == SEARCH_FAILED:
            self.notes["search answered 503"] += 1
        elif page.status_int != 200:
            raise Fault(f"Searching {word!r} was answered with {page.status}.")

    # Through queries, and statements for many

    def query_write(self) -> None:
        with self.database.write() as session:
            add_post(session, self.author(session), self.body(), language=self.language())

    def query_delete(self) -> None:
        posts = self.some_posts()
        with self.database.write() as session:
            for post in posts:
                delete_post(session, post)

    def bulk_insert(self) -> None:
        with self.database.write() as session:
            author = self.author(session)
            row = {"user_id": author, "language": self.language()}
            add_posts(session, [{**row, "id": new_id(), "body": self.body()} for _ in range(20)])

    def bulk_update(self) -> None:
        posts = self.some_posts(20)
        with self.database.write() as session:
            statement = sa.update(Post).where(Post.id.in_(posts))
            session.execute(statement.values(body=self.body(), language=self.language()))

    def bulk_delete(self) -> None:
        posts = self.some_posts(10)
        with self.database.write() as session:
            session.execute(sa.delete(Post).where(Post.id.in_(posts)))

    def account_delete(self) -> None:
        name = self.random.choice([self.name, self.page_name])
        with self.database.write() as session:
            session.execute(sa.delete(User).where(User.nickname == name))

    def roll_back(self) -> None:
        posts = self.some_posts(5)
        session = self.database.open_session(write=True)
        try:
            add_post(session, self.author(session), self.body())
            session.execute(sa.delete(Post).where(Post.id.in_(posts)))
        finally:
            session.rollback()
            session.close()

    # From a shell that knows nothing of us

    def shell_insert(self) -> None:
        body, language = self.quoted(self.body()), self.quoted(self.language())
        next_id = "coalesce((SELECT max(id) FROM posts), 0) + 1"
        self.shell(
            f"INSERT INTO posts (id, user_id, body, language) SELECT {next_id}, min(id), {body}, {language} "
            "FROM users;"
        )

    def shell_update(self) -> None:
        self.shell(f"UPDATE posts SET body = {self.quoted(self.body())} WHERE {self.some(5)};")

    def shell_replace(self) -> None:
        """`INSERT OR REPLACE` of SQLite, where a shell calls no trigger for what is replaced."""
        insert = "INSERT OR REPLACE INTO" if self.is_sqlite else "INSERT INTO"
        conflict = "" if self.is_sqlite else "ON CONFLICT (id) DO UPDATE SET body = excluded.body"
        self.shell(
            f"{insert} posts (id, user_id, body) SELECT id, user_id, {self.quoted(self.body())} "
            f"FROM posts WHERE {self.some(1)} {conflict};"
        )

    def shell_renumber(self) -> None:
        """Not posts of pages: under its new number a post is found only when the worker has seen it."""
        some = self.some(1)
        self.shell(
            f"UPDATE posts SET id = id + 1 WHERE {some} AND body NOT LIKE '% {UNIQUE}%' "
            "AND NOT EXISTS (SELECT 1 FROM posts other WHERE other.id = posts.id + 1);"
        )

    def shell_give_away(self) -> None:
        """Another author, another language, the same text."""
        self.shell(
            "UPDATE posts SET user_id = (SELECT max(id) FROM users), "
            f"language = {self.quoted(self.language())} WHERE {self.some(3)};"
        )

    def shell_delete(self) -> None:
        self.shell(f"DELETE FROM posts WHERE {self.some(4)};")

    def shell_account_delete(self) -> None:
        self.shell(f"DELETE FROM users WHERE nickname = {self.quoted(self.name)};")

    def shell_roll_back(self) -> None:
        self.shell(f"BEGIN; UPDATE posts SET body = 'never' WHERE {self.some(5)}; ROLLBACK;")

    def shell_killed(self) -> None:
        """In the middle of its transaction."""
        some = self.some(5)
        with subprocess.Popen(
            self.shell_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            sql = f"BEGIN; UPDATE posts SET body = 'never' WHERE {some}; SELECT 'done';\n"
            process.stdin.write(sql.encode())
            process.stdin.flush()
            process.stdout.readline()
            process.kill()

    def some(self, count: int) -> str:
        ids = ", ".join(map(str, self.some_posts(count))) or "0"
        return f"id IN ({ids})"

    def quoted(self, text: str | None) -> str:
        return "NULL" if text is None else "'" + text.replace("'", "''") + "'"

    def shell_command(self) -> list[str]:
        url = self.database.engine.url
        if self.is_sqlite:
            options = ["-batch", "-bail", "-cmd", ".timeout 10000", "-cmd", "PRAGMA foreign_keys = ON"]
            return ["sqlite3", *options, str(url.database)]
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--set=ON_ERROR_STOP=1", address]

    def shell(self, sql: str) -> None:
        done = subprocess.run(
            self.shell_command(),
            input=sql,
            capture_output=True,
            text=True,
            timeout=SECONDS_FOR_A_SHELL,
            check=False,
        )
        if done.returncode == 0:
            return
        if SHELL_AGAIN.search(done.stderr):
            raise Again
        raise Fault(f"The shell refused {sql!r}: {done.stderr}")


def run(ini: Path, seed: int, number: int, pace: Any, results: Any) -> None:
    """One deed after another, as long as there are some to do; then what was done goes to `results`.

    `pace` has three shared numbers under its lock: deeds begun, those that may be begun now, and all.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started us
    fault = ""
    writer = None
    try:
        writer = Writer(ini, seed, number)
        while may_begin(pace):
            writer.deed()
        writer.site.registry.worker.stop()
        writer.site.close()
    except BaseException:
        fault = traceback.format_exc()
    results.put((writer.counts, writer.notes, fault) if writer else (Counter(), Counter(), fault))


def may_begin(pace: Any) -> bool:
    """Waits until there is a deed to do; False when all were begun."""
    while True:
        with pace.get_lock():
            begun, allowed, all_of_them = pace
            if begun >= all_of_them:
                return False
            if begun < allowed:
                pace[0] += 1
                return True
        time.sleep(0.005)
