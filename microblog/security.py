"""Who it is, what they may do, and what the application lets in and out.

Identity is read first, in a short read-only session of its own. Requests that could be forged are
refused in a tween over the transaction, so that they never open one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound
from pyramid.request import RequestLocalCache
from pyramid.tweens import EXCVIEW

from microblog.accounts.queries import Identity, hold_session, identity_of_session, mark_seen
from microblog.request import MAX_BODY, Request
from microblog.settings import Setting, boolean
from microblog.tree import LONGEST_NEXT

DEVELOPMENT_SECRET = "not-a-secret"  # noqa: S105  # what development.ini's begins with
SECRET_CHARACTERS = 32
TOOLBAR = "pyramid_debugtoolbar"


def secret(value: str) -> str:
    if len(value) < SECRET_CHARACTERS:
        raise ValueError(f"must have {SECRET_CHARACTERS} characters or more")
    return value


DEVELOPMENT = Setting(
    "microblog.development", boolean, False, "For developers: lets the debug toolbar in. Never in production."
)
SECRET = Setting(
    "microblog.secret",
    secret,
    "",
    "Signs CSRF tokens and messages; 32 random characters or more, kept to yourself. Required.",
    secret=True,
)
SECURE_COOKIES = Setting(
    "microblog.cookies.secure", boolean, True, "Cookies travel over https only; false for plain http."
)


def web_address(value: str) -> str | None:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/")):
        raise ValueError("must be like https://example.org, without a path")
    return value or None


PUBLIC_URL = Setting(
    "microblog.url",
    web_address,
    None,
    "The address under which people see the site, such as https://example.org, "
    "when a proxy in front ends TLS or changes the Host header.",
)
# A name or an address, and a port: what else stands in the header would end up in redirects.
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?")
DEFAULT_PORTS = {"http": 80, "https": 443}
SESSION_COOKIE = "session"
VISITOR_COOKIE = "visitor"
SEEN_EVERY = timedelta(minutes=1)


# Cookies


def cookie_name(request: Request, name: str) -> str:
    """Over https the name begins with `__Host-`: no other host of the domain can set it."""
    return f"__Host-{name}" if request.microblog[SECURE_COOKIES] else name


def set_cookie(request: Request, response: Any, name: str, value: str, max_age: int | None = None) -> None:
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age,
        path="/",
        secure=request.microblog[SECURE_COOKIES],
        httponly=True,
        samesite="Lax",
    )


def delete_cookie(request: Request, response: Any, name: str) -> None:
    # Not response.delete_cookie: it omits what __Host- asks for, and browsers then ignore it.
    set_cookie(request, response, name, "", max_age=0)


# Identity and permissions


class SecurityPolicy:
    """Identity by the session cookie, permissions by the `__acl__` of the resource and its parents."""

    def __init__(self) -> None:
        self._cache = RequestLocalCache(load_identity)
        self._acl = ACLHelper()

    def identity(self, request: Request) -> Identity | None:
        if getattr(request, "without_identity", False):
            return None
        identity: Identity | None = self._cache.get_or_create(request)
        return identity

    def share_identity(self, request: Request, other: Any) -> None:
        """The other request is the same person's."""
        self._cache.set(other, self.identity(request))

    def known_identity(self, request: Request) -> Identity | None:
        """Who it is if somebody has asked already; for the log, which runs no query of its own."""
        identity: Identity | None = self._cache.get(request, None)
        return identity

    def authenticated_userid(self, request: Request) -> str | None:
        identity = self.identity(request)
        return None if identity is None else str(identity.id)

    def permits(self, request: Request, context: Any, permission: str) -> Any:
        return self._acl.permits(context, self.principals(request), permission)

    def principals(self, request: Request) -> list[str]:
        identity = self.identity(request)
        if identity is None:
            return [Everyone]
        principals = [Everyone, Authenticated, f"user:{identity.id}"]
        if identity.is_admin:
            principals.append("group:admin")
        return principals

    # Logging in and out set cookies themselves (accounts/views.py): they need more than a userid.
    def remember(self, request: Request, userid: str, **kw: Any) -> list[tuple[str, str]]:
        return []

    def forget(self, request: Request, **kw: Any) -> list[tuple[str, str]]:
        return []


