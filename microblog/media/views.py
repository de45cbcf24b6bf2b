"""Sends pictures: without the database and without a cookie, so that one costs no more than a static file."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Final

from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from microblog.media.resources import PictureFile
from microblog.media.storage.interfaces import StorageUnavailable, StoredFile, get_storage
from microblog.media.storage.names import get_path
from microblog.media.storage.settings import ACCEL_REDIRECT
from microblog.request import Request
from microblog.web.pages import STATIC_SECONDS, page_view

log = logging.getLogger(__name__)

BLOCK_BYTES: Final = 1 << 18
RETRY_SECONDS: Final = 5
# A name always has the same content. What is in it came from a stranger: should a browser ever take it for a
# page, it may do nothing.
HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": f"public, max-age={STATIC_SECONDS}, immutable",
    "Accept-Ranges": "none",
}


@page_view(context=PictureFile, permission=NO_PERMISSION_REQUIRED)  # does not load the identity, either
def picture(file: PictureFile, request: Request) -> Response:
    try:
        return send(file.__name__, request)
    except StorageUnavailable as error:
        if not error.is_known:
            log.error("A picture could not be read: %s", error)
        response = say("This picture cannot be read at the moment.\n", 503)
        response.retry_after = RETRY_SECONDS
        return response


def send(name: str, request: Request) -> Response:
    """
    :raises StorageUnavailable: when nobody knows whether there is such a picture.
    """
    storage = get_storage(request.registry)
    accel = request.microblog[ACCEL_REDIRECT]
    is_conditional = "If-None-Match" in request.headers or "If-Modified-Since" in request.headers
    if request.method == "HEAD" or accel is not None or is_conditional:
        found = storage.find(name)
        if found is None:
            return say_not_found()
        if is_conditional and is_unchanged(request, make_etag(name), found.modified):
            response = Response(status=304)
            del response.content_type, response.content_length
            return describe(response, name, found.modified)
        if request.method == "HEAD" or accel is not None:
            response = Response(content_type="image/webp")
            describe(response, name, found.modified)
            if accel is not None:
                response.headers["X-Accel-Redirect"] = f"{accel}{get_path(name)}"
                # nginx adds it to what it could read; this one would also be on its errors.
                del response.headers["Cache-Control"]
            else:
                response.content_length = found.size
            return response
    stored = storage.read(name)
    if stored is None:
        return say_not_found()
    response = Response(content_type="image/webp", app_iter=get_body(request, stored))
    response.content_length = stored.size
    return describe(response, name, stored.info.modified)


def make_etag(name: str) -> str:
    return name.partition(".")[0]


def describe(response: Response, name: str, modified: datetime) -> Response:
    response.headers.update(HEADERS)
    response.etag = make_etag(name)
    response.last_modified = modified
    return response


def is_unchanged(request: Request, etag: str, modified: datetime) -> bool:
    """Has the browser this picture already? What it says of the time counts only without a tag (RFC 9110)."""
    if "If-None-Match" in request.headers:
        return etag in request.if_none_match
    since = request.if_modified_since
    return since is not None and modified.replace(microsecond=0) <= since


class Chunks:
    """The body of an answer; the server closes it, however it ends."""

    def __init__(self, stored: StoredFile) -> None:
        self._stored = stored

    def __iter__(self) -> Any:
        return iter(self._stored.data)

    def close(self) -> None:
        self._stored.close()


def get_body(request: Request, stored: StoredFile) -> Any:
    """By the server itself where it can send a file."""
    wrapper = request.environ.get("wsgi.file_wrapper")
    if wrapper is not None and stored.file is not None:
        return wrapper(stored.file, BLOCK_BYTES)
    return Chunks(stored)


def say(text: str, status: int) -> Response:
    """No page: whoever asks shows a picture."""
    return Response(text, status=status, content_type="text/plain", charset="UTF-8", cache_control="no-store")


def say_not_found() -> Response:
    return say("There is no such picture.\n", 404)
