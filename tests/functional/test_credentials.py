"""Programs that say who they are in a header: how a room adds that, and what they may do then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from pyramid.config import Configurator
from pyramid.response import Response
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.db import StaleData
from microblog.people.resources import Person, Users
from microblog.posts.actions import write
from microblog.security.csrf import unmask
from microblog.security.identity import Identity
from microblog.tree import Root
from microblog.web.api import api_view
from tests.conftest import Application
from tests.walk import bodies, enter

GOOD = {"Authorization": "Bearer good"}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def load_by_token(request: Any) -> Identity | None:
    """`Bearer good` identifies Susan, without a session."""
    if request.headers.get("Authorization") != "Bearer good":
        return None
    with request.registry.database.read() as session:
        user_id = session.scalars(sa.select(User.id).where(User.nickname == "susan")).one()
    return Identity(user_id, "susan", None, False, "", datetime.now(UTC))


def write_by_program(users: Users, request: Any) -> Any:
    write(request.begin_write(), request.me.id, "By a program")
    return {"written": True}


def follow_by_program(person: Person, request: Any) -> Any:
    raise AssertionError("Nobody may do this here.")


def show_token(root: Root, request: Any) -> Response:
    return Response(request.csrf_token)


def count_letters(users: Users, request: Any) -> Any:
    return {"letters": len(request.json_body["text"])}


def with_tokens(**options: Any) -> Callable[[Configurator], None]:
    def extend(config: Configurator) -> None:
        config.add_identity_loader("token", load_by_token, position=1, **options)
        config.add_view(write_by_program, **vars(api_view(context=Users, methods=("POST",))))
        settings = vars(api_view(context=Users, name="count", methods=UNSAFE, csrf=False))
        config.add_view(count_letters, **settings)
        settings = vars(api_view(context=Person, name="follow", methods=("POST",), permission="follow"))
        config.add_view(follow_by_program, **settings)
        config.add_view(show_token, context=Root, name="token")

    return extend


@pytest.fixture
def tokens(make_application: Callable[..., Application]) -> Application:
    application = make_application(extend=with_tokens())
    enter(application.browser(), "susan")
    return application


def test_a_token_writes_without_a_session(tokens):
    program = tokens.browser()
    assert program.post("/api/users/", headers=GOOD).json == {"written": True}
    assert bodies(program.get("/explore")) == ["By a program"]


def test_a_loader_may_verify_its_person_again_when_the_transaction_begins(make_application):
    revoked: list[int] = []

    def hold(session: orm.Session, identity: Identity) -> None:
        if identity.id in revoked:
            raise StaleData("The token was revoked.")

    application = make_application(extend=with_tokens(hold=hold))
    enter(application.browser(), "susan")
    program = application.browser()
    program.post("/api/users/", headers=GOOD, status=200)
    with application.database.read() as session:
        revoked.append(session.scalars(sa.select(User.id)).one())
    assert program.post("/api/users/", headers=GOOD, status=409).json["error"]["status"] == 409
    assert bodies(program.get("/explore")) == ["By a program"]


def test_without_a_session_each_browser_has_a_form_token_of_its_own(tokens):
    one, another = tokens.browser(), tokens.browser()
    token = unmask(one.get("/token", headers=GOOD).text)
    assert token == unmask(one.get("/token", headers=GOOD).text)
    assert token != unmask(another.get("/token", headers=GOOD).text)


def test_an_unknown_token_gets_a_401_and_may_not_follow(tokens):
    answer = tokens.browser().post(
        "/api/users/susan/follow", headers={"Authorization": "Bearer wrong"}, status=401
    )
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json["error"]["message"] == "Send valid credentials in the header Authorization."


def test_nor_may_a_person_follow_themselves_by_a_program(tokens):
    answer = tokens.browser().post("/api/users/susan/follow", headers=GOOD, status=403)
    assert answer.json["error"]["message"] == "You cannot follow yourself."


@pytest.mark.parametrize("method", UNSAFE)
def test_a_program_sends_json_of_a_limited_size(make_application, method):
    program = make_application({"microblog.max_body": "1000"}, extend=with_tokens()).browser()
    call = partial(program.request, "/api/users/count", method=method, content_type="application/json")
    assert call(body=b'{"text": "Hello"}').json == {"letters": 5}
    body = b'{"text": "%s"}' % (b"x" * 1000)
    assert call(body=body, status=413).json["error"]["message"] == (
        "This is larger than the 1,000 bytes that are accepted here."
    )
    answer = call(body=b'{"text": "Hello"}', headers={"Transfer-Encoding": "chunked"}, status=411)
    assert answer.json["error"]["title"] == "How long is it?"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_no_method_brings_more_to_a_page(make_application, method):
    browser = make_application({"microblog.max_body": "1000"}).browser()
    browser.request("/explore", method=method, body=b"x" * 1001, status=413)
    browser.request("/explore", method=method, body=b"x" * 1000, status=405)
