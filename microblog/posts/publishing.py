"""Posts that are published some seconds after they were written, and that their author can take back until
then: `/posts/{id}/undo`.

Such a post has the id of its moment of publication (docs/adr/0047). Lists find it by themselves from then on;
what has to happen then is done by a subscriber of `PostPublished`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPSeeOther

from microblog.events import notify
from microblog.i18n import Message, _, n_
from microblog.ids import get_milliseconds, get_now
from microblog.media.shown import load
from microblog.outbox.queries import Leased, acknowledge
from microblog.posts import actions
from microblog.posts.events import PostPublished
from microblog.posts.languages import get_detector
from microblog.posts.queries import PostRow, TakenBack, list_published
from microblog.posts.resources import PostPage
from microblog.request import Registry, Request
from microblog.security.redirects import get_next_page
from microblog.settings import Setting, whole_number
from microblog.submissions.kept import UNDONE, Sent, keep
from microblog.web.forms import check_button
from microblog.web.pages import page_view

UNDO_SECONDS = Setting(
    "microblog.posts.undo_seconds",
    whole_number(0, 300),
    0,
    "Seconds for which authors can take back a post before others see it. 0: it is published at once.",
)
MOST_AT_ONCE = 100  # that the worker publishes in a transaction


def choose_moment(request: Request) -> int | None:
    """When a post that is written now is published, in milliseconds since 1970; None for now."""
    seconds = request.microblog[UNDO_SECONDS]
    return get_now() + seconds * 1000 if seconds else None


def describe_moment(request: Request, now: Message) -> Message:
    """What its author is told; `now` where it is published at once."""
    seconds = request.microblog[UNDO_SECONDS]
    if not seconds:
        return now
    return n_(
        "It will be published in %(count)s second. Until then you can take it back.",
        "It will be published in %(count)s seconds. Until then you can take it back.",
        seconds,
    )


def count_seconds_left(request: Request, post: PostRow) -> int:
    """In how many seconds a post of the reader will be published; 0 when it is, and for those of others."""
    me = request.identity
    if me is None or me.id != post.author_id or post.is_published:
        return 0
    return max(1, ceil((get_milliseconds(post.id) - get_now()) / 1000))


def publish(registry: Registry, entries: Sequence[Leased]) -> None:
    """Say that these posts are published. Their entries end in the same transaction, so it is said once."""
    with registry.database.write() as session:
        for post in list_published(session, [int(entry.key) for entry in entries]):
            notify(
                PostPublished(
                    session=session, post_id=post.id, author_id=post.user_id, reply_to=post.reply_to
                )
            )
        acknowledge(session, [entry.id for entry in entries])


@page_view(
    context=PostPage,
    name="undo",
    methods=("GET", "POST"),
    permission="delete",
    renderer="templates/undo.jinja2",
)
def undo(page: PostPage, request: Request) -> Any:
    """Take a post back, and find its text in the form in which it was written."""
    post = page.post
    if request.method != "POST":
        if post.is_published:
            return refuse(request, post)
        return {"post": post, "next": get_next_page(request)}
    check_button(request)
    session = request.begin_write()
    try:
        taken = actions.take_back(session, post.id, request.me.id)
    except actions.PublishedMeanwhile:
        request.give_up_write()
        return refuse(request, post)
    return HTTPSeeOther(location=keep(request, request.me.id, make_form(request, taken)))


def refuse(request: Request, post: PostRow) -> Any:
    request.flash(_("It is published by now, so it cannot be taken back. You can delete it."), "error")
    return HTTPSeeOther(location=request.link("posts", post.id))


def make_form(request: Request, taken: TakenBack) -> Sent:
    """The form as it was sent. A language that was detected is detected again."""
    path = "/posts/" if taken.reply_to is None else f"/posts/{taken.reply_to}/replies"
    is_detected = get_detector(request.registry)(taken.body) == taken.language
    language = "" if is_detected else taken.language or ""
    pictures = load(taken.pictures)
    fields = [("body", taken.body), ("language", language)]
    for picture in pictures.pictures:
        fields += [("picture", picture.name), ("alt", picture.alt)]
    if pictures.is_sensitive:
        fields.append(("sensitive", "y"))
    return Sent(path, urlencode(UNDONE), fields, request.me.id)


def includeme(config: Any) -> None:
    config.declare_settings(UNDO_SECONDS)
    config.add_outbox_kind(actions.PUBLISHING, publish, batch=MOST_AT_ONCE)
    config.add_template_global("seconds_left", lambda request: lambda post: count_seconds_left(request, post))
