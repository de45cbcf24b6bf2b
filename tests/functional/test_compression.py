"""What is sent compressed, and what is not, because its length would tell of a secret on it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import brotli
import pytest
from pyramid.request import Request
from pyramid.response import Response
from webtest import TestApp

import microblog
from microblog.security.csrf import unmask
from microblog.web.compression import LARGEST_FILE, SHORTEST, compress_file
from tests.conftest import TOOLBAR
from tests.walk import bodies, enter, token, write

STYLESHEET = Path(microblog.__file__).parent / "web" / "static" / "app.css"
BROWSER = "gzip, deflate, br, zstd"
DECODE = {"br": brotli.decompress, "gzip": gzip.decompress}


def ask(browser: TestApp, path: str, accepted: str | None = BROWSER, *, method: str = "GET", **headers: str):
    """What is sent; WebTest itself would decode it."""
    if accepted is not None:
        headers["Accept-Encoding"] = accepted
    cookies = "; ".join(f"{name}={str(value).strip(chr(34))}" for name, value in browser.cookies.items())
    request = Request.blank(path, environ=browser.extra_environ, method=method, headers=headers)
    if cookies:
        request.headers["Cookie"] = cookies
    return request.get_response(browser.app)


def encoding(response) -> str | None:
    return response.headers.get("Content-Encoding")


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, *", "gzip"),
        ("*", "br"),
        ("identity", None),
        ("gzip;q=0, br;q=0", None),
        ("", None),
        ("gzip; q = much", None),
        (None, None),
    ],
)
def test_a_static_file_is_sent_in_the_encoding_that_the_browser_likes_best(browser, accepted, expected):
    response = ask(browser, "/static/app.css", accepted)
    assert encoding(response) == expected
    assert DECODE.get(str(expected), bytes)(response.body) == STYLESHEET.read_bytes()
    assert int(response.headers["Content-Length"]) == len(response.body)
    assert response.headers["Vary"] == "Accept-Encoding"


def test_a_static_file_is_compressed_once_and_to_a_fifth(browser):
    compress_file.cache_clear()
    first = ask(browser, "/static/app.css")
    assert len(first.body) * 4.5 < STYLESHEET.stat().st_size
    assert ask(browser, "/static/app.css").body == first.body
    assert (compress_file.cache_info().misses, compress_file.cache_info().hits) == (1, 1)


def test_a_static_file_that_the_browser_has_is_not_sent_again(browser):
    first = ask(browser, "/static/app.css")
    again = ask(browser, "/static/app.css", **{"If-Modified-Since": first.headers["Last-Modified"]})
    assert (again.status_int, again.body) == (304, b"")


def test_a_part_of_a_static_file_is_a_part_of_the_file_itself(browser):
    response = ask(browser, "/static/app.css", Range="bytes=0-999")
    assert encoding(response) is None
    assert STYLESHEET.read_bytes().startswith(response.body[:1000])


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("style.css", SHORTEST - 1, None),
        ("style.css", SHORTEST, "br"),
        ("style.css", LARGEST_FILE, "br"),
        ("style.css", LARGEST_FILE + 1, None),
        ("picture.png", SHORTEST, None),
    ],
)
def test_a_file_that_is_short_or_large_or_no_text_is_sent_as_it_is(
    make_application, tmp_path, name, size, expected
):
    (tmp_path / name).write_bytes(b"a" * size)
    application = make_application(extend=lambda config: config.add_static_view("more", str(tmp_path)))
    response = ask(application.browser(), f"/more/{name}")
    assert encoding(response) == expected
    assert len(DECODE.get(str(expected), bytes)(response.body)) == size


def test_pages_that_hold_no_secret_are_compressed_for_visitors_and_for_whoever_is_logged_in(application):
    susan, visitor = application.browser(), application.browser()
    enter(susan, "susan")
    write(susan, "hello " * 20)
    susan.get("/")  # shows the message that the post was written
    for browser in (susan, visitor):
        for path in ("/", "/explore", "/users/susan", "/users/susan/followers", "/users/", "/search?q=hello"):
            response = ask(browser, path)
            assert (path, encoding(response)) == (path, "br")
            assert "Accept-Encoding" in response.headers["Vary"]
            assert b"</html>" in brotli.decompress(response.body)


def test_a_head_has_the_headers_of_the_get(application):
    browser = application.browser()
    head, get = (ask(browser, "/search?q=hello", method=method) for method in ("HEAD", "GET"))
    assert head.body == b""
    assert encoding(head) == encoding(get) == "br"


@pytest.mark.parametrize(
    "path", ["/login", "/register", "/account/profile", "/posts/", "/users/susan/follow"]
)
def test_a_page_whose_view_does_not_say_so_is_sent_as_it_is(application, path):
    susan, miguel = application.browser(), application.browser()
    enter(susan, "susan")
    enter(miguel, "miguel")
    response = ask(miguel if "login" not in path and "register" not in path else application.browser(), path)
    assert (response.status_int, encoding(response)) == (200, None)


def test_only_these_pages_are_compressed(application):
    """Before a page is added here: is there anything on it that only its reader may know?"""
    views = application.registry.introspector.get_category("views")
    found = {
        (view["introspectable"]["context"].__name__, view["introspectable"]["name"])
        for view in views
        if view["introspectable"].get("compressed")
    }
    assert found == {
        ("Avatar", ""),
        ("Person", ""),
        ("Person", "followers"),
        ("Person", "following"),
        ("Person", "mentions"),
        ("Person", "replies"),
        ("PostPage", ""),
        ("PostPage", "boosts"),
        ("PostPage", "likes"),
        ("PostPage", "translate"),
        ("Root", ""),
        ("Root", "about"),
        ("Root", "explore"),
        ("Root", "help"),
        ("Root", "privacy"),
        ("Root", "rules"),
        ("Root", "terms"),
        ("Search", ""),
        ("Search", "help"),
        ("Tag", ""),
        ("Tags", ""),
        ("Users", ""),
        ("Versions", ""),
    }


def test_a_page_that_shows_a_message_is_sent_as_it_is(application):
    susan = application.browser()
    enter(susan, "susan")
    form = susan.get("/").forms["compose-form"]
    form["body"] = "hello"
    form.submit(status=303)
    page = ask(susan, "/")
    assert "flash" in page.text
    assert encoding(page) is None
    susan.get("/")
    assert encoding(ask(susan, "/")) == "br"


def test_a_refused_form_and_an_error_are_sent_as_they_are(application):
    susan = application.browser()
    enter(susan, "susan")
    form = susan.get("/").forms["compose-form"]
    form["body"] = "x" * 300
    assert encoding(form.submit(status=422, headers={"Accept-Encoding": "gzip"})) is None
    assert encoding(ask(susan, "/nothing")) is None


def test_a_page_that_a_third_party_serves_by_a_route_is_sent_as_it_is(make_application):
    def extend(config: Any) -> None:
        config.add_route("more", "/more")
        config.add_view(lambda request: Response("secret " * 200), route_name="more")

    response = ask(make_application(extend=extend).browser(), "/more")
    assert encoding(response) is None
    assert "secret" in response.text


def test_what_a_view_has_encoded_itself_is_left_alone(make_application):
    def encoded(request: Any) -> Response:
        return Response(
            gzip.compress(b"hello" * 1000 + b"x"), content_encoding="gzip", content_type="text/html"
        )

    application = make_application(
        extend=lambda config: config.add_view(encoded, name="encoded", compressed=True)
    )
    response = ask(application.browser(), "/encoded")
    assert encoding(response) == "gzip"
    assert gzip.decompress(response.body).endswith(b"hellox")


def test_under_the_debug_toolbar_pages_are_not_compressed(make_application):
    browser = make_application(TOOLBAR).browser(REMOTE_ADDR="127.0.0.1")
    response = ask(browser, "/explore")
    assert encoding(response) is None
    assert "pDebugToolbarHandle" in response.text


def test_the_token_of_a_form_is_written_otherwise_on_each_page_and_each_is_good(application):
    susan = application.browser()
    enter(susan, "susan")
    first, second = token(susan), token(susan)
    assert first != second
    assert len({first[:8], second[:8], first[-8:], second[-8:]}) == 4
    for number, each in enumerate((first, second)):
        susan.post("/posts/", {"body": f"hello {number}", "csrf_token": each}, status=303)


def test_a_form_that_is_sent_again_from_another_page_is_done_once(application):
    susan = application.browser()
    enter(susan, "susan")
    first = dict(susan.get("/").forms["compose-form"].submit_fields())
    first["body"] = "said once"
    again = {**first, "csrf_token": token(susan)}
    assert first["csrf_token"] != again["csrf_token"]
    for form in (first, again):
        susan.post("/posts/", form, status=303)
    assert bodies(susan.get("/explore")) == ["said once"]


def test_the_token_of_a_page_that_was_open_before_the_upgrade_is_good(application):
    susan = application.browser()
    enter(susan, "susan")
    susan.post("/posts/", {"body": "hello", "csrf_token": unmask(token(susan)).hex()}, status=303)


@pytest.mark.parametrize("changed", ["", "0", "zz" * 64, "00" * 64, "00" * 32, "é" * 128, "00" * 5_000])
def test_what_is_no_token_is_refused(application, changed):
    susan = application.browser()
    enter(susan, "susan")
    page = susan.post("/posts/", {"body": "hello", "csrf_token": changed}, status=400)
    assert page.forms["compose-form"]["body"].value == "hello"
