"""Bad input: a 4xx with a sentence, nothing lost, and nothing in the log but one line."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup
from webtest import TestApp

from tests.conftest import Application
from tests.walk import PASSWORD, bodies, enter, flashes, token, write

FORM = "application/x-www-form-urlencoded"
NOT_READABLE = "This form could not be read: it is not UTF-8, or broken."
FORGED = "This form was sent from another site, so nothing was done."
TOO_OLD = "This page was too old (or your browser keeps no cookies), so nothing was done."
BOUNDARY = "boundary"


class Answer:
    """The answer to a request that WebTest would not send."""

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = int(status.split(maxsplit=1)[0])
        self.headers = dict(headers)
        self.html = BeautifulSoup(body, "html.parser")

    @property
    def sentence(self) -> str:
        return self.html.select(".sentence")[0].get_text()


def call(
    application: Application, path: str, *, method: str = "GET", body: bytes = b"", **environ: Any
) -> Answer:
    """A request as a server hands it over, with bytes that no browser would send."""
    answer: list[Any] = []
    raw, _, query = path.partition("?")
    request = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": raw,  # latin-1, as WSGI wants it
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": FORM if method == "POST" else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **environ,
    }
    chunks = application.wsgi(request, lambda status, headers, *_: answer.extend((status, headers)))
    return Answer(answer[0], answer[1], b"".join(chunks))


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the application says from here on, from INFO upwards, without the line of each request; clear it
    after the preparations."""
    caplog.set_level(logging.WARNING, "microblog.access")
    caplog.set_level(logging.INFO)
    yield caplog
    caplog.clear()


@pytest.fixture
def susan(application: Application, log: pytest.LogCaptureFixture) -> TestApp:
    browser = application.browser()
    enter(browser, "susan")
    log.clear()
    return browser


def one_line(log: pytest.LogCaptureFixture, status: int) -> None:
    """One line, which begins with the status and holds no line break of somebody's making."""
    messages = [record.getMessage() for record in log.records if record.name.startswith("microblog")]
    assert len(messages) == 1, messages
    assert messages[0].startswith(f"{status} for ")
    assert messages[0].isprintable()
    assert all(record.levelno < logging.WARNING and not record.exc_info for record in log.records)


def sentence(page: Any) -> str:
    return page.html.select(".sentence")[0].get_text()


def errors(page: Any) -> list[str]:
    return [item.get_text() for item in page.html.select(".error-summary li")]


# Addresses


@pytest.mark.parametrize("path", ["/\xff", "/users/\xff", "/\xed\xa0\x80", "/posts/\xc3\x28", "/static/\xff"])
def test_an_address_that_is_not_utf8_is_not_understood(application, log, path):
    answer = call(application, path)
    assert answer.status == 400
    assert answer.sentence == "This address has characters that are not UTF-8."
    one_line(log, 400)


@pytest.mark.parametrize(
    "path", ["/?q=%ff", "/search?q=%ff", "/users/?q=%ED%A0%80", "/login?next=%ff", "/?%ff=1"]
)
def test_a_query_that_is_not_utf8_is_not_understood(browser, log, path):
    page = browser.get(path, status=400)
    assert sentence(page) == "This address has characters that are not UTF-8."
    one_line(log, 400)


@pytest.mark.parametrize("path", ["/", "/explore", "/users/susan", "/users/susan/followers"])
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("before=abc", "“before” in this address must be the number of a post."),
        ("before=", "“before” in this address must be the number of a post."),
        ("before=-1", "“before” in this address must be the number of a post."),
        ("before=%00", "“before” in this address must be the number of a post."),
        ("before=1e3", "“before” in this address must be the number of a post."),
        ("before=%D9%A1", "“before” in this address must be the number of a post."),
        ("before=" + "9" * 30, "“before” in this address must be the number of a post."),
        ("after=" + "9" * 5000, "“after” in this address must be the number of a post."),
        ("before=5&after=3", "A page is either before or after a post, not both."),
    ],
)
def test_an_invalid_position_in_a_list_is_refused_with_a_sentence(susan, log, path, query, words):
    page = susan.get(f"{path}?{query}", status=400)
    assert sentence(page) == words
    one_line(log, 400)


