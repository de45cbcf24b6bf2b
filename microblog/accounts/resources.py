"""`/account/…`: pages about the person who is logged in. Loads nothing."""

from __future__ import annotations

from typing import Any, ClassVar

from pyramid.authorization import DENY_ALL, Allow, Authenticated

from microblog.tree import Container


class Account(Container):
    __acl__: ClassVar[list[Any]] = [(Allow, Authenticated, ("view", "edit")), DENY_ALL]
