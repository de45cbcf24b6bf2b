"""A request reads until its action writes: nobody keeps the write lock for what ends as a refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPConflict
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy import event

from microblog.accounts.actions import change_profile
from microblog.accounts.events import Renamed
from microblog.accounts.models import User
from microblog.accounts.queries import MOST_NICKNAMES
from microblog.db import Database, StaleData
from microblog.people.events import Followed
from microblog.posts.actions import write
from microblog.posts.events import PostDeleted
from microblog.posts.models import Post
from microblog.security.cookies import SESSION_COOKIE
from microblog.tree import Container
from tests.conftest import Application
from tests.walk import PASSWORD, bodies, enter, flashes, post_ids, token
from tests.walk import write as write_by_page

WRITERS = 4
POSTS_OF_A_WRITER = 500
SECONDS_TO_MEET = 20


@contextmanager
def before_each_write(database: Database, action: Callable[[], object]) -> Iterator[None]:
    """Calls `action()` just before each transaction that writes, on SQLite before it has the lock."""

    def begin_sqlite(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement == "BEGIN IMMEDIATE":
            action()

    def begin_postgresql(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("sqlite_begin") == "IMMEDIATE":
            action()

    listener: tuple[str, Callable[..., None]] = (
        ("before_cursor_execute", begin_sqlite)
        if database.dialect == "sqlite"
        else ("begin", begin_postgresql)
    )
    event.listen(database.engine, *listener)
    try:
        yield
    finally:
        event.remove(database.engine, *listener)


@contextmanager
def counted_writes(database: Database) -> Iterator[list[None]]:
    """As many items as transactions that write have begun inside."""
    begun: list[None] = []
    with before_each_write(database, lambda: begun.append(None)):
        yield begun


@pytest.fixture
def susan(application: Application) -> Any:
    """Logged in; john has a post, and she has one of her own."""
    john = application.browser()
    enter(john, "john")
    write_by_page(john, "John's")
    browser = application.browser()
    enter(browser, "susan")
    write_by_page(browser, "Susan's")
    return browser


REFUSED = [
    ("/nothing", {}, 404),
    ("/posts/1", {}, 404),
    ("/posts/1/delete", {}, 303),  # "Post not found." on the page that follows
    ("/posts/{johns}/delete", {}, 303),  # "You cannot delete this post."
    ("/posts/{susans}/delete", {"unknown": "x"}, 400),
    ("/users/nobody/follow", {}, 404),
    ("/users/susan/follow", {}, 403),
    ("/explore", {}, 405),
    ("/posts/", {"body": " "}, 422),
    ("/posts/", {"body": "x" * 281}, 422),
    ("/posts/", {"body": "Hello", "csrf_token": "old"}, 400),
    ("/posts/{susans}/delete", {"csrf_token": "old"}, 400),
    ("/account/profile", {"nickname": "john", "about_me": ""}, 422),
    ("/account/profile", {"nickname": "", "about_me": ""}, 422),
]


@pytest.mark.parametrize(("path", "fields", "status"), REFUSED)
def test_a_form_that_is_refused_writes_nothing(application, susan, path, fields, status):
    johns, susans = sorted(post_ids(susan.get("/explore")))
    sent = {"csrf_token": token(susan), **fields}
    with counted_writes(application.database) as begun:
        susan.post(path.format(johns=johns, susans=susans), sent, status=status)
    assert begun == []
    assert len(bodies(susan.get("/explore"))) == 2


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/posts/", {"body": "Hello"}, 403),
        ("/login", {"nickname": "john", "password": PASSWORD, "csrf_token": "old"}, 400),
        ("/register", {"nickname": "john", "email": "j@example.com", "password": PASSWORD}, 422),
        ("/register", {"nickname": "jane", "email": "john@example.com", "password": PASSWORD}, 422),
    ],
)
@pytest.mark.usefixtures("susan")
def test_nor_does_a_visitors(application, path, fields, status):
    visitor = application.browser()
    sent = {"csrf_token": token(visitor, "/login"), **fields}
    with counted_writes(application.database) as begun:
        visitor.post(path, sent, status=status)
    assert begun == []


@pytest.mark.usefixtures("susan")
def test_a_wrong_password_writes_only_that_it_was_tried(application, count_statements):
    visitor = application.browser()
    sent = {"csrf_token": token(visitor, "/login"), "nickname": "john", "password": "not this one"}
    with counted_writes(application.database) as begun, count_statements() as statements:
        visitor.post("/login", sent, status=422)
    assert len(begun) == 1
    written = [statement for statement in statements if not statement.startswith("SELECT")]
    assert len(written) == 1
    assert "INSERT INTO limit_counts" in written[0]


# Views of our own


class Probe(Container):
    """`/probe/…`"""


def add_somebody(request: Any) -> None:
    session = request.begin_write()
    session.execute(sa.insert(User).values(nickname="probe", member_since=sa.func.now()))


def number_of_probes(database: Database) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).where(User.nickname == "probe")) or 0


def add_somebody_by_a_view(probe: Probe, request: Any) -> Any:
    add_somebody(request)
    return Response("added")


def probed_by(view: Any, **options: Any) -> Callable[[Configurator], None]:
    def extend(config: Configurator) -> None:
        config.add_branch("probe", Probe)
        config.add_view(view, context=Probe, permission=NO_PERMISSION_REQUIRED, **options)

    return extend


def test_a_request_that_is_slow_before_its_action_keeps_nobody_from_writing(make_application):
    is_slow, has_written = threading.Event(), threading.Event()

    def slow(probe: Probe, request: Any) -> Any:
        request.dbsession.scalar(sa.select(sa.func.count(User.id)))
        is_slow.set()
        assert has_written.wait(SECONDS_TO_MEET)
        add_somebody(request)
        return Response("added")

    application = make_application(extend=probed_by(slow))
    browser = application.browser()
    enter(browser, "susan")
    fields = {"csrf_token": token(browser)}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(browser.post, "/probe/", fields)
        assert is_slow.wait(SECONDS_TO_MEET)
        with application.database.write() as session:
            session.execute(sa.update(User).values(about_me="written meanwhile"))
        has_written.set()
        assert answer.result().text == "added"
    assert number_of_probes(application.database) == 1


def test_the_read_session_is_closed_before_the_write_session_opens(make_application):
    found: dict[str, Any] = {}

    def look(probe: Probe, request: Any) -> Any:
        pool = request.registry.database.engine.pool
        reading = request.dbsession
        reading.scalar(sa.select(sa.func.count(User.id)))
        found["before"] = (request.is_writing, pool.checkedout())
        writing = request.begin_write()
        found["after"] = (request.is_writing, pool.checkedout())
        found["same"] = request.dbsession is writing is request.begin_write()
        with pytest.raises(sa.exc.InvalidRequestError, match="permanently closed"):
            reading.scalar(sa.select(1))
        return Response("looked")

    application = make_application(extend=probed_by(look))
    browser = application.browser()
    browser.post("/probe/", {"csrf_token": token(browser, "/login")})
    assert found == {"before": (False, 1), "after": (True, 1), "same": True}


def test_reading_is_ended_before_something_slow_and_begins_anew(make_application):
    found: list[int] = []

    def look(probe: Probe, request: Any) -> Any:
        pool = request.registry.database.engine.pool
        for _ in range(2):  # the second time there is nothing to end
            request.end_reading()
            found.append(pool.checkedout())
        request.dbsession.scalar(sa.select(sa.func.count(User.id)))
        found.append(pool.checkedout())
        request.end_reading()
        found.append(pool.checkedout())
        add_somebody(request)
        request.end_reading()  # what is written is not given up
        found.append(pool.checkedout())
        return Response("looked")

    application = make_application(extend=probed_by(look))
    browser = application.browser()
    browser.post("/probe/", {"csrf_token": token(browser, "/login")})
    assert found == [0, 0, 1, 0, 1]
    assert number_of_probes(application.database) == 1


def test_the_read_session_of_an_unsafe_request_cannot_write(make_application, caplog):
    def disobey(probe: Probe, request: Any) -> Any:
        request.dbsession.execute(sa.insert(User).values(nickname="probe", member_since=sa.func.now()))
        return Response("never")

    application = make_application(extend=probed_by(disobey))
    browser = application.browser()
    browser.post("/probe/", {"csrf_token": token(browser, "/login")}, status=500)
    assert number_of_probes(application.database) == 0
    assert "read" in caplog.text.lower()
    caplog.clear()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_method_that_wants_to_write_is_a_fault(make_application, caplog, method):
    application = make_application(extend=probed_by(add_somebody_by_a_view))
    with counted_writes(application.database) as begun:
        application.browser().request("/probe/", method=method, status=500)
    assert begun == []
    assert f"A {method} only reads" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_write_with_a_token(make_application, caplog, method):
    application = make_application(extend=probed_by(add_somebody_by_a_view, request_method=method))
    browser = application.browser()
    headers = {"X-CSRF-Token": token(browser, "/login")}
    browser.request("/probe/", method=method, status=400)
    browser.request("/probe/", method=method, headers={"X-CSRF-Token": "old"}, status=400)
    elsewhere = {**headers, "Origin": "https://elsewhere.example"}
    browser.request("/probe/", method=method, headers=elsewhere, status=400)
    assert number_of_probes(application.database) == 0
    assert browser.request("/probe/", method=method, headers=headers).text == "added"
    assert number_of_probes(application.database) == 1
    caplog.clear()


def test_credentials_in_a_header_need_no_token_but_those_that_browsers_add(make_application, caplog):
    application = make_application(extend=probed_by(add_somebody_by_a_view, request_method="POST"))
    browser = application.browser()
    browser.post("/probe/", headers={"Authorization": "Basic c3VzYW46eA=="}, status=400)
    browser.post("/probe/", headers={"Authorization": "Bearer x"}, status=200)
    elsewhere = {"Authorization": "Bearer x", "Sec-Fetch-Site": "cross-site"}
    browser.post("/probe/", headers=elsewhere, status=400)
    assert number_of_probes(application.database) == 1
    caplog.clear()


def test_a_view_may_do_without_a_token(make_application):
    application = make_application(extend=probed_by(add_somebody_by_a_view, csrf=False))
    application.browser().post("/probe/", status=200)
    assert number_of_probes(application.database) == 1


def test_a_form_that_was_answered_with_a_page_may_be_sent_again(make_application):
    """Only what led on is done once: see docs/adr/0023."""
    application = make_application(extend=probed_by(add_somebody_by_a_view, page=True))
    browser = application.browser()
    page = browser.get("/login")
    key = page.forms["login-form"]["key"].value
    fields = {"csrf_token": token(browser, "/login"), "key": key}
    browser.post("/probe/", fields, status=200)
    browser.post("/probe/", fields, status=200)
    assert number_of_probes(application.database) == 2


# What was read may be stale when it is written


class Subscriber:
    """Counts events of transactions that were committed: it keeps no session."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, ...]] = []

    def __call__(self, change: Any) -> None:
        names = ("former", "nickname") if isinstance(change, Renamed) else ()
        self.seen.append((type(change).__name__, *(getattr(change, name) for name in names)))