@pytest.mark.parametrize("name", ["0", "9223372036854775807"])
def test_the_smallest_and_the_largest_number_are_positions_in_a_list(susan, name):
    for path in ("/", "/explore", "/users/susan"):
        susan.get(f"{path}?before={name}", status=200)
    assert susan.get(f"/?after={name}", status=303).location == "http://localhost/"


@pytest.mark.parametrize(
    "name",
    ["1" * 30, "9223372036854775808", "-1", "+1", "1_0", "007", "abc", "%00", "%0d%0a", "%D9%A1", "1e3"],
)
def test_a_number_that_no_post_can_have_is_not_found(browser, log, name):
    page = browser.get(f"/posts/{name}", status=404)
    assert sentence(page) == "Post not found."
    one_line(log, 404)


@pytest.mark.parametrize(
    "name",
    [
        "%D1%81usan",  # a Cyrillic с
        "%EF%BD%93usan",  # full width
        "s%E2%80%8Busan",  # zero width
        "%E2%80%AEnasus",  # right to left
        "susan%00",
        "susan%0d%0aSet-Cookie:x=y",
        "s",
        "x" * 31,
        "x" * 3000,
        "sus%20an",
        "'%20OR%201=1--",
        "%",
    ],
)
def test_a_name_that_nobody_can_have_is_not_found(susan, log, name):
    page = susan.get(f"/users/{name}", status=404)
    assert sentence(page) == "There is nothing at this address."
    one_line(log, 404)


@pytest.mark.parametrize(
    "path", ["/users/../", "/users/..", "/posts/../explore", "/./explore", "/static/../../setup.py", "/.."]
)
def test_an_address_does_not_lead_upwards(application, log, path):
    """`/users/..%2f` arrives as `/users/../`."""
    answer = call(application, path)
    assert answer.status == 404
    assert answer.sentence == "There is nothing at this address."
    one_line(log, 404)


@pytest.mark.parametrize("path", ["/static/", "/static/nothing.css", "/static/nothing%00.css"])
def test_a_static_file_that_is_not_there_is_not_found(browser, log, path):
    page = browser.get(path, status=404)
    assert sentence(page) == "There is nothing at this address."
    one_line(log, 404)


@pytest.mark.parametrize(
    "cookie", ["session=\xff; visitor=\xff; flash=\xff", "session=%00", "=;;=", "flash=e30.x"]
)
def test_broken_cookies_are_nobodys(application, log, cookie):
    assert call(application, "/", HTTP_COOKIE=cookie).status == 200
    assert call(application, "/login", HTTP_COOKIE=cookie).status == 200
    assert not log.records


@pytest.mark.parametrize("host", ["[", "[::1", "localhost:abc", ""])
def test_a_broken_host_is_no_fault_of_ours(application, log, host):
    assert call(application, "/explore", HTTP_HOST=host).status in (200, 400)
    assert call(application, "/posts/", HTTP_HOST=host).status in (301, 400)
    answer = call(application, "/login", method="POST", HTTP_HOST=host, HTTP_ORIGIN="http://localhost")
    assert answer.status == 400
    assert all(record.levelno < logging.WARNING for record in log.records)


# Forms


def post_raw(
    application: Application, browser: TestApp, path: str, body: bytes, content_type: str = FORM
) -> Answer:
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return call(application, path, method="POST", body=body, CONTENT_TYPE=content_type, HTTP_COOKIE=cookies)


def multipart(fields: dict[str, bytes], headers: dict[str, str] | None = None) -> bytes:
    """A multipart body; `headers` are added to those of a field, by its name."""
    body = b""
    for name, value in fields.items():
        more = (headers or {}).get(name, "")
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
        body += head.encode() + value + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("body", [b"%FF", b"%ED%A0%80", b"\xff", b"a%C3%28"])
def test_a_text_that_is_not_utf8_is_refused(application, susan, log, body):
    csrf = token(susan).encode()
    answer = post_raw(application, susan, "/posts/", b"csrf_token=" + csrf + b"&body=" + body)
    assert (answer.status, answer.sentence) == (400, NOT_READABLE)
    one_line(log, 400)
    assert bodies(susan.get("/")) == []


