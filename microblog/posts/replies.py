"""Answer a post: `/posts/{id}/replies`."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from pyramid.httpexceptions import HTTPForbidden, HTTPGone, HTTPSeeOther

from microblog.i18n import _
from microblog.media.actions import PictureGone
from microblog.posts import actions
from microblog.posts.forms import ReplyForm
from microblog.posts.holding import WAITS, find_hold
from microblog.posts.languages import choose_language, remember_language
from microblog.posts.pictures import FormPictures
from microblog.posts.publishing import choose_moment, describe_moment
from microblog.posts.queries import PostRow
from microblog.posts.resources import DeletedPost, PostPage
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.security.redirects import get_next_page
from microblog.submissions import kept
from microblog.web.pages import PAGE_SIZE, format_number, name_count, page_view

POST_DELETED = _("This post was deleted.")
DELETED_MEANWHILE = _(
    "The post that you answer was deleted meanwhile, so your reply was not sent. "
    "Copy it if you want to keep it."
)


@page_view(context=PostPage, name="replies", renderer="templates/reply.jinja2")
def replies(page: PostPage, request: Request) -> Any:
    """The form, after a reply that was sent and kept; without one, the page of the post."""
    form = request.kept_form
    if request.identity is None and (form is not None or kept.KEPT in request.GET):
        raise HTTPForbidden
    if form is None or not form.is_there:
        if form is not None:
            request.flash(form.notice, form.kind)
        return HTTPSeeOther(location=request.link("posts", page.post.id))
    return make_reply_page(request, ReplyForm(request, page.post.id), page.post.id, page.post)


@page_view(
    context=PostPage,
    name="replies",
    methods=("POST",),
    permission="write",
    renderer="templates/reply.jinja2",
)
def reply(page: PostPage, request: Request) -> Any:
    form = ReplyForm(request, page.post.id)
    pictures = FormPictures(request, form)
    if not pictures.accept():
        return make_reply_page(request, form, page.post.id, page.post, status=pictures.status)
    count_request(request, "posts")
    body = form.get_text("body")
    chosen = form.get_text("language")
    language = choose_language(request, chosen, body)
    held = find_hold(request, body)
    session = request.begin_write()
    try:
        reply_id = actions.write(
            session,
            request.me.id,
            body,
            language=language,
            reply_to=page.post.id,
            publish_at=held or choose_moment(request),
            pictures=pictures.make_shown(),
        )
    except PictureGone:
        request.give_up_write()
        pictures.refuse_gone()
        return make_reply_page(request, form, page.post.id, page.post, status=pictures.status)
    except actions.AnsweredPostDeleted:
        request.give_up_write()
        return refuse_reply(request, form, page.post.id)
    if chosen:
        remember_language(request, session, chosen)
    if held is not None:
        request.flash(WAITS, "info")
        return HTTPSeeOther(location=get_next_page(request) or request.link("posts", page.post.id))
    request.flash(describe_moment(request, _("Your reply is now live!")))
    return HTTPSeeOther(location=get_next_page(request) or link_reply(request, page.post, reply_id))


def link_reply(request: Request, post: PostRow, reply_id: int) -> str:
    """Where the new reply is seen: the first page of the replies, or one that begins with it."""
    is_on_the_first_page = post.replies_count < request.microblog[PAGE_SIZE]
    position = {} if is_on_the_first_page else {"after": reply_id - 1}
    return request.link("posts", post.id, **position)


@page_view(
    context=DeletedPost,
    name="replies",
    methods=("GET", "POST"),
    permission="write",
    renderer="templates/reply.jinja2",
)
def reply_to_a_deleted_post(page: DeletedPost, request: Request) -> Any:
    if request.method != "POST" and request.kept_form is None:
        raise HTTPGone(POST_DELETED)
    return refuse_reply(request, ReplyForm(request, page.post_id), page.post_id)


def refuse_reply(request: Request, form: ReplyForm, post_id: int) -> dict[str, Any]:
    form.form_errors.append(DELETED_MEANWHILE)
    return make_reply_page(request, form, post_id, None, status=409)


def make_reply_page(
    request: Request, form: ReplyForm, post_id: int, post: PostRow | None, *, status: int = 200
) -> dict[str, Any]:
    """The form with what was typed; without the post that it answers when that was deleted."""
    request.response.status_int = status
    return {"form": form, "post_id": post_id, "post": post, "next": get_next_page(request)}


def draw_reply_link(request: Request, post: PostRow) -> Markup:
    """HTML: a link to the form for a reply, with the number of replies beside it; for a visitor these alone.

    With script the form opens below the post.
    """
    address = f"{request.post_texts.posts}{post.id}"
    count = draw_count(request, post.replies_count, address) if post.replies_count else ""
    if request.identity is None:
        html = count
    else:
        text = request.language.catalogue.pgettext("button", "Reply")
        html = (
            f'<span class="reply" id="reply-{post.id}"><a class="post-action" id="answer-{post.id}" '
            f'data-reply href="{address}#reply-form-{post.id}" aria-describedby="post-{post.id}-when">'
            f"{text}</a>{count}</span>"
        )
    return Markup(html)  # noqa: S704  # catalogues are a part of the program


def draw_count(request: Request, number: int, address: str) -> str:
    """A link to the replies; beside the one to the form the number is enough for whoever sees both."""
    shown = format_number(number, str(request.locale))
    text = request.language.catalogue.ngettext("%(number)s reply", "%(number)s replies", number, number=shown)
    if request.identity is None:
        return f'<a class="post-action" href="{address}#replies">{text}</a>'
    name = name_count(shown, text)
    return f' <a class="react-count" href="{address}#replies" aria-label="{name}">{shown}</a>'


def includeme(config: Any) -> None:
    config.add_post_action(
        "reply",
        draw=draw_reply_link,
        order=10,
        shown=lambda request, post: request.identity is not None or post.replies_count > 0,
    )
