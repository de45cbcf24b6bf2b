"""A real nginx with the site of deploy/, which sends the pictures that the application names to it."""

from __future__ import annotations

import grp
import os
import pwd
import threading
from contextlib import contextmanager
from typing import Any

import pytest
from waitress.server import create_server

from microblog.media.storage.interfaces import get_storage
from tests.nginx import serving

NAME = "-Ab_0123456789abcdefgh-0.webp"
PATH = f"/media/{NAME}"
PICTURE = b"RIFF" + bytes(range(256)) * 3000
ACCEL = {"microblog.media.accel_redirect": "/protected-media/"}
HEADERS = {
    "Content-Type": "image/webp",
    "Content-Length": str(len(PICTURE)),
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "public, max-age=31536000, immutable",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@contextmanager
def make_site(make_application, folder, settings, user=None):
    """nginx, and the application behind it, which has the picture."""
    media = folder / "media"
    application = make_application({"microblog.media.folder": str(media), **settings})
    get_storage(application.registry).put(NAME, PICTURE)
    server: Any = create_server(application.wsgi, host="127.0.0.1", port=0, threads=2, map={})
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with serving(folder, upstream=server.effective_port, media=media, user=user) as nginx:
            yield nginx, application
    finally:
        server.pull_trigger()
        server.close()
        server.task_dispatcher.shutdown()
        thread.join()


@pytest.fixture(params=[ACCEL, {}], ids=["by nginx", "by the site"])
def site(request, make_application, tmp_path):
    """These, and whether nginx sends the pictures."""
    with make_site(make_application, tmp_path, request.param) as (nginx, application):
        yield nginx, application, bool(request.param)


def test_a_picture_comes_with_all_its_headers_whoever_sends_it(site):
    nginx, _, by_nginx = site
    for method, body in (("GET", PICTURE), ("HEAD", b"")):
        answer = nginx.get(PATH, method=method)
        assert (answer.status, answer.body) == (200, body)
        assert {name: answer.headers.get_all(name) for name in HEADERS} == {
            name: [text] for name, text in HEADERS.items()
        }
        assert answer.headers.get_all("Accept-Ranges") == ["none"]
        assert "X-Accel-Redirect" not in answer.headers
        assert "Set-Cookie" not in answer.headers
    # nginx makes a tag of its own, of the time and the size.
    tag = nginx.get(PATH).headers["ETag"]
    assert (tag == f'"{NAME[:-5]}"') is not by_nginx
    assert nginx.get(PATH, If_None_Match=tag).status == 304
    assert nginx.get(PATH, If_None_Match='"another"').body == PICTURE
    assert nginx.get(PATH, Range="bytes=0-9").body == PICTURE


def test_nobody_gets_a_file_past_the_application(site):
    nginx, _, _ = site
    for path in (
        f"/protected-media/-A/{NAME}",
        "/protected-media/",
        "/protected-media/../../../etc/passwd",
        f"/media/../protected-media/-A/{NAME}",
        f"/media/..%2Fprotected-media/-A/{NAME}",
        f"/media/-A/{NAME}",
    ):
        answer = nginx.get(path)
        assert answer.status in (400, 404)
        assert PICTURE not in answer.body


def test_a_picture_that_is_not_there_is_not_kept_by_anybody(site):
    nginx, application, _ = site
    get_storage(application.registry).delete([NAME])
    answer = nginx.get(PATH)
    assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.skipif(os.geteuid() != 0, reason="Run as root, so that nginx can run as another user.")
def test_a_picture_that_nginx_may_not_read_is_not_kept_by_anybody(make_application, tmp_path):
    with make_site(
        make_application,
        tmp_path,
        ACCEL,
        user=f"nobody {grp.getgrgid(pwd.getpwnam('nobody').pw_gid).gr_name}",
    ) as (nginx, _):
        answer = nginx.get(PATH)
        assert answer.status in (403, 404)
        assert "Cache-Control" not in answer.headers
        assert PICTURE not in answer.body
