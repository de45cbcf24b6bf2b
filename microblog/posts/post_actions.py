"""What can be done with a post, below its text: each package adds its own with `config.add_post_action`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from microblog.posts.queries import PostRow
from microblog.request import Request


def is_always(request: Request, post: PostRow) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class PostAction:
    """`draw(request, post)` gives its HTML. Or `template` (an asset specification) is a link or a form, and
    gets the post as `post`: for what few posts of a page have, since all of such a post is then written by a
    template, which takes three times as long.

    `shown(request, post)` decides for each post of a list, so it reads nothing from the database.
    """

    name: str
    template: str | None = None
    draw: Callable[[Request, PostRow], Markup] | None = None
    order: int
    shown: Callable[[Request, PostRow], bool] = is_always


def add_post_action(config: Any, name: str, *, order: int, **more: Any) -> None:
    """Directive: a link or a form below the text of posts, in ascending `order` (see `PostAction`)."""
    action = PostAction(name=name, order=order, **more)

    def register() -> None:
        actions = {**config.registry.post_actions, name: action}
        config.registry.post_actions = dict(sorted(actions.items(), key=lambda item: item[1].order))

    config.action(("post action", name), register)


def draw_link(request: Request, post: PostRow, verb: str, text: str, attributes: str = "") -> Markup:
    """HTML: a link to `/posts/{id}/{verb}`, which says to whoever only hears it of which post it is."""
    address = f"{request.post_texts.posts}{post.id}/{verb}"
    return Markup(  # noqa: S704  # the address is escaped, and attributes are no input
        f'<a class="post-action" href="{address}"{attributes} aria-describedby="post-{post.id}-when">'
        f"{escape(text)}</a>"
    )


def list_post_actions(request: Request, post: PostRow) -> list[PostAction]:
    """Those that the reader sees with this post, in order."""
    return [action for action in request.registry.post_actions.values() if action.shown(request, post)]


def includeme(config: Any) -> None:
    config.registry.post_actions = {}
    config.add_directive("add_post_action", add_post_action)
    config.add_template_global("post_actions", lambda request: lambda post: list_post_actions(request, post))
