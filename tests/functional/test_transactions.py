"""The commit rule, the retry and the read-only requests, on the real application with a few more views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPConflict, HTTPForbidden, HTTPSeeOther
from pyramid.response import Response
from pyramid_retry import mark_error_retryable

from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.tree import Container
from tests.conftest import Application, counted_statements
from tests.walk import enter, token


class Probe(Container):
    """`/probe/…`: views that write, and then end in every way there is."""


def write(request: Any) -> None:
    """Core alone, which `zope.sqlalchemy` does not see by itself."""
    request.begin_write().execute(sa.insert(User).values(nickname="probe", member_since=sa.func.now()))


def ok(probe: Probe, request: Any) -> Any:
    write(request)
    return Response("written")


def raw(probe: Probe, request: Any) -> Any:
    request.begin_write().execute(
        sa.text("INSERT INTO users (nickname, member_since) VALUES ('probe', CURRENT_TIMESTAMP)")
    )
    return Response("written")


def redirect(probe: Probe, request: Any) -> Any:
    write(request)
    return HTTPSeeOther(location="/explore")


def conflict(probe: Probe, request: Any) -> Any:
    write(request)
    return HTTPConflict()


def raised(probe: Probe, request: Any) -> Any:
    write(request)
    raise HTTPConflict


def forbidden(probe: Probe, request: Any) -> Any:
    """For a visitor the exception view makes a 303 of it, whose status alone would commit."""
    write(request)
    raise HTTPForbidden


def broken(probe: Probe, request: Any) -> Any:
    write(request)
    raise RuntimeError("broken")


def breaks_a_reference(probe: Probe, request: Any) -> Any:
    write(request)
    request.begin_write().execute(sa.text("INSERT INTO posts (id, user_id, body) VALUES (1, 999, 'x')"))
    return Response("never")


def busy_twice(probe: Probe, request: Any) -> Any:
    write(request)
    if request.environ["retry.attempt"] < int(request.GET.get("times", 2)):
        error = sa.exc.OperationalError("COMMIT", {}, Exception("database is locked"))
        mark_error_retryable(error)
        raise error
    return Response(f"attempt {request.environ['retry.attempt']} got {request.POST['text']}")


def fails_at_commit(probe: Probe, request: Any) -> Any:
    write(request)
    # SQLite then looks at references when it commits, and leaves the transaction open when they are wrong.
    request.begin_write().execute(sa.text("PRAGMA defer_foreign_keys = ON"))
    request.begin_write().execute(
        sa.text("INSERT INTO follows (follower_id, followee_id, since) VALUES (8, 9, 1)")
    )
    return Response("all is well until here")


def extend(config: Configurator) -> None:
    config.add_branch("probe", Probe)
    views = (ok, raw, redirect, conflict, raised, forbidden, broken, breaks_a_reference, busy_twice)
    for view in (*views, fails_at_commit):
        config.add_view(view, context=Probe, name=view.__name__)


@pytest.fixture
def probed(make_application: Callable[..., Application]) -> Application:
    return make_application(extend=extend)


def post(application: Application, name: str, **more: Any) -> Any:
    browser = application.browser()
    values = {"csrf_token": token(browser, "/login"), "text": "what was typed"}
    return browser.post(f"/probe/{name}", values, **more)


def written(application: Application) -> int:
    with application.database.read() as session:
        count = session.scalar(sa.select(sa.func.count(User.id)).where(User.nickname == "probe"))
    return count or 0


@pytest.mark.parametrize("name", ["ok", "raw", "redirect"])
def test_a_request_that_succeeds_is_committed(probed, name):
    post(probed, name)
    assert written(probed) == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [("conflict", 409), ("raised", 409), ("forbidden", 403), ("broken", 500), ("breaks_a_reference", 500)],
)
def test_a_request_that_fails_is_rolled_back(probed, name, status, caplog):
    post(probed, name, status=status)
    assert written(probed) == 0
    caplog.clear()


@pytest.mark.usefixtures("needs_fts5")
def test_a_commit_that_fails_leaves_nothing_behind_for_the_next_request(probed, caplog):
    post(probed, "fails_at_commit", status=500)
    assert written(probed) == 0
    post(probed, "ok", status=200)
    assert written(probed) == 1
    caplog.clear()


def test_a_get_that_writes_fails_and_changes_nothing(probed, caplog):
    probed.browser().get("/probe/ok", status=500)
    assert "read" in caplog.text.lower()
    assert written(probed) == 0
    caplog.clear()


def test_a_busy_database_is_tried_again_and_what_was_typed_is_still_there(probed, caplog):
    assert post(probed, "busy_twice").text == "attempt 2 got what was typed"
    assert written(probed) == 1
    caplog.clear()


def test_a_database_that_stays_busy_is_a_503_that_says_when_to_come_back(probed, caplog):
    answer = post(probed, "busy_twice?times=99", status=503)
    assert answer.headers["Retry-After"] == "5"
    assert "nothing was changed" in answer
    assert written(probed) == 0
    caplog.clear()


def test_a_forged_post_opens_no_transaction(application):
    browser = application.browser()
    enter(browser, "susan")
    with counted_statements(application.database, everything=True) as statements:
        browser.post("/posts/", {"body": "forged", "csrf_token": "x"}, status=400)
    assert not [sql for sql in statements if sql.startswith("BEGIN IMMEDIATE")]
    # One statement loads the identity, and one the numbers in the header of the page.
    assert len([sql for sql in statements if not sql.startswith(("BEGIN", "PRAGMA"))]) == 2


def test_a_static_file_asks_the_database_nothing(application):
    with counted_statements(application.database, everything=True) as statements:
        application.browser().get("/static/app.css")
    assert statements == []


def test_an_unreachable_database_is_an_error_page_of_its_own(make_application, caplog):
    """Rendered without the database, also for somebody whose cookie asks for an identity."""
    application = make_application(
        {"microblog.database.url": "sqlite+pysqlite:////nowhere/at/all.sqlite3", "microblog.search": "fts5"}
    )
    browser = application.browser()
    browser.set_cookie("session", "somebody")
    answer = browser.get("/", status=503)
    assert "Not available at the moment" in answer
    assert answer.headers["Retry-After"] == "5"
    assert "unable to open database file" not in answer
    assert "unable to open database file" in caplog.text
    caplog.clear()


def test_a_name_that_two_take_at_once_is_refused_by_the_database_too(database):
    with database.write() as session:
        add_user(session, "susan")
    from microblog.accounts.queries import NicknameTaken

    with pytest.raises(NicknameTaken), database.write() as session:
        add_user(session, "SUSAN")
