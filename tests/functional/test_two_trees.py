"""Pages and JSON are two trees over the same resources: neither leaks into the other."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
import sqlalchemy as sa
from pyramid.config import Configurator, not_
from pyramid.security import NO_PERMISSION_REQUIRED

from microblog.accounts.models import User
from microblog.events import RequestFailed
from microblog.people.resources import Person
from microblog.posts.resources import PostPage
from microblog.security.cookies import SESSION_COOKIE
from microblog.tree import Api
from microblog.web.api import api_view
from tests.conftest import Application, counted_statements
from tests.walk import enter, post_ids, token, write

PAGES = [
    "/explore",
    "/search",
    "/users/",
    "/users/susan",
    "/posts/{post}",
    "/login",
    "/admin/",
    "/health/live",
]


@pytest.fixture
def susan(application: Application) -> Any:
    browser = application.browser()
    enter(browser, "susan")
    return browser


def error_of(answer: Any) -> dict[str, Any]:
    assert answer.content_type == "application/json"
    assert "<" not in answer.text
    error: dict[str, Any] = answer.json["error"]
    assert error["status"] == answer.status_int
    return error


def test_the_root_of_the_api_describes_it(make_application):
    settings = {"microblog.site_name": "Chez Susan", "microblog.api.documentation": "https://example.org/api"}
    answer = make_application(settings).browser().get("/api/")
    assert answer.content_type == "application/json"
    assert answer.json == {
        "name": "Chez Susan",
        "version": version("microblog"),
        "documentation": "https://example.org/api",
    }


def test_its_other_spelling_leads_there_without_a_page(browser):
    answer = browser.get("/api", headers={"Accept": "text/html"}, status=301)
    assert answer.location == "http://localhost/api/"
    assert answer.content_type == "application/json"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_found_below_the_api(susan, path):
    """Regardless of the Accept header."""
    path = path.format(post=post_ids(write(susan, "Hello"))[0])
    assert susan.get(path, status="*").status_int != 404
    answer = susan.get(f"/api{path}", headers={"Accept": "text/html"}, status=404)
    assert error_of(answer)["title"] == "Not found"


def test_the_api_is_not_below_itself(browser):
    error_of(browser.get("/api/api/", status=404))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_an_unknown_method_is_refused_in_json(susan, method):
    answer = susan.request("/api/", method=method, headers={"Authorization": "Bearer x"}, status=405)
    error_of(answer)
    assert answer.headers["Allow"] == "GET, HEAD"
    # What a page understands does not count.
    elsewhere = susan.request(
        "/api/users/susan", method=method, headers={"Authorization": "Bearer x"}, status=404
    )
    assert "Allow" not in elsewhere.headers


@pytest.mark.parametrize(
    "path", ["/api/posts/1/delete", "/api/posts/", "/api/users/susan/follow", "/api/login"]
)
def test_no_form_is_taken_below_the_api(susan, path):
    fields = {"csrf_token": token(susan), "body": "Hello"}
    for headers in ({}, {"Authorization": "Bearer x"}):
        answer = susan.post(path, fields, headers, status="*")
        assert error_of(answer)["status"] == 404
        assert "Set-Cookie" not in answer.headers


def test_an_unreadable_address_is_refused_in_json(browser):
    error_of(browser.get("/api/%ff", status=400))
    error_of(browser.get("/api/", headers={"Host": "<host>"}, status=400))


class Broken(Exception):
    """What a view of a test raises."""


def describe_reader(person: Person, request: Any) -> Any:
    return {"nickname": person.person.nickname, "reader": request.identity and request.identity.nickname}


def rename(person: Person, request: Any) -> Any:
    request.begin_write().execute(sa.update(User).values(about_me="changed by a program"))
    return {"changed": True}


def fail(person: Person, request: Any) -> Any:
    raise Broken("<b>broken</b>")


def extend(config: Configurator) -> None:
    for view, method in ((describe_reader, "GET"), (rename, "PUT"), (fail, "DELETE")):
        settings = vars(api_view(context=Person, methods=(method,), permission=NO_PERMISSION_REQUIRED))
        config.add_view(view, **settings)
    config.add_view(lambda post, request: {"id": str(post.post.id)}, **vars(api_view(context=PostPage)))


@pytest.fixture
def extended(make_application: Callable[..., Application]) -> Application:
    return make_application(extend=extend)


def test_the_same_resources_answer_programs(extended):
    browser = extended.browser()
    enter(browser, "susan")
    post_id = post_ids(write(browser, "Hello"))[0]
    assert browser.get(f"/api/posts/{post_id}").json == {"id": str(post_id)}
    assert browser.get(f"/posts/{post_id}").content_type == "text/html"
    assert browser.get("/api/users/SUSAN", status=301).location == "http://localhost/api/users/susan"


def test_cookies_are_not_read_below_the_api(extended):
    browser = extended.browser()
    enter(browser, "susan")
    assert browser.cookies[SESSION_COOKIE]
    with counted_statements(extended.database) as statements:
        answer = browser.get("/api/users/susan")
    assert answer.json == {"nickname": "susan", "reader": None}
    assert [sql for sql in statements if "sessions" in sql] == []
    assert "Set-Cookie" not in answer.headers


def test_a_program_changes_something_with_credentials_in_a_header_only(extended):
    browser = extended.browser()
    enter(browser, "susan")
    csrf = {"X-CSRF-Token": token(browser)}
    answer = browser.put("/api/users/susan", headers=csrf, status=401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    error = error_of(answer)
    assert error["message"] == "Send credentials in the header Authorization: cookies are not read here."
    assert browser.put("/api/users/susan", headers={"Authorization": "Bearer x"}).json == {"changed": True}
    assert "changed by a program" in browser.get("/users/susan")


@pytest.mark.parametrize("slashes", ["//", "/%2F/"])
def test_a_slash_too_many_leads_to_the_same_tree(extended, slashes):
    """Traversal leaves empty segments out."""
    browser = extended.browser()
    enter(browser, "susan")
    error_of(browser.get(f"{slashes}api/nothing", status=404))
    with counted_statements(extended.database) as statements:
        answer = browser.get(f"{slashes}api/users/susan", status=301)
    assert answer.location == "http://localhost/api/users/susan"
    assert answer.content_type == "application/json"
    assert [sql for sql in statements if "sessions" in sql] == []
    error_of(browser.put(f"{slashes}api/users/susan", headers={"X-CSRF-Token": token(browser)}, status=401))


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobodys"}])
def test_who_asks_for_what_is_not_for_everybody_is_asked_for_credentials(make_application, headers):
    def extend(config: Configurator) -> None:
        settings = vars(api_view(context=Person, permission="follow"))
        config.add_view(lambda person, request: {}, **settings)

    application = make_application(extend=extend)
    enter(application.browser(), "susan")
    answer = application.browser().get("/api/users/susan", headers=headers, status=401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert error_of(answer)["message"] == "Send valid credentials in the header Authorization."


def test_every_view_is_in_exactly_one_tree(make_application):
    """With everything switched on that has a page of its own."""
    application = make_application({"microblog.metrics": "true"})
    for item in application.registry.introspector.get_category("views"):
        view = item["introspectable"]
        if not isinstance(view["context"], type) or issubclass(view["context"], BaseException):
            continue
        is_below_the_api = view["containment"] is Api
        is_above = isinstance(view["containment"], not_) and view["containment"].value is Api
        assert (is_above, is_below_the_api) == (bool(view.get("page")), bool(view.get("api"))), view
        assert is_above != is_below_the_api, view


def test_the_metrics_are_not_below_the_api(make_application):
    browser = make_application({"microblog.metrics": "true"}).browser(REMOTE_ADDR="127.0.0.1")
    assert browser.get("/metrics").content_type == "text/plain"
    error_of(browser.get("/api/metrics", status=404))


def test_a_fault_of_ours_is_reported_in_json(extended, caplog):
    browser = extended.browser()
    enter(browser, "susan")
    headers = {"Authorization": "Bearer x"}
    error = error_of(browser.delete("/api/users/susan", headers=headers, status=500))
    assert error["incident"]
    caplog.clear()


def test_a_fault_is_json_even_when_the_error_page_fails(make_application, caplog):
    """No incident then: a subscriber that fails has kept it from being written down."""

    def refuse(event: Any) -> None:
        raise RuntimeError("no incident")

    def extend_more(config: Configurator) -> None:
        extend(config)
        config.add_subscriber(refuse, RequestFailed)

    browser = make_application(extend=extend_more).browser()
    enter(browser, "susan")
    headers = {"Authorization": "Bearer x"}
    assert error_of(browser.delete("/api/users/susan", headers=headers, status=500))["incident"] is None
    caplog.clear()