def test_the_character_for_what_could_not_be_read_may_be_written(application, susan):
    assert bodies(write(susan, "what is \ufffd? %ff")) == ["what is \ufffd? %ff"]


@pytest.mark.parametrize(
    "content_type",
    [
        f"{FORM}; charset=latin-1",
        f"{FORM}; charset=nonsense",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\xff",
        "multipart/form-data; boundary=another",
    ],
)
def test_a_form_in_an_unknown_shape_does_nothing(application, susan, log, content_type):
    body = multipart({"csrf_token": token(susan).encode(), "body": b"Hello"})
    answer = post_raw(application, susan, "/posts/", body, content_type)
    assert (answer.status, answer.sentence) == (400, NOT_READABLE)
    one_line(log, 400)
    assert bodies(susan.get("/")) == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "", "x", "multipart/mixed; boundary=boundary"]
)
def test_a_body_that_is_no_form_changes_nothing(application, susan, log, content_type):
    body = multipart({"csrf_token": token(susan).encode(), "body": b"Hello"})
    answer = post_raw(application, susan, "/posts/", body, content_type)
    assert answer.status == 415
    assert answer.sentence == "Only forms are accepted here, and this is not one."
    one_line(log, 415)
    assert bodies(susan.get("/")) == []


@pytest.mark.parametrize(
    "header",
    [
        "\r\nContent-Type: text/plain; charset=nonsense",
        "\r\nContent-Type: text/plain; charset=base64",
        "\r\nContent-Type: text/plain; charset=utf-16",
        "\r\nContent-Transfer-Encoding: base64",
    ],
)
def test_a_field_in_another_code_is_refused(application, susan, log, header):
    body = multipart({"csrf_token": token(susan).encode(), "body": b"Hello"}, {"body": header})
    answer = post_raw(application, susan, "/posts/", body, f"multipart/form-data; boundary={BOUNDARY}")
    assert (answer.status, answer.sentence) == (400, NOT_READABLE)
    one_line(log, 400)


def test_lone_surrogates_are_refused_however_they_come(application, susan, log):
    utf_7 = {"body": "\r\nContent-Type: text/plain; charset=utf-7"}
    body = multipart({"csrf_token": token(susan).encode(), "body": b"Hello +2AA-"}, utf_7)
    answer = post_raw(application, susan, "/posts/", body, f"multipart/form-data; boundary={BOUNDARY}")
    assert (answer.status, answer.sentence) == (400, NOT_READABLE)
    one_line(log, 400)


def test_bytes_in_a_multipart_field_that_are_not_utf8_are_refused(application, susan, log):
    body = multipart({"csrf_token": token(susan).encode(), "body": b"Hello \xff"})
    answer = post_raw(application, susan, "/posts/", body, f"multipart/form-data; boundary={BOUNDARY}")
    assert (answer.status, answer.sentence) == (400, NOT_READABLE)
    one_line(log, 400)


def test_a_field_without_a_name_is_refused(application, susan, log):
    body = multipart({"csrf_token": token(susan).encode(), "x": b"Hello"}).replace(b'; name="x"', b"")
    answer = post_raw(application, susan, "/posts/", body, f"multipart/form-data; boundary={BOUNDARY}")
    assert (answer.status, answer.sentence) == (400, NOT_READABLE)
    one_line(log, 400)


def test_a_post_may_come_as_multipart(application, susan):
    body = multipart({"csrf_token": token(susan).encode(), "body": "Grüße %ff".encode()})
    answer = post_raw(application, susan, "/posts/", body, f"multipart/form-data; boundary={BOUNDARY}")
    assert answer.status == 303
    assert bodies(susan.get("/")) == ["Grüße %ff"]


@pytest.mark.parametrize("name", ["body", "next", "key", "picture"])
def test_a_file_in_a_form_is_refused_and_what_was_typed_stays(susan, log, name):
    fields = {"csrf_token": token(susan), "body": "Hello"}
    fields.pop(name, None)
    page = susan.post("/posts/", fields, upload_files=[(name, "x.txt", b"content")], status=422)
    assert "This form takes no files." in errors(page)
    assert page.forms["compose-form"]["body"].value == fields.get("body", "")
    assert bodies(susan.get("/")) == []