def load_identity(request: Request) -> Identity | None:
    """The person of the session cookie: one statement, in a session closed at once."""
    token = request.cookies.get(cookie_name(request, SESSION_COOKIE))
    if not token:
        return None
    with request.registry.database.read() as session:
        identity = identity_of_session(session, token_hash(token))
    if identity is not None and datetime.now(UTC) - identity.seen >= SEEN_EVERY:
        request.registry.deferred.put(
            f"seen {identity.id:020} {identity.session}", lambda session: mark_seen(session, identity)
        )
    return identity


def hold_identity(request: Request, session: Any) -> None:
    """Whoever sends a POST is still there, and still logged in, when its transaction writes for them.

    :raises StaleData: when they are not; the request starts anew, and is nobody's.
    """
    if request.identity is not None:
        hold_session(session, request.identity)


def token_hash(token: str) -> str:
    """What the database keeps of a session's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


# CSRF


def csrf_token(request: Request) -> str:
    """The token for the forms of this page, bound to the session, or to a visitor's random cookie."""
    identity = request.identity
    if identity is not None:
        return signature(request, f"session:{identity.session}")
    visitor = request.cookies.get(cookie_name(request, VISITOR_COOKIE))
    if not visitor:
        visitor = secrets.token_urlsafe(32)
        request.add_response_callback(
            lambda request, response: set_cookie(request, response, VISITOR_COOKIE, visitor)
        )
    return signature(request, f"visitor:{visitor}")


