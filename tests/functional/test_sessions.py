"""The bug of the original cannot come back (docs/sessions.md).

There, setting up search at import time opened session '1', and every later request met its objects:
"already attached to session '1' (this is '3')".
"""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from zope.interface import implementer

from microblog import main
from microblog.accounts.queries import add_user
from microblog.posts.models import Post
from microblog.posts.queries import add_post
from microblog.search.interfaces import ISearch, ISearchFeed
from microblog.search.nothing import NoSearch
from tests.conftest import get_adapter, settings_for
from tests.walk import bodies, enter, flashes, post_ids, write

THREADS = 8


def delete_by_its_page(browser: Any, post_id: int) -> Any:
    """Show the post in one request, then delete it in the next."""
    page = browser.get(f"/posts/{post_id}")
    assert page.status_int == 200
    return page.click("Delete").forms["delete-form"].submit(status=303).follow()


def test_a_post_that_was_shown_is_deleted_in_the_next_request(browser):
    enter(browser, "susan")
    post_id = post_ids(write(browser, "Here today"))[0]
    browser.get("/search?q=today", expect_errors=True)  # search has met it too
    page = delete_by_its_page(browser, post_id)
    assert flashes(page) == ["Your post has been deleted."]
    assert bodies(page) == []


def test_eight_threads_show_and_delete_posts_at_once(application):
    browsers = [application.browser() for _ in range(THREADS)]
    for number, browser in enumerate(browsers):
        enter(browser, f"person{number}")
    failures: list[BaseException] = []

    def walk(browser: Any) -> None:
        try:
            for round_ in range(3):
                post_id = post_ids(write(browser, f"Words of round {round_}"))[0]
                browser.get("/search?q=words", expect_errors=True)
                browser.get("/explore")
                assert "Your post has been deleted." in flashes(delete_by_its_page(browser, post_id))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=walk, args=[browser]) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert bodies(browsers[0].get("/explore")) == []


def test_two_sessions_cannot_share_an_object(database):
    """As in the article, by hand: what our requests never do is refused by SQLAlchemy."""
    with database.write() as session:
        post_id = add_post(session, add_user(session, "susan"), "Mine")
    with database.open_session(write=False) as first, database.open_session(write=True) as second:
        post = first.get(Post, post_id)
        with pytest.raises(sa.exc.InvalidRequestError, match="already attached to session"):
            second.delete(post)
        second.rollback()
        # The rule: an object belongs to the session that read it.
        mine = second.get_one(Post, post_id)
        second.delete(mine)
        second.commit()
        post = mine = None
    with database.read() as session:
        assert session.scalar(sa.select(Post.id)) is None


IMPORT_AND_BUILD = """
import sqlite3, sqlalchemy.orm.session, sys
def refuse(*args, **kwargs):
    raise SystemExit("a connection or a session was opened: " + repr(args[:1]))
sqlite3.connect = refuse
sqlite3.dbapi2.connect = refuse
sqlalchemy.orm.session.Session.__init__ = refuse
import threading
import microblog
before = threading.active_count()
app = microblog.main({}, **{
    "microblog.database.url": sys.argv[1], "microblog.secret": "x" * 32, "microblog.search": sys.argv[2],
})
assert threading.active_count() == before, "a thread was started"
assert not app.registry.database.sessions
print("nothing was opened")
"""


@pytest.mark.parametrize(
    ("url", "search"),
    [
        ("sqlite+pysqlite:////nowhere/at/all.sqlite3", "fts5"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/nothing", "none"),
    ],
)
def test_importing_and_building_the_application_opens_nothing(url, search):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_AND_BUILD, url, search],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "nothing was opened\n", done.stderr


@implementer(ISearch)
class HoardingSearch(NoSearch):
    """An adapter that keeps the session which it was given: the bug of the original."""

    kept: orm.Session | None = None

    def search(
        self, session: Any, query: Any, cursor: Any, limit: int, reader_id: int | None = None
    ) -> list[int]:
        self.kept = session
        return []


@implementer(ISearch, ISearchFeed)
class WritingSearch(NoSearch):
    """An adapter that keeps the session of a write, and uses it in the next request."""

    kept: orm.Session | None = None

    def after_begin(self, session: Any, connection: Any) -> None:
        """Nothing to remember."""

    def catch_up(self, database: Any, limit: int) -> int:
        return 0

    def before_commit(self, session: Any) -> None:
        if self.kept is not None:
            self.kept.add(Post(id=1, user_id=1, body="from another request"))
            self.kept.flush()
        self.kept = session


def test_an_adapter_that_keeps_a_session_is_caught(make_application):
    application = make_application({"microblog.search": "tests.functional.test_sessions.HoardingSearch"})
    browser = application.browser()
    browser.get("/search?q=anything")
    gc.collect()
    assert list(application.database.sessions), "the check after every functional test would not see it"
    get_adapter(application).kept = None
    gc.collect()
    assert not list(application.database.sessions)


def test_an_adapter_that_writes_with_a_kept_session_fails(make_application, caplog):
    application = make_application({"microblog.search": "tests.functional.test_sessions.WritingSearch"})
    browser = application.browser()
    enter(browser, "susan")
    form = browser.get("/").forms["compose-form"]
    form["body"] = "Hello"
    answer = form.submit(status=500)
    assert "nothing was changed" in answer
    assert "permanently closed" in caplog.text
    caplog.clear()  # the trace in it holds the post
    get_adapter(application).kept = None
    assert bodies(browser.get("/explore")) == []


def test_an_application_that_nobody_uses_is_forgotten(migrated):
    """SQLAlchemy keeps the listeners of sessions for ever, and with them all that they refer to."""
    registry = weakref.ref(main(None, **settings_for(migrated())).registry)
    gc.collect()
    assert registry() is None
