"""No request is expensive: any input costs less than 0.3 s of processor time, and is answered.

The requests are in `benchmarks/hostile_requests.py`, and are the same each time.
"""

from __future__ import annotations

import gc
import io
import logging
import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.hostile_requests import FORM, FORMS, HEADERS, KINDS, MULTIPART, HostileRequest, nested, post
from microblog.accounts.queries import get_credentials
from microblog.formdata import MOST_CHARACTERS
from microblog.posts.queries import add_post
from tests.conftest import Application
from tests.cost import MOST_SECONDS, cost_of
from tests.walk import enter, token

MOST_BYTES = 200_000  # of an answer
LONGEST_GIVEN_BACK = 5 * MOST_CHARACTERS  # as long is `"` when it is escaped
PAGE_OF_POSTS = 26
MEGABYTE = 1_000_000


class Sender:
    """Sends requests as they come over the line, as somebody who may be logged in."""

    def __init__(self, application: Application, headers: dict[str, str] | None = None) -> None:
        self.wsgi = application.wsgi
        self._headers = headers or {}

    def send(self, request: HostileRequest) -> tuple[int, int]:
        """The status and the length of the answer."""
        statuses: list[str] = []
        chunks = self.wsgi(self.environ(request), lambda status, headers, *_: statuses.append(status))
        return int(statuses[0].split()[0]), sum(map(len, chunks))

    def environ(self, request: HostileRequest) -> dict[str, Any]:
        path, _, query = request.path.partition("?")
        headers = {**self._headers, **dict(request.headers)}
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        return {
            "CONTENT_TYPE": environ.pop("HTTP_CONTENT_TYPE", ""),
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **environ,
        }

    def faults(self, request: HostileRequest) -> list[str]:
        """What is wrong with the answer: nothing."""
        answers: list[tuple[int, int]] = []
        seconds = cost_of(lambda: answers.append(self.send(request)))
        status, length = answers[0]
        most = MOST_BYTES + (LONGEST_GIVEN_BACK if request.gives_back else 0)
        line = f"{request.name}: {status}, {length:,} bytes, {seconds:.2f} s"
        return [line] if seconds > MOST_SECONDS or status >= 500 or length > most else []


@pytest.fixture
def visitor(application: Application) -> Sender:
    return Sender(application)


@pytest.fixture
def susan(application: Application) -> Sender:
    """Logged in, with a page of posts and the token of her forms."""
    browser = application.browser()
    enter(browser, "susan")
    with application.database.write() as session:
        author = get_credentials(session, "susan")
        assert author is not None
        for _ in range(PAGE_OF_POSTS):
            add_post(session, author[0], "㌖" * 276)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return Sender(application, {"Cookie": cookies, "X-CSRF-Token": token(browser)})


@pytest.mark.parametrize("kind", KINDS)
def test_no_request_of_a_visitor_is_expensive(visitor, kind):
    requests = KINDS[kind](random.Random(8))
    assert [fault for request in requests for fault in visitor.faults(request)] == []


@pytest.mark.parametrize("kind", ["long fields", "long addresses", "multiparts of random pieces"])
def test_no_request_of_a_person_is_expensive(susan, kind):
    requests = KINDS[kind](random.Random(8))
    assert [fault for request in requests for fault in susan.faults(request)] == []


# Combinations of their parts, by hypothesis

PARTS = st.sampled_from(
    [
        *(
            "Content-Disposition: form-data; name=",
            '"',
            ";",
            "\\",
            "\r\n",
            "\r\n\r\n",
            "--XXboundary",
            "--",
            "\n",
        ),
        *(
            "; filename=",
            "Content-Type: multipart/mixed; boundary=",
            "x",
            "a=1&",
            "&",
            "=",
            "%",
            "%41",
            "+",
            "é",
        ),
        *(
            "body=",
            "csrf_token=",
            "\x00",
            "\xff",
            "{",
            "[",
            "name=x",
            "; charset=utf-16",
            "\u0301\u0316",
            "㌖",
        ),
    ]
)
TYPES = st.sampled_from([FORM, MULTIPART, "application/json", "text/plain", f"{FORM}; charset=utf-16", ""])


@settings(derandomize=True, max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=TYPES,
    start=st.lists(PARTS, max_size=5).map("".join),
    unit=st.lists(PARTS, min_size=1, max_size=4).map("".join),
    times=st.sampled_from([1, 99, 10_000, MEGABYTE]),
    path=st.sampled_from(sorted(FORMS)),
    header=st.tuples(
        st.sampled_from(HEADERS), st.lists(PARTS, max_size=3).map("".join), st.integers(0, 300_000)
    ),
)
def test_no_combination_is_expensive(visitor, kind, start, unit, times, path, header):
    body = (start + unit * min(times, MEGABYTE // len(unit.encode()))).encode()[:MEGABYTE]
    name, piece, length = header
    value = (piece * length)[:length].encode().decode("latin-1")
    headers = (("Content-Type", kind), (name, value))
    request = HostileRequest(f"{kind} {start} {unit} {header}", "POST", path, headers, body, gives_back=True)
    assert visitor.faults(request) == []


# Memory, and the log


def test_many_at_once_take_no_memory_to_speak_of(visitor):
    """Eight times a million bytes of `x=&` took 500 MB."""
    request = post("flood", b"x=&" * 330_000)
    gc.collect()
    tracemalloc.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda number: visitor.send(request)[0], range(8)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert statuses == [413] * 8
    assert peak < 30 * MEGABYTE


@pytest.mark.parametrize("times", [2, 400, 10_000])
def test_parts_within_parts_are_refused_in_one_line_of_the_log(visitor, caplog, times):
    caplog.set_level(logging.INFO)
    status, _ = visitor.send(post("nested", nested(times)[:MEGABYTE], MULTIPART))
    assert status == 400
    lines = [record for record in caplog.records if record.name != "microblog.access"]
    assert [record.levelname for record in lines] == ["INFO"]
    assert not any(record.exc_info for record in lines)


def test_a_form_from_another_site_is_not_read(visitor):
    class Unread(io.BytesIO):
        def read(self, *size: Any) -> bytes:
            raise AssertionError("This was read.")

    request = post("elsewhere", b"a=1", path="/login")
    environ = visitor.environ(request) | {
        "HTTP_ORIGIN": "http://evil.example",
        "webob.is_body_seekable": True,
    }
    environ["wsgi.input"] = Unread(b"a=1")
    statuses: list[str] = []
    assert b"sent from another site" in b"".join(
        visitor.wsgi(environ, lambda status, headers, *_: statuses.append(status))
    )
    assert statuses == ["400 Bad Request"]


@pytest.mark.parametrize("lengths", [range(49, 57), range(9, 17)])
def test_a_page_of_long_words_is_highlighted_in_no_time(susan, lengths):
    phrases = " ".join(f'"{"㌖" * length}"' for length in lengths)
    found = HostileRequest("marked", path=f"/search?q={quote(phrases)}")
    status, length = susan.send(found)
    assert status == 200
    assert length > PAGE_OF_POSTS * 276  # the posts were found
    assert cost_of(lambda: susan.send(found), 0.1) < 0.1