def signature(request: Request, text: str) -> str:
    key = request.microblog[SECRET].encode()
    return hmac.new(key, f"csrf:{text}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


class BadCSRF(HTTPBadRequest):
    """The form was not sent from one of our pages, or from a page that is too old."""


def is_same_origin(request: Request) -> bool:
    """Do the headers that only the browser itself sets agree that the form is ours?

    Browsers send `Sec-Fetch-Site` over https and on localhost, and `Origin` with each POST. A client
    that sends neither is no browser; the token decides.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        scheme, host, port = origin_parts(origin)
        our_scheme, our_host, our_port = origin_parts(request.host_url)
    except ValueError:
        return False
    if (scheme, our_scheme) == ("https", "http"):
        # A proxy ends TLS and does not say so: what we take for http is https outside.
        our_port = 443 if our_port == 80 else our_port
        our_scheme = "https"
    return (scheme, host, port) == (our_scheme, our_host, our_port)


def origin_parts(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, as browsers compare them: `https://EX.org:443` is `https://ex.org`.

    :raises ValueError: when it is not the address of a site.
    """
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.path or "@" in parts.netloc:
        raise ValueError("not the address of a site")
    return parts.scheme, parts.hostname, DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port


def check_origin(request: Request) -> None:
    """:raises BadCSRF: when the POST was sent from a page of another site. Reads no form."""
    if not is_same_origin(request):
        raise BadCSRF("This form was sent from another site, so nothing was done.")


def posted_token(request: Request) -> str:
    """The CSRF token that came with the form, or in a header; a file is none."""
    token = request.POST.get("csrf_token", "") or request.headers.get("X-CSRF-Token", "")
    return token if isinstance(token, str) else ""


def check_token(request: Request) -> None:
    """:raises BadCSRF: when the POST was not sent from a form of ours."""
    if not is_same_token(posted_token(request), request.csrf_token):
        raise BadCSRF(
            "This form is too old, or your browser keeps no cookies, so nothing was done. "
            "Open the page again and send it once more."
        )


def is_form_of_this_browser(request: Request) -> bool:
    """Was the form made for a cookie of this browser, whether or not its session has ended since?"""
    session = request.cookies.get(cookie_name(request, SESSION_COOKIE))
    visitor = request.cookies.get(cookie_name(request, VISITOR_COOKIE))
    owners = [f"session:{token_hash(session)}"] if session else []
    owners += [f"visitor:{visitor}"] if visitor else []
    return any(is_same_token(posted_token(request), signature(request, owner)) for owner in owners)


def is_same_token(token: str, expected: str) -> bool:
    return hmac.compare_digest(token.encode("utf-8", "surrogateescape"), expected.encode())


# Tweens


def gate_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Refuses what cannot be read, what is too large and what may be forged, before any transaction."""

    def gate(request: Request) -> Any:
        if request.refusal is not None:
            raise request.refusal
        if not HOST.fullmatch(request.headers.get("Host", "localhost")):
            raise HTTPBadRequest("The name of the site in this request is not one.")
        if not {".", ".."}.isdisjoint(request.path_info.split("/")):
            # Browsers resolve these themselves; traversal would too, and answer with another page.
            raise HTTPNotFound()
        if request.method == "POST":
            check_origin(request)
            request.check_form()
            # The token is compared under this tween (submissions/sending.py).
        return handler(request)

    return gate


def headers_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """The headers of every response, error pages included."""
    policy = "; ".join(f"{name} {sources}" for name, sources in registry.content_security_policy.items())

    public = registry.microblog[PUBLIC_URL]

    def headers(request: Request) -> Any:
        if public is not None:
            # Redirects are made absolute from these, and a proxy may have changed them.
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
            # What a person saw is not shown to the next one at the same machine by the back button.
            response.headers.setdefault("Cache-Control", "no-store")
            response.vary = ("Cookie", *(response.vary or ()))
        return response

    return headers


def next_page(request: Request, *, but_not: str | None = None) -> str | None:
    """Where to go on: the `next` of the form, else of the address, when it is one of our own pages."""
    kept = request.kept_form
    for fields in (request.POST, dict(kept.fields) if kept else {}, request.GET):
        target = fields.get("next")
        if isinstance(target, str) and target:
            return safe_next(target, but_not=but_not)
    return None


def safe_next(target: str, *, but_not: str | None = None) -> str | None:
    """`target` when it is a path on this site, else None: no form redirects to somebody else's.

    `but_not` is a path that does not count, nor do the pages below it (those of a deleted post).
    """
    if len(target) > LONGEST_NEXT or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(not "!" <= character <= "~" or character == "\\" for character in target):
        return None  # nor can a header hold what is not ASCII
    path = target.partition("?")[0].partition("#")[0]
    if but_not is not None and (path == but_not or path.startswith(f"{but_not}/")):
        return None
    return target


def includeme(config: Any) -> None:
    config.declare_settings(DEVELOPMENT, SECRET, SECURE_COOKIES, PUBLIC_URL, MAX_BODY)
    settings = config.registry.microblog
    if not settings[SECRET] and settings.source(SECRET) == "default":
        settings.fault(f"{SECRET.key} is missing: set it, or {SECRET.variable}, to 32 random characters.")
    if settings[SECRET].startswith(DEVELOPMENT_SECRET) and not settings[DEVELOPMENT]:
        settings.fault(
            f"{SECRET.key} is the one of development.ini, which everybody knows: set one of your own."
        )
    if TOOLBAR in str(config.registry.settings.get("pyramid.includes", "")) and not settings[DEVELOPMENT]:
        settings.fault(
            f"{TOOLBAR} can run code for whoever reaches it: take it out of pyramid.includes, "
            f"or set {DEVELOPMENT.key} = true on a machine of your own."
        )
    config.registry.content_security_policy = {
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
    config.set_request_factory(Request)
    config.registry.security_policy = SecurityPolicy()
    config.set_security_policy(config.registry.security_policy)
    config.registry.checks_before_writing.append(hold_identity)
    config.add_request_method(csrf_token, reify=True)
    # From the outside in: headers, errors (errors.py), gate, sending (submissions/), the transaction.
    config.add_tween("microblog.security.gate_tween", over=["pyramid_tm.tm_tween_factory", EXCVIEW])
    config.add_tween("microblog.security.headers_tween", over="microblog.security.gate_tween")
