"""A browser in which somebody has logged in before: a cookie says so, and tries in it have their own count.

So nobody else can keep them out, from wherever they try. The cookie holds a random token, and for each
account a key that only we can make of both; it is signed, and says nobody's name.
"""

from __future__ import annotations

import secrets
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from microblog.request import Request
from microblog.security.cookies import get_cookie_name, set_cookie
from microblog.security.limits.limit import make_key
from microblog.security.settings import SECRET

DEVICE_COOKIE = "device"
DEVICE_SECONDS = 400 * 86_400  # what browsers keep at most
MOST_ACCOUNTS = 5  # of one browser, the last ones


def serializer(request: Request) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(request.microblog[SECRET], salt="device")


def read_device(request: Request) -> tuple[str, list[str]]:
    """The token of this browser and the keys of its accounts; a forged or old cookie says nothing."""
    value = request.cookies.get(get_cookie_name(request, DEVICE_COOKIE), "")
    try:
        token, keys = serializer(request).loads(value, max_age=DEVICE_SECONDS)
    except (BadData, TypeError, ValueError):
        return secrets.token_urlsafe(32), []
    return token, keys


def make_device_key(request: Request, token: str, user_id: int) -> str:
    return make_key(request.registry, "device", token, user_id)


def find_device(request: Request, user_id: int) -> str | None:
    """The key of this browser for this account; None when they have not logged in here before."""
    token, keys = read_device(request)
    key = make_device_key(request, token, user_id)
    return key if key in keys else None


def remember_device(request: Request, response: Any, user_id: int) -> None:
    """Somebody has logged in with this account."""
    token, keys = read_device(request)
    key = make_device_key(request, token, user_id)
    keys = [*(other for other in keys if other != key), key][-MOST_ACCOUNTS:]
    set_cookie(request, response, DEVICE_COOKIE, serializer(request).dumps([token, keys]), DEVICE_SECONDS)
