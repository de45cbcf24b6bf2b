"""Posts that nobody sees until somebody has looked at them: rooms say which, by `config.add_post_check`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microblog.i18n import _
from microblog.posts.held import Held
from microblog.request import Request

# `check(request, body)` says why a post of the reader with this text is held, for moderators; None if not.
PostCheck = Callable[[Request, str], str | None]
WAITS = _("A moderator looks at your post first. Nobody sees it until then.")


def find_hold(request: Request, body: str) -> Held | None:
    """By the first room that holds the post; None when none does."""
    found = (check(request, body) for check in request.registry.post_checks)
    return next((Held(reason) for reason in found if reason is not None), None)


def add_post_check(config: Any, check: PostCheck) -> None:
    """Directive: `check(request, body)` says why a post is held, or returns None."""
    config.action(("post check", check), lambda: config.registry.post_checks.append(check))


def includeme(config: Any) -> None:
    config.registry.post_checks = []
    config.add_directive("add_post_check", add_post_check)