@pytest.fixture
def subscriber() -> Subscriber:
    return Subscriber()


@pytest.fixture
def watched(make_application: Callable[..., Application], subscriber: Subscriber) -> Application:
    def extend(config: Configurator) -> None:
        for kind in (PostDeleted, Followed, Renamed):
            config.add_subscriber(subscriber, kind)

    return make_application(extend=extend)


def counts_people(config: Configurator) -> None:
    """Each page, and so that of an error, reads by the session of its request."""

    def has_database(request: Any) -> bool:
        first = request.dbsession
        return first is request.dbsession and first.scalar(sa.select(sa.func.count(User.id))) is not None

    config.add_nav_item("counted", "Counted", lambda request: request.link(), shown=has_database, order=1)
    config.add_branch("probe", Probe)
    for name, view in (("add", add_somebody_by_a_view), ("late", fail_at_commit)):
        settings = {"context": Probe, "name": name, "permission": NO_PERMISSION_REQUIRED}
        config.add_view(view, request_method="POST", page=True, **settings)


def fail_at_commit(probe: Probe, request: Any) -> Any:
    """As by a trigger of the database that finds something wrong at the end."""
    add_somebody(request)
    event.listen(request.dbsession, "before_commit", partial(refuse_to_write, request))
    return Response("all is well until here")


