"""`/posts/` and `/posts/{id}`."""

from __future__ import annotations

from typing import Any

from pyramid.authorization import Allow, Authenticated

from microblog.i18n import _
from microblog.paging import parse_id
from microblog.posts import queries
from microblog.request import Request
from microblog.tree import Container, Resource

WHY_FORBIDDEN = {
    "delete": _("You cannot delete this post."),
    "edit": _("You cannot edit this post."),
    "language": _("You cannot change this post."),
}


class PostPage(Resource):
    """One post."""

    def __init__(self, parent: Resource, post: queries.PostRow) -> None:
        super().__init__(parent, str(post.id))
        self.post = post

    @property
    def __acl__(self) -> list[Any]:
        return [(Allow, f"user:{self.post.author_id}", ("delete", "edit"))]

    def __getitem__(self, name: str) -> Resource:
        if name == "versions":
            return Versions(self, name)
        if name == "pictures" and self.post.pictures.pictures:
            return Pictures(self, name)
        raise KeyError(name)

    def why_forbidden(self, request: Request) -> str | None:
        return WHY_FORBIDDEN.get(request.view_name)


class Versions(Container):
    """The versions of a post."""

    def __init__(self, parent: PostPage, name: str) -> None:
        super().__init__(parent, name)
        self.post = parent.post


class Pictures(Container):
    """The pictures of a post, by their numbers from 1."""

    def __init__(self, parent: PostPage, name: str) -> None:
        super().__init__(parent, name)
        self.post = parent.post

    def find(self, name: str) -> PicturePage | None:
        number, pictures = parse_id(name), self.post.pictures.pictures
        if number is None or not 1 <= number <= len(pictures):
            return None
        return PicturePage(self, name, self.post, number)


class PicturePage(Resource):
    """One picture of a post."""

    def __init__(self, parent: Pictures, name: str, post: queries.PostRow, number: int) -> None:
        super().__init__(parent, name)
        self.post = post
        self.number = number
        self.count = len(post.pictures.pictures)
        self.picture = post.pictures.pictures[number - 1]


class DeletedPost(Resource):
    """A post that was deleted, of which nothing is left. The replies to it are still there."""

    def __init__(self, parent: Resource, post_id: int) -> None:
        super().__init__(parent, str(post_id))
        self.post_id = post_id


class HiddenPost(Resource):
    """A post of somebody whom the reader does not see, since one of them has blocked the other."""


class Posts(Container):
    def __init__(self, parent: Resource, name: str) -> None:
        super().__init__(parent, name)
        self.__acl__ = [(Allow, Authenticated, "write")]

    def find(self, name: str) -> PostPage | HiddenPost | DeletedPost | None:
        post_id = parse_id(name)
        if post_id is None:
            return None
        post = queries.get_post(self.request.dbsession, post_id, self.request.reader_id)
        if post is not None:
            return PostPage(self, post) if post.is_shown else HiddenPost(self, name)
        return DeletedPost(self, post_id) if queries.is_deleted(self.request.dbsession, post_id) else None