def test_a_file_is_no_token(susan, log):
    page = susan.post("/posts/", {"body": "x"}, upload_files=[("csrf_token", "x.txt", b"x")], status=400)
    assert flashes(page)[0].startswith(TOO_OLD)
    assert page.forms["compose-form"]["body"].value == "x"
    one_line(log, 400)


def test_a_body_without_a_length_is_refused(application, log):
    """As some servers hand over chunks; waitress counts them first."""
    chunked: dict[str, Any] = {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
    }
    answer = call(application, "/login", method="POST", body=b"x=&" * 100_000, **chunked)
    assert (answer.status, answer.sentence) == (411, "This does not say how long it is (Content-Length).")
    one_line(log, 411)


def test_a_post_of_nothing_is_too_old(application, log):
    nothing: dict[str, Any] = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "", "CONTENT_TYPE": ""}
    answer = call(application, "/login", method="POST", **nothing)
    assert answer.status == 400
    assert answer.html.select(".flash")[0].get_text().startswith(TOO_OLD)
    one_line(log, 400)


@pytest.mark.parametrize(
    ("environ", "status", "words"),
    [
        ({"QUERY_STRING": "q=" + "a" * 20_000}, 414, "This address is too long."),
        ({"PATH_INFO": "/" + "\xc3\xa9" * 20_000}, 414, "This address is too long."),
        ({"REQUEST_METHOD": "M" * 60_000}, 400, "There is no such method."),
        ({"QUERY_STRING": "q=\r\n"}, 400, "This address has a character that must be escaped"),
        ({"QUERY_STRING": "x=&" * 100}, 400, "This address has more than 100 fields."),
        ({"HTTP_COOKIE": "a" * 10_000}, 431, "The headers of this request are larger than"),
        ({"HTTP_ACCEPT_LANGUAGE": "en-a1-" * 2_000}, 431, "The headers of this request are larger than"),
        ({"HTTP_X_REQUEST_ID": "a" * 200_000}, 431, "The headers of this request are larger than"),
        ({"HTTP_HOST": "a" * 200_000}, 431, "The headers of this request are larger than"),
    ],
)
def test_a_head_that_is_too_long_is_refused_with_a_page(application, log, environ, status, words):
    answer = call(application, "/search", **environ)
    assert answer.status == status
    assert answer.sentence.startswith(words)
    assert "Content-Security-Policy" in answer.headers
    one_line(log, status)


def test_ten_megabytes_are_too_large(susan, log):
    fields = {"csrf_token": token(susan), "body": "x" * 10_000_000}
    page = susan.post("/posts/", fields, status=413)
    assert sentence(page) == "This is larger than the 1,000,000 bytes that are accepted here."
    one_line(log, 413)
    assert bodies(susan.get("/")) == []


def test_the_largest_body_is_a_setting(make_application):
    browser = make_application({"microblog.max_body": "1000"}).browser()
    page = browser.post("/login", {"nickname": "x" * 1000}, status=413)
    assert sentence(page) == "This is larger than the 1,000 bytes that are accepted here."


def test_a_form_with_files_may_be_larger_by_the_pictures_of_a_post(make_application):
    """It is refused for what it is, and not for its size."""
    settings = {
        "microblog.max_body": "1000",
        "microblog.media.max_bytes": "1000000",
        "microblog.media.pictures_per_post": "2",
    }
    browser = make_application(settings).browser()
    files = [("picture", "picture.png", b"x" * 1_990_000)]
    assert browser.post("/login", {}, upload_files=files, status="*").status_int == 400
    files[0] = ("picture", "picture.png", b"x" * 2_001_000)
    page = browser.post("/login", {}, upload_files=files, status=413)
    assert sentence(page) == "This is larger than the 2,001,000 bytes that are accepted here."
    browser.post("/login", {"nickname": "x" * 2000}, status=413)