def refuse_to_write(request: Any, session: Any) -> None:
    raise StaleData("always")


def test_the_page_of_a_refused_write_reads(make_application):
    application = make_application(extend=counts_people)
    application.registry.checks_before_writing["refuse"] = refuse_to_write
    browser = application.browser()
    page = browser.post("/probe/add", {"csrf_token": token(browser, "/login")}, status=409)
    assert page.html.h1.get_text() == "Changed meanwhile"
    assert "Counted" in page.html.nav.get_text()


@pytest.mark.parametrize(
    ("error", "status"),
    [(HTTPConflict, 409), (StaleData, 409), (ZeroDivisionError, 500)],
)
def test_the_page_of_an_error_after_writing_keeps_nobody_from_writing(make_application, error, status):
    is_writing = []

    def note(request: Any) -> bool:
        is_writing.append((request.is_writing, request.dbsession.scalar(sa.select(sa.func.count(User.id)))))
        return True

    def write_and_fail(probe: Probe, request: Any) -> Any:
        add_somebody(request)
        raise error()

    def extend(config: Configurator) -> None:
        config.add_nav_item("noted", "Noted", lambda request: request.link(), shown=note, order=1)
        probed_by(write_and_fail)(config)

    application = make_application(extend=extend)
    browser = application.browser()
    sent = {"csrf_token": token(browser, "/login")}
    is_writing.clear()
    browser.post("/probe/", sent, status=status)
    assert set(is_writing) <= {(False, 0)}
    assert bool(is_writing) == (status < 500)  # the page of a fault of ours has no navigation
    assert application.database.engine.pool.checkedout() == 0


