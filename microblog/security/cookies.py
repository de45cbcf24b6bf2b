"""Cookies: their names, and how they are set."""

from __future__ import annotations

from typing import Any

from microblog.request import Request
from microblog.security.settings import SECURE_COOKIES

SESSION_COOKIE = "session"
VISITOR_COOKIE = "visitor"


def get_cookie_name(request: Request, name: str) -> str:
    """Over https the name begins with `__Host-`, so that no other host of the domain can set the cookie."""
    return f"__Host-{name}" if request.microblog[SECURE_COOKIES] else name


def set_cookie(request: Request, response: Any, name: str, value: str, max_age: int | None = None) -> None:
    response.set_cookie(
        get_cookie_name(request, name),
        value,
        max_age=max_age,
        path="/",
        secure=request.microblog[SECURE_COOKIES],
        httponly=True,
        samesite="Lax",
    )


def delete_cookie(request: Request, response: Any, name: str) -> None:
    # Not response.delete_cookie: it omits attributes that __Host- requires, so browsers ignore it.
    set_cookie(request, response, name, "", max_age=0)
