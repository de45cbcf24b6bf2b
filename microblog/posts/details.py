"""What packages know about the posts of a page: each adds its own with `config.add_post_details`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import orm

from microblog.posts.queries import PostRow
from microblog.request import Request

Load = Callable[[orm.Session, int | None, Sequence[PostRow]], Mapping[int, Any]]


def add_post_details(config: Any, name: str, load: Load) -> None:
    """Directive: `load(session, reader_id, posts)` gives details of posts by their ids.

    It is called once for all posts of a page, so it reads them in one statement, or in none when there is
    nothing to read; `reader_id` is None for a visitor.
    """

    def register() -> None:
        config.registry.post_details = {**config.registry.post_details, name: load}

    config.action(("post details", name), register)


def prepare_posts(request: Request, posts: Sequence[PostRow]) -> str:
    """Load the details of those of these posts that have none yet. It returns nothing to print."""
    loaded = request.loaded_posts
    missing = [post for post in posts if post.id not in loaded]
    if missing:
        for name, load in request.registry.post_details.items():
            for post_id, details in load(request.dbsession, request.reader_id, missing).items():
                loaded.setdefault(post_id, {})[name] = details
        for post in missing:
            loaded.setdefault(post.id, {})
    return ""


def get_post_details(request: Request, name: str, post: PostRow) -> Any:
    """What a package knows about this post; None when that is nothing."""
    if post.id not in request.loaded_posts:
        prepare_posts(request, [post])
    return request.loaded_posts[post.id].get(name)


def includeme(config: Any) -> None:
    config.registry.post_details = {}
    config.add_directive("add_post_details", add_post_details)
    config.add_request_method(lambda request: {}, "loaded_posts", reify=True)
    config.add_template_global("prepare_posts", lambda request: partial(prepare_posts, request))
    config.add_template_global("post_details", lambda request: partial(get_post_details, request))
