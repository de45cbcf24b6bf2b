"""Responses in a compressed encoding, where nobody can learn a secret from their length (ADR 0034).

Static files are compressed once in each process, as far as they can be; pages anew each time, and only those
whose view says that it holds no secret: `page_view(compressed=True)`.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import brotli
from pyramid.response import FileResponse
from pyramid.settings import aslist
from webob.acceptparse import AcceptEncodingValidHeader

from microblog.call_sites import passes_on
from microblog.request import Registry, Request
from microblog.settings import TOOLBAR
from microblog.web.errors import ERRORS_TWEEN

Encoder = Callable[[bytes], bytes]

# By the names of HTTP; of those that a browser accepts alike, the first one is used.
QUICKLY: Mapping[str, Encoder] = {
    "br": partial(brotli.compress, quality=4),
    "gzip": partial(gzip.compress, compresslevel=4, mtime=0),
}
THOROUGHLY: Mapping[str, Encoder] = {
    "br": partial(brotli.compress, quality=11),
    "gzip": partial(gzip.compress, compresslevel=9, mtime=0),
}
TEXTS = frozenset(
    {"text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml", "text/plain"}
)
SHORTEST = 500  # bytes; less fits into one packet anyway
LARGEST_FILE = 500_000  # bytes; takes a second to compress as far as it can be
MOST_FILES = 64  # kept, in each of their encodings


@lru_cache(maxsize=MOST_FILES)
def compress_file(content: bytes, encoding: str) -> bytes:
    return THOROUGHLY[encoding](content)


def choose_encoding(request: Request) -> str | None:
    """The encoding that the browser likes best; None when it says nothing, or nothing that can be read."""
    accepted = request.accept_encoding
    if not isinstance(accepted, AcceptEncodingValidHeader):
        return None
    offers = accepted.acceptable_offers([*QUICKLY])
    return offers[0][0] if offers else None


def compressed_deriver(view: Any, info: Any) -> Any:
    """A view says by `compressed=True` that its page holds nothing that only its reader may know."""
    if not info.options.get("compressed"):
        return view

    @passes_on
    def without_secrets(context: Any, request: Request) -> Any:
        request.may_be_compressed = True
        return view(context, request)

    return without_secrets


compressed_deriver.options = ("compressed",)  # type: ignore[attr-defined]


def may_be_compressed(request: Request, response: Any, *, is_static: bool) -> bool:
    if response.status_int != 200 or response.content_type not in TEXTS or response.content_encoding:
        return False
    if (response.content_length or 0) < SHORTEST:
        return False
    if is_static:
        return "Range" not in request.headers and response.content_length <= LARGEST_FILE
    return request.may_be_compressed


def compression_tween(handler: Callable[[Any], Any], registry: Registry) -> Callable[[Any], Any]:
    if TOOLBAR in aslist(registry.settings.get("pyramid.includes", "")):
        return handler  # it adds its button to the page that it is given

    @passes_on
    def compression(request: Request) -> Any:
        response = handler(request)
        # Nothing of ours but static files has a route; what others send there may be a page.
        is_static = request.matched_route is not None and isinstance(response, FileResponse)
        if not may_be_compressed(request, response, is_static=is_static):
            return response
        response.vary = (*(response.vary or ()), "Accept-Encoding")
        encoding = choose_encoding(request)
        if encoding is not None:
            compress = partial(compress_file, encoding=encoding) if is_static else QUICKLY[encoding]
            response.body = compress(response.body)
            response.content_encoding = encoding
        return response

    return compression


def includeme(config: Any) -> None:
    config.add_view_deriver(compressed_deriver, name="compressed")
    config.add_tween(f"{__name__}.{compression_tween.__name__}", under=ERRORS_TWEEN)
