"""The headers of every response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from microblog.call_sites import passes_on
from microblog.request import Registry, Request
from microblog.security.settings import PUBLIC_URL

SELF = "'self'"
CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "img-src": "'self'",
    "manifest-src": "'self'",
    "object-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
}


def add_content_source(config: Any, directive: str, source: str) -> None:
    """Directive: pages may use what comes from there: `config.add_content_source("img-src", "https://…")`."""

    def register() -> None:
        policy = config.registry.content_security_policy
        policy[directive] = f"{policy.get(directive, SELF)} {source}"

    config.action(None, register)


def headers_tween(handler: Callable[[Any], Any], registry: Registry) -> Callable[[Any], Any]:
    """The headers of every response, error pages included."""
    policy = "; ".join(f"{name} {sources}" for name, sources in registry.content_security_policy.items())

    public = registry.microblog[PUBLIC_URL]

    @passes_on
    def headers(request: Request) -> Any:
        if public is not None:
            # Absolute redirects are made from these, and a proxy may have changed them.
            parts = urlsplit(public)
            request.environ["wsgi.url_scheme"] = parts.scheme
            request.environ["HTTP_HOST"] = parts.netloc
        response = handler(request)
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if request.scheme == "https":
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if response.content_type == "text/html":
            # After one person logs out, the back button must not show their pages to the next one.
            response.headers.setdefault("Cache-Control", "no-store")
            response.vary = ("Cookie", "Accept-Language", *(response.vary or ()))
        return response

    return headers


HEADERS_TWEEN = f"{__name__}.{headers_tween.__name__}"