def test_hundred_kilobytes_of_accents_are_refused_and_stay(susan):
    body = "e" + "\u0301" * 50_000
    page = susan.post("/posts/", {"csrf_token": token(susan), "body": body}, status=422)
    assert errors(page) == ["This is far too long: at most 280 characters."]
    assert page.forms["compose-form"]["body"].value == body


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x85", "\x7f"])
def test_a_control_character_is_refused_in_every_field(susan, application, character):
    csrf = token(susan)
    susan.post("/posts/", {"csrf_token": csrf, "body": f"a{character}b"}, status=422)
    susan.post("/account/profile", {"csrf_token": csrf, "nickname": f"su{character}an"}, status=422)
    profile = {"csrf_token": csrf, "nickname": "susan", "about_me": f"a{character}b"}
    susan.post("/account/profile", profile, status=422)
    visitor = application.browser()
    person = {
        "csrf_token": token(visitor, "/login"),
        "nickname": "john",
        "email": "john@example.com",
        "password": PASSWORD,
    }
    for name in ("nickname", "email", "password"):
        visitor.post("/register", {**person, name: person[name] + f"a{character}b"}, status=422)
    login = {name: person[name] for name in ("csrf_token", "nickname", "password")}
    for name in ("nickname", "password"):
        visitor.post("/login", {**login, name: f"a{character}b"}, status=422)
    assert bodies(susan.get("/")) == []


@pytest.mark.parametrize(
    "q", ["%00", "a%00b", "%1b", "'", '"', "%25", "-", "*", "NEAR(", "%F0%9F%98%80", "(" * 150]
)
def test_every_search_is_answered(susan, log, q):
    susan.get(f"/search?q={q}", status=200)
    susan.get(f"/users/?q={q}", status=200)
    assert not log.records


@pytest.mark.parametrize("after", ["%00", "%C3%A9", "x" * 5000, "'"])
def test_people_after_nobody_is_an_empty_page(susan, log, after):
    susan.get(f"/users/?after={after}", status=200)
    assert not log.records


# Forged, and out of date


@pytest.mark.parametrize("csrf", ["", "wrong", "é", "\x00", "0" * 64, "0" * 10_000])
def test_a_wrong_token_does_nothing_and_gives_back_what_was_typed(susan, log, csrf):
    page = susan.post("/posts/", {"csrf_token": csrf, "body": "A long <text>\n that I typed"}, status=400)
    assert flashes(page)[0].startswith(TOO_OLD)
    assert page.forms["compose-form"]["body"].value == "A long <text>\n that I typed"
    one_line(log, 400)
    assert bodies(susan.get("/")) == []


def test_a_password_is_never_given_back(browser):
    fields = {"nickname": "susan", "email": "susan@example.com", "password": PASSWORD}
    page = browser.post("/register", fields, status=400)
    form = page.forms["register-form"]
    assert (form["nickname"].value, form["email"].value) == ("susan", "susan@example.com")
    assert PASSWORD not in page.text


def test_the_token_may_come_in_a_header(susan):
    headers = {"X-CSRF-Token": token(susan)}
    susan.post("/posts/", {"body": "Hello"}, headers=headers, status=303)
    assert bodies(susan.get("/")) == ["Hello"]


def test_somebody_elses_token_does_nothing(application, susan):
    john = application.browser()
    enter(john, "john")
    susan.post("/posts/", {"csrf_token": token(john), "body": "Hello"}, status=400)
    assert bodies(susan.get("/")) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://[", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_a_form_of_another_site_does_nothing_and_gets_nothing_back(susan, log, headers):
    fields = {"csrf_token": token(susan), "body": "Planted"}
    page = susan.post("/posts/", fields, headers=headers, status=400)
    assert sentence(page) == FORGED
    assert "Planted" not in page.text
    one_line(log, 400)
    assert bodies(susan.get("/")) == []


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
)
def test_a_form_of_ours_is_taken(susan, headers):
    susan.post("/posts/", {"csrf_token": token(susan), "body": "Mine"}, headers=headers, status=303)
    assert bodies(susan.get("/")) == ["Mine"]


