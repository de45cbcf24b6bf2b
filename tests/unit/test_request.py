"""What a request says of itself is read within limits, and never fails later."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyramid.httpexceptions import (
    HTTPBadRequest,
    HTTPForbidden,
    HTTPLengthRequired,
    HTTPRequestEntityTooLarge,
    HTTPRequestHeaderFieldsTooLarge,
    HTTPRequestURITooLong,
    HTTPUnsupportedMediaType,
)
from pyramid.registry import Registry as PyramidRegistry
from webob import Request as WebObRequest

from microblog.formdata import MOST_FIELDS, Upload
from microblog.request import (
    LONGEST_ADDRESS,
    LONGEST_HEADER,
    LONGEST_HEADERS,
    MAX_BODY,
    Request,
    retry_if_kept,
)
from tests.cost import cost_of

MULTIPART = "multipart/form-data; boundary=b"
FILE = (
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n\r\ncontent\r\n'
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\ntext\r\n--b--\r\n'
)


class Registry:
    microblog = {MAX_BODY: 2_000}
    bytes_for_files = 500


def blank(path="/", **more):
    request: Any = Request(WebObRequest.blank(path, **more).environ)
    request.registry = Registry()
    return request


# The head


def test_a_usual_request_is_not_refused():
    request = blank(f"/{'a' * 1000}?q={'a' * 1000}", headers={"Cookie": "a=1", "User-Agent": "x" * 500})
    assert request.refusal is None
    assert request.cookies["a"] == "1"
    assert request.GET["q"] == "a" * 1000


def test_the_longest_address_is_kept_and_a_longer_one_is_cut_and_refused():
    kept = blank(f"/?{'a' * LONGEST_ADDRESS}")
    assert kept.refusal is None
    for path in (f"/?{'a' * (LONGEST_ADDRESS + 1)}", f"/{'a' * LONGEST_ADDRESS}"):
        request = blank(path)
        assert isinstance(request.refusal, HTTPRequestURITooLong)
        assert len(request.query_string) <= LONGEST_ADDRESS
        assert len(request.path_info) <= LONGEST_ADDRESS


def test_an_address_has_as_many_fields_as_allowed_and_no_more():
    assert len(blank("/?" + "&".join(["x="] * MOST_FIELDS)).GET) == MOST_FIELDS
    request = blank("/?" + "&".join(["x="] * (MOST_FIELDS + 1)))
    assert isinstance(request.refusal, HTTPBadRequest)
    assert len(request.GET) == 0


@pytest.mark.parametrize("character", ["\r", "\n", "\r\nX: y", "\x00", "\t", "\x7f"])
def test_a_query_that_holds_a_control_character_is_refused_and_dropped(character):
    """A redirect to the same query would put it into a header."""
    environ = WebObRequest.blank("/explore/").environ | {"QUERY_STRING": f"q=a{character}"}
    request = Request(environ)
    assert isinstance(request.refusal, HTTPBadRequest)
    assert request.query_string == ""


@pytest.mark.parametrize("name", ["PATH_INFO", "QUERY_STRING"])
@pytest.mark.parametrize("text", ["/\xff", "/\xed\xa0\x80", "/" + "\xc3\xa9" * LONGEST_ADDRESS])
def test_an_address_that_is_not_utf8_or_was_cut_can_be_read_by_everybody(name, text):
    request: Any = Request(WebObRequest.blank("/").environ | {name: text})
    assert request.refusal is not None
    assert isinstance(request.path_info, str)
    assert len(request.GET) <= 1


def test_a_long_method_is_cut_and_refused():
    assert blank(method="M" * 20).refusal is None
    request = blank(method="M" * 60_000)
    assert isinstance(request.refusal, HTTPBadRequest)
    assert request.method == "M" * 20


@pytest.mark.parametrize("name", ["Cookie", "Accept-Language", "X-Request-ID", "Content-Type", "Host"])
def test_a_header_that_is_too_long_is_dropped_and_the_request_refused(name):
    assert blank(headers={name: "a" * LONGEST_HEADER}).refusal is None
    request = blank(headers={name: "a" * (LONGEST_HEADER + 1), "Referer": "x"})
    assert isinstance(request.refusal, HTTPRequestHeaderFieldsTooLarge)
    assert "Referer" not in request.headers
    assert len(request.headers.get(name, "")) <= LONGEST_HEADER


def test_headers_that_are_too_many_are_dropped_and_the_request_refused():
    request = blank(headers={f"X-{number}": "a" * 1000 for number in range(LONGEST_HEADERS // 1000 + 1)})
    assert isinstance(request.refusal, HTTPRequestHeaderFieldsTooLarge)
    assert set(request.headers) == {"Host"}


def test_a_refusal_is_a_new_exception_each_time():
    request = blank(headers={"Cookie": "a" * 10_000})
    assert request.refusal is not request.refusal
    assert isinstance(Request(request.environ).refusal, HTTPRequestHeaderFieldsTooLarge)


# Cookies


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2 ;c = 3", {"a": "1", "b": "2", "c": "3"}),
        ('a="1 2"; b="', {"a": "1 2", "b": '"'}),
        ("a=b=c==", {"a": "b=c=="}),
        ("a=\xc3\xa9; b=\xff; \xff=c; d=1", {"a": "é", "d": "1"}),
        ("a; =; ;; b=", {"": "", "b": ""}),
        ("a=1; a=2", {"a": "2"}),
        ("", {}),
    ],
)
def test_cookies_are_split_at_semicolons(header, cookies):
    request = blank(headers={"Cookie": header})
    assert dict(request.cookies) == cookies
    assert dict(request.cookies) == cookies


VALUES = st.from_regex(r"[A-Za-z0-9_.-]{1,99}", fullmatch=True)  # as ours are: base64 for addresses


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9_]{1,9}", fullmatch=True), VALUES, max_size=5))
def test_cookies_of_ours_are_read_like_webob_reads_them(cookies):
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    assert dict(blank(headers={"Cookie": header}).cookies) == cookies
    assert dict(WebObRequest.blank("/", headers={"Cookie": header}).cookies) == cookies


def test_a_cookie_that_was_set_is_there():
    request = blank(headers={"Cookie": "a=1"})
    request.cookies["b"] = "2"
    assert dict(request.cookies) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("unit", ["a", "a=", 'a="', "a ", '"\\', ";", "=", "a;"])
def test_no_cookie_is_expensive(unit):
    header = (unit * LONGEST_HEADER)[:LONGEST_HEADER]
    assert cost_of(lambda: list(blank(headers={"Cookie": header}).cookies), 0.03) < 0.03


# The form


class Counting(io.BytesIO):
    reads = 0

    def read(self, *size):
        self.reads += 1
        return super().read(*size)


def posted(body, content_type="application/x-www-form-urlencoded"):
    request = blank(method="POST", content_type=content_type)
    request.body_file_raw = Counting(body)
    request.content_length = len(body)
    request.is_body_seekable = True
    return request


def test_a_form_is_read_once():
    request = posted(b"a=1&a=2&b=")
    assert [*request.POST.items()] == [("a", "1"), ("a", "2"), ("b", "")]
    reads = request.body_file_raw.reads
    assert request.POST.getall("a") == ["1", "2"]
    request.check_form()
    # Another attempt of the request has the same environment.
    assert Request(request.environ).POST["b"] == ""
    assert request.body_file_raw.reads == reads
    assert request.body == b"a=1&a=2&b="


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (b"a=%FF", "application/x-www-form-urlencoded", HTTPBadRequest),
        (b"x=&" * 500, "application/x-www-form-urlencoded", HTTPRequestEntityTooLarge),
        (b"{}", "application/json", HTTPUnsupportedMediaType),
        (b"a=1" * 1000, "application/x-www-form-urlencoded", HTTPRequestEntityTooLarge),
    ],
)
def test_a_form_that_was_refused_is_empty_and_never_read_again(body, content_type, error):
    request = posted(body, content_type)
    with pytest.raises(error):
        request.check_form()
    reads = request.body_file_raw.reads
    assert [*request.POST.items()] == []
    assert request.POST.get("a") is None
    with pytest.raises(error):
        Request(request.environ).check_form()
    assert request.body_file_raw.reads == reads


def test_another_body_is_another_form():
    request = posted(b"a=1")
    assert request.POST["a"] == "1"
    request.body = b"a=2"
    assert request.POST["a"] == "2"


def test_below_the_api_nothing_is_a_form():
    request = posted(b"a=1")
    request.path_info = "//api/posts/"
    request.check_form()
    assert [*request.POST.items()] == []
    assert request.body_file_raw.reads == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "FOO"])
def test_only_a_post_brings_a_form(method):
    request = posted(b"a=1")
    request.method = method
    assert [*request.POST.items()] == []
    assert request.body_file_raw.reads == 0


def test_a_body_of_unknown_length_is_not_read_and_not_copied():
    request = posted(b"a=1")
    del request.environ["CONTENT_LENGTH"]
    request.environ |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    assert retry_if_kept(request) == 1
    with pytest.raises(HTTPLengthRequired):
        request.check_form()
    assert request.body_file_raw.reads == 0


@pytest.mark.parametrize("length", [None, "0", "", "-1", "nonsense"])
def test_without_a_length_there_is_no_form(length):
    """As waitress hands over a GET, or a POST that brings nothing."""
    request = posted(b"a=1", "")
    request.environ |= {"wsgi.input_terminated": True, "CONTENT_LENGTH": length}
    if length is None:
        del request.environ["CONTENT_LENGTH"]
    request.check_form()
    assert [*request.POST.items()] == []
    assert retry_if_kept(request) is None


def test_a_body_that_is_too_large_is_not_copied():
    assert retry_if_kept(posted(b"a" * 2001)) == 1
    assert retry_if_kept(posted(b"a" * 2000)) is None


def sent_as(body):
    request = blank(method="POST", content_type="application/x-www-form-urlencoded")
    request.body_file_raw = body
    request.content_length = 7
    request.is_body_seekable = False
    return request


def test_a_body_that_can_be_read_twice_is_not_copied():
    body = io.BytesIO(b"a=1&b=2")
    body.read(2)  # as a server may leave it
    request = sent_as(body)
    assert [*request.POST.items()] == [("a", "1"), ("b", "2")]
    assert request.body_file_raw is body


def test_a_body_that_can_be_read_once_is_copied(tmp_path):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(b"a=1&b=2")
    with os.fdopen(reading, "rb") as body:
        request = sent_as(body)
        assert [*request.POST.items()] == [("a", "1"), ("b", "2")]
        assert request.body_file_raw is not body


def test_files_are_closed_when_the_request_ends_and_read_anew_by_the_next_attempt():
    request = posted(FILE, MULTIPART)
    upload = request.POST["f"]
    assert isinstance(upload, Upload)
    assert upload.file.read() == b"content"
    request._process_finished_callbacks()
    assert upload.file.closed
    again: Any = Request(request.environ)
    again.registry = Registry()
    assert again.POST["f"].file.read() == b"content"
    assert again.POST["a"] == "text"
    again._process_finished_callbacks()


def test_who_is_logged_in_is_asked_for_only_where_somebody_is():
    request = blank()
    request.registry = PyramidRegistry()  # without a security policy nobody is logged in
    with pytest.raises(HTTPForbidden):
        request.me  # noqa: B018