TAKEN = "Somebody has, or had, this nickname already."
TAKEN_EMAIL = "Somebody has signed up with this e-mail address already."


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("/register", {"nickname": "john", "email": "susan@example.com", "password": PASSWORD}, TAKEN),
        ("/register", {"nickname": "susan", "email": "john@example.com", "password": PASSWORD}, TAKEN_EMAIL),
        ("/account/profile", {"nickname": "john", "about_me": ""}, TAKEN),
        ("/account/profile", {"nickname": "another", "about_me": ""}, f"You have had {MOST_NICKNAMES} nick"),
    ],
)
def test_the_form_that_others_were_quicker_than_keeps_nobody_from_writing(
    make_application, path, fields, sentence
):
    """Its page is made when its transaction is over."""
    is_writing = []

    def note(request: Any) -> bool:
        is_writing.append(request.is_writing)
        assert request.dbsession.scalar(sa.select(sa.func.count(User.id))) is not None
        return True

    def extend(config: Configurator) -> None:
        config.add_nav_item("noted", "Noted", lambda request: request.link(), shown=note, order=1)

    application = make_application(extend=extend)
    browser = application.browser()
    if path == "/account/profile":
        enter(browser, "susan")
        take_all_nicknames(application.database, "susan", but=1 if fields["nickname"] == "john" else 0)
    sent = {"csrf_token": token(browser, path), **fields}
    rivals = [application.browser()]

    def be_quicker() -> None:
        if rivals:
            enter(rivals.pop(), "john")

    is_writing.clear()
    with before_each_write(application.database, be_quicker):
        page = browser.post(path, sent, status=422)
    assert sentence in page.text
    assert is_writing[-1:] == [False]
    assert application.database.engine.pool.checkedout() == 0


def take_all_nicknames(database: Database, nickname: str, *, but: int) -> None:
    with database.write() as session:
        user_id = session.scalars(sa.select(User.id).where(User.nickname == nickname)).one()
        for number in range(1, MOST_NICKNAMES - but):
            change_profile(session, user_id, nickname=f"{nickname}_{number}", display_name="", about_me="")