def test_behind_a_proxy_the_configured_address_is_ours_too(make_application):
    application = make_application({"microblog.url": "https://blog.example"})
    browser = application.browser(**{"HTTP_HOST": "blog.example", "wsgi.url_scheme": "https"})
    fields = {"csrf_token": token(browser, "/login"), "nickname": "x", "password": "y"}
    browser.post("/login", fields, headers={"Origin": "https://blog.example"}, status=422)
    browser.post("/login", fields, headers={"Origin": "https://other.example"}, status=400)


# (scheme and Host as they come, microblog.url, Origin)
OURS = [
    ("http", "localhost:6543", None, "http://localhost:6543"),
    ("http", "127.0.0.1:6543", None, "http://127.0.0.1:6543"),
    ("http", "[::1]:6543", None, "http://[::1]:6543"),
    ("http", "ex.org:80", None, "http://ex.org"),
    ("https", "ex.org", None, "https://EX.org:443"),
    ("https", "EX.org:443", None, "https://ex.org"),
    ("https", "ex.org:8443", None, "https://ex.org:8443"),
    ("http", "ex.org", None, "https://ex.org"),  # a proxy ends TLS, and does not say so
    ("http", "ex.org:8443", None, "https://ex.org:8443"),
    ("http", "127.0.0.1:6543", "https://ex.org", "https://ex.org"),
    ("http", "127.0.0.1:6543", "https://ex.org:443/", "https://ex.org"),
    ("http", "127.0.0.1:6543", "http://ex.org:8080", "http://ex.org:8080"),
]
OF_OTHERS = [
    ("https", "ex.org", None, "http://ex.org"),
    ("https", "ex.org", None, "http://ex.org:443"),
    ("https", "ex.org", None, "https://ex.org:8443"),
    ("https", "ex.org:443", None, "http://ex.org:80"),
    ("http", "127.0.0.1:6543", "https://ex.org", "http://ex.org"),
    ("http", "127.0.0.1:6543", "https://ex.org", "http://127.0.0.1:6543"),
    ("http", "ex.org", None, "http://ex.org:6543"),
    ("http", "ex.org", None, "https://ex.org:80"),
    ("http", "localhost:6543", None, "http://localhost"),
    ("http", "localhost:6543", None, "http://127.0.0.1:6543"),
    ("http", "ex.org", None, "ftp://ex.org"),
    ("http", "ex.org", None, "http://ex.org@evil.example"),
    ("http", "ex.org", None, "http://evil.example@ex.org"),
    ("http", "ex.org", None, "http://ex.org/path"),
    ("http", "ex.org", None, "http://ex.org:http"),
    ("http", "ex.org", None, "ex.org"),
    ("http", "ex.org", None, "http://"),
    ("http", "ex.org", None, ""),
]


@pytest.mark.parametrize(
    ("scheme", "host", "public", "origin", "status"),
    [(*case, 422) for case in OURS] + [(*case, 400) for case in OF_OTHERS],
)
def test_an_origin_is_compared_by_scheme_host_and_port(
    make_application, scheme, host, public, origin, status
):
    application = make_application({} if public is None else {"microblog.url": public})
    browser = application.browser(**{"HTTP_HOST": host, "wsgi.url_scheme": scheme})
    page = browser.get("/login")
    fields = {"csrf_token": page.forms["login-form"]["csrf_token"].value, "nickname": "x", "password": "y"}
    # Not by the browser: with microblog.url the host that it asked is not the one that answered.
    browser.reset()
    headers = {"Origin": origin, "Cookie": page.headers["Set-Cookie"].partition(";")[0]}
    browser.post("/login", fields, headers=headers, status=status)


def test_a_forged_form_writes_nothing(susan, application, count_statements):
    cookie = susan.cookies["session"]
    browser = application.browser()
    browser.set_cookie("session", cookie)
    with count_statements() as statements:
        browser.post("/posts/", {"body": "x"}, headers={"Sec-Fetch-Site": "cross-site"}, status=400)
    # Who it is, and the numbers in the header of the page that refuses it.
    assert [statement.partition(" ")[0] for statement in statements] == ["SELECT", "SELECT"]
