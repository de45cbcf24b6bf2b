"""`/guestbook/`, and `/admin/guestbook/`."""

from __future__ import annotations

from typing import Any, ClassVar

from pyramid.authorization import Allow, Authenticated

from microblog.tree import Container


class Guestbook(Container):
    __acl__: ClassVar[list[Any]] = [(Allow, Authenticated, "sign")]


class GuestbookAdmin(Container):
    """Only admins get here, which `/admin/` says."""
