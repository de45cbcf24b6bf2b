"""Edit a post: `/posts/{id}/edit`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup
from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther

from microblog.i18n import Message, _, n_
from microblog.posts import actions
from microblog.posts.forms import EditForm
from microblog.posts.holding import WAITS, find_hold
from microblog.posts.languages import choose_language, get_detector, remember_language
from microblog.posts.post_actions import draw_link
from microblog.posts.queries import PostRow, get_post
from microblog.posts.resources import PostPage
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.settings import Setting, boolean, whole_number
from microblog.web.pages import page_view

EDITING = Setting(
    "microblog.posts.editing", boolean, True, "Whether people may edit their posts; all versions are shown."
)
EDIT_MINUTES = Setting(
    "microblog.posts.edit_minutes",
    whole_number(0, 5_256_000),
    0,
    "Minutes for which a post may be edited after it was written. 0: always.",
)
SWITCHED_OFF = _("Posts cannot be edited on this site.")
EDITED_MEANWHILE = _(
    "This post was edited meanwhile, perhaps in another tab, so yours was not saved. "
    "You see both texts: put into yours what you want to keep, and save it again."
)
TOO_MANY = n_(
    "A post has at most %(count)s version, and this one has as many. Copy your text if you want to keep it.",
    "A post has at most %(count)s versions, and this one has as many. Copy your text if you want to keep it.",
    actions.MOST_VERSIONS,
)


def is_too_old(request: Request, post: PostRow) -> bool:
    minutes = request.microblog[EDIT_MINUTES]
    return minutes > 0 and datetime.now(UTC) - post.created > timedelta(minutes=minutes)


def may_edit(request: Request, post: PostRow) -> bool:
    """Is it the reader's own, and is there still time?"""
    me = request.identity
    if me is None or me.id != post.author_id or not request.microblog[EDITING]:
        return False
    return not is_too_old(request, post)


def find_refusal(request: Request, post: PostRow) -> Message | None:
    """Why its author cannot edit it."""
    if not request.microblog[EDITING]:
        return SWITCHED_OFF
    if is_too_old(request, post):
        return n_(
            "A post can be edited for %(count)s minute, and this one is older.",
            "A post can be edited for %(count)s minutes, and this one is older.",
            request.microblog[EDIT_MINUTES],
        )
    return None


@page_view(context=PostPage, name="edit", permission="edit", renderer="templates/edit.jinja2")
def edit(page: PostPage, request: Request) -> Any:
    """The form; also one that was sent and kept, as it was."""
    post, kept = page.post, request.kept_form
    refusal = find_refusal(request, post)
    if refusal is not None and not (kept and kept.fields):
        raise HTTPForbidden(refusal)
    if kept is not None and not kept.is_there:
        request.flash(kept.notice, kept.kind)
        return HTTPSeeOther(location=request.link("posts", post.id, "edit"))
    form = make_form(request, post, data=describe_text(request, post))
    if refusal is not None:
        return refuse(request, post, form, refusal, status=403)
    return make_page(post, form)


@page_view(
    context=PostPage, name="edit", methods=("POST",), permission="edit", renderer="templates/edit.jinja2"
)
def save(page: PostPage, request: Request) -> Any:
    post, form = page.post, make_form(request, page.post)
    refusal = find_refusal(request, post)
    if refusal is not None:
        return refuse(request, post, form, refusal, status=403)
    if not form.validate():
        request.response.status_int = 422
        return make_page(post, form)
    count_request(request, "posts")
    body, chosen = form.get_text("body"), form.get_text("language")
    language = choose_language(request, chosen, body)
    version = int(form.get_text("version"))
    held = find_hold(request, body)
    session = request.begin_write()
    try:
        actions.edit(session, post.id, request.me.id, body, language=language, version=version, held=held)
    except actions.EditedMeanwhile:
        request.give_up_write()
        return show_both(request, get_post(request.dbsession, post.id, request.reader_id) or post, form)
    except actions.TooManyVersions:
        request.give_up_write()
        return refuse(request, post, form, TOO_MANY, status=403)
    if chosen:
        remember_language(request, session, chosen)
    if held is not None:
        request.flash(WAITS, "info")
        return HTTPSeeOther(location=request.link("users", request.me.nickname))
    request.flash(_("Your post has been saved."))
    return HTTPSeeOther(location=request.link("posts", post.id))


def make_form(request: Request, post: PostRow, **more: Any) -> EditForm:
    form = EditForm(request, **more)
    form.has_pictures = bool(post.pictures.pictures)
    return form


def describe_text(request: Request, post: PostRow) -> dict[str, Any]:
    """The fields of the form. A detected language is detected again, and one that was chosen stays."""
    is_detected = get_detector(request.registry)(post.body) == post.language
    language = "" if is_detected else post.language
    return {"body": post.body, "language": language, "version": post.version}


def show_both(request: Request, post: PostRow, form: EditForm) -> dict[str, Any]:
    """What was typed, and the text that the post has now; sent again, it takes the place of that one."""
    form.version.data = str(post.version)
    form.form_errors.append(EDITED_MEANWHILE)
    request.response.status_int = 409
    return {**make_page(post, form), "present": post}


def refuse(
    request: Request, post: PostRow, form: EditForm, sentence: Message, *, status: int
) -> dict[str, Any]:
    """What was typed, so that it can be copied."""
    form.form_errors.append(sentence)
    request.response.status_int = status
    return make_page(post, form)


def make_page(post: PostRow, form: EditForm) -> dict[str, Any]:
    return {"post": post, "form": form, "present": None}


def draw_edit_link(request: Request, post: PostRow) -> Markup:
    return draw_link(request, post, "edit", request.language.catalogue.pgettext("button", "Edit"))


def includeme(config: Any) -> None:
    config.declare_settings(EDITING, EDIT_MINUTES)
    config.add_post_action("edit", draw=draw_edit_link, order=80, shown=may_edit)
