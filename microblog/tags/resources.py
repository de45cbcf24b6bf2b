"""`/tags/` and `/tags/{tag}`."""

from __future__ import annotations

from typing import Any, ClassVar

from pyramid.authorization import Allow, Authenticated

from microblog.posts.tags import parse_tag
from microblog.tree import Container, Resource


class Tag(Resource):
    """A tag, by its normal form, whether or not a post has it."""

    __acl__: ClassVar[list[Any]] = [(Allow, Authenticated, "follow")]

    @property
    def tag(self) -> str:
        return self.__name__


class Tags(Container):
    """Every spelling of a tag leads to it."""

    def find(self, name: str) -> Tag | None:
        key = parse_tag(name)
        return None if key is None else Tag(self, key)
