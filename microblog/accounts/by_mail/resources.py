"""`/confirm/{token}`, and `/reset-password` with `/reset-password/{token}`. They load nothing."""

from __future__ import annotations

import re

from microblog.tree import Container, Resource

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class Link(Resource):
    """A link that was mailed, whether or not it is valid."""

    @property
    def token(self) -> str:
        return self.__name__


class ConfirmLink(Link):
    """Confirms an address, or a sign-up."""


class ResetLink(Link):
    """Lets its owner choose a new password."""


class Confirmations(Container):
    def find(self, name: str) -> ConfirmLink | None:
        return ConfirmLink(self, name) if TOKEN.fullmatch(name) else None


class ResetPassword(Resource):
    def __getitem__(self, name: str) -> Resource:
        if not TOKEN.fullmatch(name):
            raise KeyError(name)
        return ResetLink(self, name)
