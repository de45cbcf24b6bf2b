"""Posts on a page, written without a template: a page has dozens of them, and a template takes three times as
long (docs/adr/0050-posts-are-drawn-by-a-function.md).
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from microblog.people.avatars import avatar
from microblog.people.names import draw_name
from microblog.posts.details import get_post_details
from microblog.posts.pictures import draw_pictures
from microblog.posts.post_actions import PostAction, list_post_actions
from microblog.posts.publishing import count_seconds_left
from microblog.posts.queries import PostRow
from microblog.posts.text import post_text
from microblog.request import Request
from microblog.tree import quote_segment


class PostTexts:
    """What all posts of a page have alike: their texts in its language, and the beginnings of addresses."""

    def __init__(self, request: Request) -> None:
        me = request.identity
        self.reader_id = None if me is None else me.id
        self.catalogue = request.language.catalogue
        self.root = request.link()
        self.posts = escape(request.link("posts", ""))
        self.people = escape(request.link("users", ""))
        self.delete = self.catalogue.gettext("Delete")
        self.here = request.here


def draw_opening(
    request: Request,
    post: PostRow,
    *,
    next: str | None = None,
    may_delete: bool = True,
    large: bool = False,
    level: int = 3,
    answers: bool = True,
) -> Markup:
    """HTML from the beginning of the article to the text of the post; the parameters are the macro's."""
    texts = request.post_texts
    address, identity = f"{texts.posts}{post.id}", f"post-{post.id}"
    is_own = may_delete and post.author_id == texts.reader_id
    size, loading, dialog = (" post-large", "", "") if large else ("", ' loading="lazy"', " data-dialog")
    parts = [
        f'<article class="post{size}" data-post-id="{post.id}" '
        f'aria-labelledby="{identity}-author">\n<header class="post-meta">\n'
        f'<h{level} class="post-author" id="{identity}-author">'
        f'<a href="{texts.people}{quote_segment(post.author)}">'
        f'<img class="avatar" src="{escape(avatar(request, post))}" alt="" width="48" height="48"{loading}>'
        f"{draw_name(post.author_display_name, post.author)}</a></h{level}>\n"
        f'<a class="post-when" id="{identity}-when" href="{address}">{request.times.when(post.created)}</a>\n'
    ]
    if post.edited_at is not None:
        edited = texts.catalogue.gettext("edited %(when)s", when=request.times.when(post.edited))
        parts.append(f'<a class="post-when" href="{address}/versions/">{edited}</a>\n')
    if is_own:
        query = escape(urlencode({"next": next or texts.here}))
        parts.append(
            f'<a class="post-delete" href="{address}/delete?{query}"{dialog} '
            f'aria-describedby="{identity}-when">{texts.delete}</a>\n'
        )
    parts.append("</header>\n")
    if post.booster is not None:
        name = draw_name(post.booster_display_name or "", post.booster)
        boosted = texts.catalogue.gettext("%(name)s boosted", name=name)
        person = quote_segment(post.booster)
        parts.append(f'<p class="post-booster"><a href="{texts.people}{person}">{boosted}</a></p>\n')
    if post.reply_to is not None and answers:
        if post.answered is None:
            answer = texts.catalogue.gettext("A reply")
        else:
            answer = texts.catalogue.gettext("Replying to <bdi>@%(name)s</bdi>", name=post.answered)
        parts.append(f'<p class="post-answers"><a href="{texts.posts}{post.reply_to}">{answer}</a></p>\n')
    return Markup("".join(parts))  # noqa: S704  # all of it is escaped, or made of safe HTML


def draw_body(request: Request, post: PostRow, highlighter: Any = None) -> Markup:
    """HTML: the text of the post, and its pictures. In a search `highlighter.in_language(tag)` escapes the
    text and marks words."""
    pictures = draw_pictures(request, post)
    if not post.body:
        return Markup(pictures)  # noqa: S704  # as above
    highlight = highlighter.in_language(post.language) if highlighter else None
    mentioned = get_post_details(request, "mentions", post) or ()
    body = post_text(post.body, request.post_texts.root, highlight, mentioned)
    language = escape(post.language or "")
    text = f'<div class="post-body" dir="auto" lang="{language}">{body}</div>\n'
    return Markup(f"{text}{pictures}")  # noqa: S704  # as above


def draw_actions(request: Request, post: PostRow, actions: list[PostAction]) -> str:
    drawn = "\n".join(action.draw(request, post) for action in actions if action.draw is not None)
    return f'<footer class="post-actions">\n{drawn}\n</footer>\n' if drawn else ""


def draw_post(request: Request, post: PostRow, *, answers: bool = True, highlighter: Any = None) -> Markup:
    """HTML: a post of a list; "" when some of it needs a template, so that the macro has to write it."""
    actions = list_post_actions(request, post)
    if any(action.draw is None for action in actions) or count_seconds_left(request, post):
        return Markup()
    return Markup(  # noqa: S704  # as above
        f"{draw_opening(request, post, answers=answers)}{draw_body(request, post, highlighter)}"
        f"{draw_actions(request, post, actions)}</article>"
    )


def includeme(config: Any) -> None:
    config.add_request_method(PostTexts, "post_texts", reify=True)
    config.add_template_global("draw_post", lambda request: partial(draw_post, request))
    config.add_template_global("draw_post_opening", lambda request: partial(draw_opening, request))
    config.add_template_global("draw_post_body", lambda request: partial(draw_body, request))
