"""Somebody who signs up may have to wait for an admin although others need not: rooms say who."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microblog.request import Request

# `check(request, nickname, email)` says why they have to wait, for admins; None if they need not.
SignUpCheck = Callable[[Request, str, str], str | None]


def find_reason_to_wait(request: Request, nickname: str, email: str) -> str | None:
    """What the first room says because of which they have to wait; None when they need not."""
    found = (check(request, nickname, email) for check in request.registry.sign_up_checks)
    return next((reason for reason in found if reason is not None), None)


def add_sign_up_check(config: Any, check: SignUpCheck) -> None:
    """Directive: `check(request, nickname, email)` says why somebody has to wait for an admin, or None."""
    config.action(("sign-up check", check), lambda: config.registry.sign_up_checks.append(check))
