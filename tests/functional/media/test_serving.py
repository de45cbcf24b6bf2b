"""`/media/`: what browsers get, from which storage, and for how long."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from microblog.media.storage.checks import describe_storage
from microblog.media.storage.interfaces import StorageUnavailable, get_storage
from microblog.settings import Settings
from tests.contract.shelf import MOST, Shelf
from tests.s3 import S3Server
from tests.walk import enter

NAME = "-Ab_0123456789abcdefgh-0.webp"
OTHER = "-Ab_0123456789abcdefgh-1.webp"
PATH = f"/media/{NAME}"
PICTURE = b"RIFF" + bytes(range(256)) * 3000
ETAG = '"-Ab_0123456789abcdefgh-0"'
ACCEL = {"microblog.media.accel_redirect": "/protected-media/"}
SENT = {
    "Content-Type": "image/webp",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "public, max-age=31536000, immutable",
    "Accept-Ranges": "none",
    "ETag": ETAG,
}


@pytest.fixture(scope="module")
def s3_server():
    with S3Server() as server:
        yield server


@pytest.fixture
def make_site(make_application, tmp_path):
    """An application that has the picture."""

    def make(**settings):
        application = make_application({"microblog.media.folder": str(tmp_path / "media"), **settings})
        get_storage(application.registry).put(NAME, PICTURE)
        return application

    return make


@pytest.fixture(params=["folder", "s3", "tests.contract.shelf.Shelf"])
def site(request, make_site):
    settings = {"microblog.media.storage": request.param}
    if request.param == "s3":
        settings = request.getfixturevalue("s3_server").make_bucket()
    return make_site(**settings)


def ask(browser, path=PATH, status=200, **options):
    """What is sent, and no cookie with it."""
    response = browser.request(path, status=status, **options)
    assert "Set-Cookie" not in response.headers
    return response


def test_a_picture_is_sent_with_the_headers_that_keep_it_harmless_and_cached(site):
    response = ask(site.browser())
    assert response.body == PICTURE
    assert {name: response.headers[name] for name in SENT} == SENT
    assert response.content_length == len(PICTURE)
    assert abs((datetime.now(UTC) - response.last_modified).total_seconds()) < 60
    assert "Vary" not in response.headers


def test_a_picture_takes_neither_a_statement_nor_a_cookie(site, database, count_statements):
    browser = site.browser()
    enter(browser, "susan")
    with count_statements() as statements:
        for path in (PATH, f"/media/{OTHER}"):
            for method in ("GET", "HEAD"):
                ask(browser, path, "*", method=method)
    assert not statements


def test_the_head_of_a_picture_is_that_of_its_answer(site):
    browser = site.browser()
    head, whole = ask(browser, method="HEAD"), ask(browser)
    assert head.body == b""
    for response in (head, whole):
        del response.headers["X-Request-ID"]
    assert {**head.headers} == {**whole.headers}


@pytest.mark.parametrize(
    "condition",
    [
        {"If-None-Match": ETAG},
        {"If-None-Match": f'"other", W/{ETAG}'},
        {"If-None-Match": "*"},
        {"If-None-Match": ETAG, "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Modified-Since": "Fri, 31 Dec 9999 23:59:59 GMT"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_the_picture_does_not_get_it_again(site, condition, method):
    response = ask(site.browser(), status=304, method=method, headers=condition)
    assert response.body == b""
    assert {"Content-Type", "Content-Length"}.isdisjoint(response.headers)
    kept = ("Cache-Control", "Content-Security-Policy", "ETag")
    assert {name: response.headers[name] for name in kept} == {name: SENT[name] for name in kept}
    assert response.last_modified


@pytest.mark.parametrize(
    "condition",
    [
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"If-None-Match": "not a tag"},
        {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Modified-Since": "once upon a time"},
        {"Range": "bytes=0-9"},
    ],
)
def test_who_has_another_one_gets_it_whole(site, condition):
    response = ask(site.browser(), headers=condition)
    assert response.body == PICTURE


def test_what_the_browser_has_is_unchanged_since_the_time_that_it_was_told(site):
    browser = site.browser()
    said = ask(browser).headers["Last-Modified"]
    ask(browser, status=304, headers={"If-Modified-Since": said})


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": ETAG}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_picture_that_was_deleted_is_not_found_and_nobody_keeps_that(site, method, headers):
    get_storage(site.registry).delete([NAME])
    response = ask(site.browser(), status=404, method=method, headers=headers)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.content_type == "text/plain"


@pytest.mark.parametrize(
    "path",
    [
        "/media/",
        "/media",
        "/media/x",
        "/media/-A",
        f"/media/-A/{NAME}",
        f"/media/{NAME}/",
        f"/media//{NAME}",
        f"/media/%2F{NAME}",
        f"/media/{NAME}/x",
        f"/media/{NAME}%00",
        f"/media/{NAME}%0A",
        f"/media/{NAME.replace('.webp', '.WEBP')}",
        f"/media/{NAME.replace('.webp', '')}",
        f"/media/.{NAME}.01234567.tmp",
        f"/media/../media/{NAME}",
        f"/media/./{NAME}",
        f"/media/x/../{NAME}",
        "/media/..%2F..%2Fetc%2Fpasswd",
        "/media/%2e%2e/%2e%2e/etc/passwd",
        "/media/..%5c..%5cproduction.ini",
        f"/api/media/{NAME}",
    ],
)
def test_nothing_else_is_there(make_site, path):
    response = ask(make_site().browser(), path, "*")
    # As everywhere, a slash too many leads to the right address.
    assert response.status_int == 404 or response.headers["Location"] == f"http://localhost{PATH}"
    assert PICTURE not in response.body


def test_a_picture_is_only_read(make_site):
    browser = make_site().browser()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        response = ask(browser, method=method, status="*")
        assert response.status_int in (400, 403, 405)
    assert ask(browser).body == PICTURE


def test_the_server_sends_the_file_itself_where_it_can(make_site):
    """As waitress does: what it gives for `wsgi.file_wrapper` comes back to it."""
    made = []

    def wrap(file, size):
        made.append(FileWrapper(file, size))
        return made[-1]

    environ = {"wsgi.file_wrapper": wrap}
    response = make_site().browser().get(PATH, extra_environ=environ)
    assert response.body == PICTURE
    assert [wrapper.filelike.closed for wrapper in made] == [True]


def test_a_storage_without_files_is_sent_in_chunks_also_by_such_a_server(make_site):
    browser = make_site(**{"microblog.media.storage": "tests.contract.shelf.Shelf"}).browser()
    assert browser.get(PATH, extra_environ={"wsgi.file_wrapper": FileWrapper}).body == PICTURE


# A storage that is away


class Away(Shelf):
    """It works no more."""

    is_known = False

    def find(self, file_name):
        raise StorageUnavailable("The shelf has fallen down.", is_known=self.is_known)

    read = find


@pytest.mark.parametrize(("is_known", "logged"), [(False, 2), (True, 0)])
def test_a_storage_that_is_away_is_told_and_logged_unless_it_was(make_application, caplog, is_known, logged):
    settings = Settings({}, {})
    settings.declare(MOST)
    storage = Away(settings)
    storage.is_known = is_known
    browser = make_application(extend=lambda config: config.set_picture_storage(storage)).browser()
    with caplog.at_level(logging.ERROR, "microblog"):
        for method in ("GET", "HEAD"):
            response = ask(browser, status=503, method=method)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Retry-After"] == "5"
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["A picture could not be read: The shelf has fallen down."] * logged


def test_a_server_that_dies_leaves_the_site_its_pages(make_application, s3_server):
    with S3Server() as own:
        values = {**own.make_bucket(), "microblog.media.s3.timeout": "5"}
        application = make_application(values)
        get_storage(application.registry).put(NAME, PICTURE)
        browser = application.browser()
        assert ask(browser).body == PICTURE
        own.kill()
        ask(browser, status=503)
        ask(browser, status=503)
        assert "pictures: Pictures: the bucket" in browser.get("/health/ready", status=503).text
        browser.get("/explore", status=200)


# nginx


def test_nginx_is_told_where_the_picture_is_and_gets_no_body(make_site):
    browser = make_site(**ACCEL).browser()
    for method in ("GET", "HEAD"):
        response = ask(browser, method=method)
        assert response.headers["X-Accel-Redirect"] == f"/protected-media/-A/{NAME}"
        assert {name: response.headers.get(name) for name in SENT} == {**SENT, "Cache-Control": None}
        assert response.body == b""
    ask(browser, status=304, headers={"If-None-Match": ETAG})
    ask(browser, f"/media/{OTHER}", 404)


def test_without_that_setting_nobody_is_told(make_site):
    assert "X-Accel-Redirect" not in ask(make_site().browser()).headers


# Its check


def test_doctor_stores_something_and_says_where(make_application, tmp_path):
    registry = make_application({"microblog.media.folder": str(tmp_path / "media")}).registry
    site: Any = SimpleNamespace(registry=registry)
    (finding,) = describe_storage(site)
    assert (finding.level, finding.sentence) == ("ok", f"Pictures are kept in the folder {tmp_path}/media.")
    (tmp_path / "media").rmdir()
    (tmp_path / "media").touch()
    (finding,) = describe_storage(site)
    assert finding.level == "fault"
    assert "cannot be used (Not a directory)" in finding.sentence