def test_who_was_refused_once_may_begin_again(make_application):
    found = []

    def begin_twice(probe: Probe, request: Any) -> Any:
        with pytest.raises(StaleData):
            request.begin_write()
        found.append((request.is_writing, request.dbsession.scalar(sa.select(sa.func.count(User.id)))))
        raise HTTPConflict()

    application = make_application(extend=probed_by(begin_twice))
    application.registry.checks_before_writing["refuse"] = refuse_to_write
    browser = application.browser()
    browser.post("/probe/", {"csrf_token": token(browser, "/login")}, status=409)
    assert found == [(False, 0)]


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("POST", "/probe/add", {"body": b"x" * 1001}, 413),
        ("GET", f"/{'a' * 20_000}", {}, 414),
        ("POST", "/probe/add", {"headers": {"Origin": "https://elsewhere.example"}}, 400),
        ("PUT", "/probe/nothing", {}, 404),
        ("POST", "/probe/add", {}, 400),  # no token
        ("POST", "/probe/late", {"headers": {"Authorization": "Bearer x"}}, 409),  # refused by its COMMIT
    ],
)
def test_the_page_of_what_is_refused_above_the_transaction_reads(
    make_application, method, path, more, status
):
    application = make_application({"microblog.max_body": "1000"}, extend=counts_people)
    page = application.browser().request(path, method=method, **more, status=status)
    assert "Counted" in page.html.nav.get_text()
    assert application.database.engine.pool.checkedout() == 0


@contextmanager
def both_have_read(database: Database) -> Iterator[None]:
    """Inside, neither of two threads begins its first write before the other wants to."""
    barrier = threading.Barrier(2)
    met = threading.local()

    def meet() -> None:
        if not getattr(met, "once", False):
            met.once = True
            barrier.wait(SECONDS_TO_MEET)

    with before_each_write(database, meet):
        yield


def submit_both(application: Application, forms: list[Any]) -> list[Any]:
    with both_have_read(application.database), ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda form: form.submit(status=303), forms))


def two_browsers(application: Application, nickname: str) -> list[Any]:
    """In both of them the same person is logged in."""
    first, second = application.browser(), application.browser()
    enter(first, nickname)
    second.set_cookie(SESSION_COOKIE, first.cookies[SESSION_COOKIE])
    return [first, second]


def test_two_that_delete_a_post_at_once_delete_it_once(watched, subscriber):
    browsers = two_browsers(watched, "susan")
    post_id = post_ids(write_by_page(browsers[0], "Here today"))[0]
    forms = [browser.get(f"/posts/{post_id}/delete").forms["delete-form"] for browser in browsers]
    answers = submit_both(watched, forms)
    said = sorted(sentence for answer in answers for sentence in flashes(answer.follow()))
    assert said == ["Post not found.", "Your post has been deleted."]
    assert subscriber.seen == [("PostDeleted",)]


def test_two_that_follow_at_once_follow_once(watched, subscriber):
    enter(watched.browser(), "john")
    browsers = two_browsers(watched, "susan")
    forms = [browser.get("/users/john/follow").forms["follow-form"] for browser in browsers]
    submit_both(watched, forms)
    assert subscriber.seen == [("Followed",)]
    with watched.database.read() as session:
        assert session.scalar(sa.select(User.followers_count).where(User.nickname == "john")) == 1


def test_two_renames_at_once_follow_each_other(watched, subscriber):
    browsers = two_browsers(watched, "susan")
    forms = [browser.get("/account/profile").forms["profile-form"] for browser in browsers]
    for number, form in enumerate(forms):
        form["nickname"] = f"susan_{number}"
    submit_both(watched, forms)
    (_, start, between), (_, same, end) = subscriber.seen
    assert (start, between) == ("susan", same)
    assert {between, end} == {"susan_0", "susan_1"}


def test_many_writers_lose_nothing(application):
    """Through whole requests, on one database."""
    browsers = [application.browser() for _ in range(WRITERS)]
    for number, browser in enumerate(browsers):
        enter(browser, f"writer{number}")

    def write_all(browser: Any) -> None:
        fields = {"csrf_token": token(browser), "body": "One of many"}
        for _ in range(POSTS_OF_A_WRITER):
            browser.post("/posts/", fields, status=303)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write_all, browsers))
    with application.database.read() as session:
        assert session.scalar(sa.select(sa.func.count(Post.id))) == WRITERS * POSTS_OF_A_WRITER
        assert session.scalars(sa.select(User.posts_count)).all() == [POSTS_OF_A_WRITER] * WRITERS


def test_an_action_needs_no_request(application):
    with application.database.write() as session:
        user_id = session.scalar(
            sa.insert(User).values(nickname="susan", member_since=sa.func.now()).returning(User.id)
        )
        write(session, user_id, "Without a request")
    assert bodies(application.browser().get("/explore")) == ["Without a request"]
