"""CSRF: was a form sent from one of our pages? The browser's headers and the form's token show it."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPBadRequest, HTTPUnauthorized

from microblog.call_sites import passes_on
from microblog.i18n import _
from microblog.request import Request
from microblog.security.cookies import SESSION_COOKIE, VISITOR_COOKIE, get_cookie_name, set_cookie
from microblog.security.identity import hash_token
from microblog.security.settings import SECRET
from microblog.transactions import is_safe
from microblog.tree import is_api

# Browsers remember these credentials, and send them with every request, whichever site causes it.
SCHEMES_OF_BROWSERS = frozenset({"basic", "digest", "negotiate", "ntlm"})
BEARER = {"WWW-Authenticate": "Bearer"}  # how programs say who they are
BYTES_OF_A_TOKEN = 32
DEFAULT_PORTS = {"http": 80, "https": 443}


def csrf_token(request: Request) -> str:
    """The token for the forms of this page, bound to the session, or to a visitor's random cookie.

    For a person who is identified by a header, without a session, it is bound to the cookie.
    """
    return mask(make_token(request))


def make_token(request: Request) -> bytes:
    identity = request.identity
    if identity is not None and identity.session:
        return sign(request, f"session:{identity.session}")
    visitor = request.cookies.get(get_cookie_name(request, VISITOR_COOKIE))
    if not visitor:
        visitor = secrets.token_urlsafe(32)
        request.add_response_callback(
            lambda request, response: set_cookie(request, response, VISITOR_COOKIE, visitor)
        )
    return sign(request, f"visitor:{visitor}")


def sign(request: Request, text: str) -> bytes:
    key = request.microblog[SECRET].encode()
    return hmac.digest(key, f"csrf:{text}".encode("utf-8", "surrogateescape"), "sha256")


def mask(token: bytes) -> str:
    """Each page writes its token in other letters: the length of a compressed page says nothing of it."""
    pad = secrets.token_bytes(len(token))
    return (pad + xor(token, pad)).hex()


def unmask(text: str) -> bytes:
    """The token that was masked; empty when the text is none. The version before did not mask them."""
    try:
        masked = bytes.fromhex(text)
    except ValueError:
        return b""
    middle = len(masked) // 2
    return xor(masked[:middle], masked[middle:]) if len(masked) == 2 * BYTES_OF_A_TOKEN else masked


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


class BadCSRF(HTTPBadRequest):
    """The form was not sent from one of our pages, or the page is too old."""


class BadToken(BadCSRF):
    """The form was sent without the token of its page, or with an old one."""


class NoCredentials(HTTPUnauthorized):
    """A program wants to change something, and does not say who it is."""

    def __init__(self) -> None:
        super().__init__(
            _("Send credentials in the header Authorization: cookies are not read here."),
            headers=BEARER,
        )


def is_same_origin(request: Request) -> bool:
    """Do the headers that only browsers can set say that the form is ours?

    Browsers send `Sec-Fetch-Site` over https and on localhost, and `Origin` with each POST. A client that
    sends neither is no browser; then the token decides.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        scheme, host, port = split_origin(origin)
        our_scheme, our_host, our_port = split_origin(request.host_url)
    except ValueError:
        return False
    if (scheme, our_scheme) == ("https", "http"):
        # A proxy terminates TLS and does not say so: what looks like http is https outside.
        our_port = 443 if our_port == 80 else our_port
        our_scheme = "https"
    return (scheme, host, port) == (our_scheme, our_host, our_port)


def split_origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, as browsers compare them: `https://EX.org:443` is `https://ex.org`.

    :raises ValueError: when it is not the address of a site.
    """
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.path or "@" in parts.netloc:
        raise ValueError("not the address of a site")
    return parts.scheme, parts.hostname, DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port


def check_origin(request: Request) -> None:
    """:raises BadCSRF: when the request was sent from a page of another site. Reads no form."""
    if not is_same_origin(request):
        raise BadCSRF(_("This form was sent from another site, so nothing was done."))


def get_posted_token(request: Request) -> str:
    """The CSRF token that came with the form, or in a header; a file is none."""
    token = request.POST.get("csrf_token", "") or request.headers.get("X-CSRF-Token", "")
    return token if isinstance(token, str) else ""


def check_token(request: Request) -> None:
    """:raises BadToken: when the request was not sent from a form of ours."""
    if not hmac.compare_digest(unmask(get_posted_token(request)), unmask(request.csrf_token)):
        raise BadToken(
            _(
                "This form is too old, or your browser keeps no cookies, so nothing was done. "
                "Open the page again and send it once more."
            )
        )


def is_form_of_this_browser(request: Request) -> bool:
    """Was the form made for this browser, even if its session has ended since?"""
    session = request.cookies.get(get_cookie_name(request, SESSION_COOKIE))
    visitor = request.cookies.get(get_cookie_name(request, VISITOR_COOKIE))
    owners = [f"session:{hash_token(session)}"] if session else []
    owners += [f"visitor:{visitor}"] if visitor else []
    posted = unmask(get_posted_token(request))
    return any(hmac.compare_digest(posted, sign(request, owner)) for owner in owners)


def token_deriver(view: Callable[[Any, Any], Any], info: Any) -> Callable[[Any, Any], Any]:
    """Check the token of an unsafe request in every view, before its permission.

    A view with `csrf=False` is exempt: it needs no cookie, and may be called from anywhere.
    """
    if info.exception_only:
        return view
    is_protected = info.options.get("csrf", True)

    @passes_on
    def with_token(context: Any, request: Request) -> Any:
        request.has_met_view = True
        if is_protected:
            check_unsafe_request(request)
        return view(context, request)

    return with_token


token_deriver.options = ("csrf",)  # type: ignore[attr-defined]


def check_unsafe_request(request: Request) -> None:
    """Check the token, or below /api the header, of a request that is not safe.

    :raises BadToken: when it was not sent from a form of ours.
    :raises NoCredentials: when it has none.
    """
    if is_safe(request) or is_authorized_by_header(request):
        return
    if is_api(request):
        raise NoCredentials
    check_token(request)


def is_authorized_by_header(request: Request) -> bool:
    """Does it bring credentials that no browser adds by itself? Then no other site can have sent it."""
    scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
    return bool(scheme) and scheme not in SCHEMES_OF_BROWSERS
