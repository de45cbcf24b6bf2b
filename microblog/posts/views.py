"""Show, write and delete a post."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPForbidden, HTTPMovedPermanently, HTTPNotFound, HTTPSeeOther
from pyramid.view import forbidden_view_config, notfound_view_config

from microblog.i18n import _
from microblog.media.actions import PictureGone
from microblog.posts import actions
from microblog.posts.forms import LanguageForm, PostForm
from microblog.posts.holding import WAITS, find_hold
from microblog.posts.languages import (
    choose_language,
    list_all_codes,
    name_language,
    offer_languages,
    remember_language,
)
from microblog.posts.pictures import FormPictures
from microblog.posts.publishing import choose_moment, describe_moment
from microblog.posts.resources import DeletedPost, HiddenPost, PostPage, Posts
from microblog.posts.rules import UNDETERMINED
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.security.redirects import get_next_page
from microblog.submissions import kept
from microblog.tree import is_api
from microblog.web import errors
from microblog.web.forms import check_button
from microblog.web.pages import page_view

POST_NOT_FOUND = _("Post not found.")
POST_DELETED = _("This post was deleted.")
POST_HIDDEN = _("You cannot see this post: its author has blocked you, or you have blocked them.")
NOT_YOURS = _("You cannot delete this post.")


@page_view(context=Posts, renderer="templates/compose.jinja2")
def posts(posts: Posts, request: Request) -> Any:
    """The form, also after a post that was refused, or sent and kept; visitors are shown all posts."""
    form = request.kept_form
    if request.identity is None:
        if kept.KEPT not in request.GET and form is None:
            return HTTPMovedPermanently(location=request.link("explore"), cache_control="no-cache")
        raise HTTPForbidden()
    if form is not None and not form.is_there:
        request.flash(form.notice, form.kind)
        return HTTPSeeOther(location=request.link())
    return make_form_page(request, PostForm(request))


def make_form_page(request: Request, form: PostForm, *, status: int = 200) -> dict[str, Any]:
    """The form with what was typed, and its pictures."""
    request.response.status_int = status
    return {"form": form, "next": get_next_page(request)}


@page_view(context=Posts, methods=("POST",), permission="write", renderer="templates/compose.jinja2")
def write(posts: Posts, request: Request) -> Any:
    form = PostForm(request)
    pictures = FormPictures(request, form)
    if not pictures.accept():
        return make_form_page(request, form, status=pictures.status)
    count_request(request, "posts")
    body = form.get_text("body")
    chosen = form.get_text("language")
    language = choose_language(request, chosen, body)
    held = find_hold(request, body)
    session = request.begin_write()
    publish_at = held or choose_moment(request)
    try:
        actions.write(
            session,
            request.me.id,
            body,
            language=language,
            publish_at=publish_at,
            pictures=pictures.make_shown(),
        )
    except PictureGone:
        request.give_up_write()
        pictures.refuse_gone()
        return make_form_page(request, form, status=pictures.status)
    if chosen:
        remember_language(request, session, chosen)
    if held is None:
        request.flash(describe_moment(request, _("Your post is now live!")))
    else:
        request.flash(WAITS, "info")
    return HTTPSeeOther(location=get_next_page(request) or request.link())


@page_view(
    context=PostPage,
    name="delete",
    methods=("GET", "POST"),
    permission="delete",
    renderer="templates/delete.jinja2",
)
def delete(page: PostPage, request: Request) -> Any:
    if request.method != "POST":
        return {"post": page.post, "next": get_page_after_deletion(request)}
    check_button(request)
    actions.delete(request.begin_write(), page.post.id, request.me.id)
    request.flash(_("Your post has been deleted."))
    return HTTPSeeOther(location=get_page_after_deletion(request) or request.link())


@page_view(
    context=PostPage,
    name="language",
    methods=("GET", "POST"),
    permission="edit",
    renderer="templates/language.jinja2",
)
def language(page: PostPage, request: Request) -> Any:
    """Correct the language of a post."""
    post = page.post
    form = LanguageForm(request, data={"language": post.language})
    if request.method == "POST":
        if form.validate():
            language = choose_language(request, form.get_text("language"), post.body)
            actions.set_language(request.begin_write(), post.id, request.me.id, language)
            request.flash(request.translate(describe_language(request, language)))
            return HTTPSeeOther(location=get_next_page(request) or request.link("posts", post.id))
        request.response.status_int = 422
    own, others = offer_languages(request, list_all_codes(), post.language)
    return {"post": post, "form": form, "own": own, "others": others, "next": get_next_page(request)}


def describe_language(request: Request, language: str | None) -> str:
    if language is None:
        return _("The language of your post is not known.")
    if language == UNDETERMINED:
        return _("Your post is in none of the languages that we know.")
    return _("The language of your post is %(language)s.", language=name_language(request.locale, language))


def get_page_after_deletion(request: Request) -> str | None:
    """The `next` of the form or the address, unless it is a page of the post itself."""
    own_pages = request.path.rpartition("/delete")[0]  # /posts/12 of /posts/12/delete
    return get_next_page(request, but_not=own_pages)


def refuse_deletion(request: Request, sentence: str) -> Any:
    request.flash(sentence, "error")
    return HTTPSeeOther(location=get_page_after_deletion(request) or request.link())


@forbidden_view_config(containment=Posts)
def forbidden(error: HTTPForbidden, request: Request) -> Any:
    is_deletion = request.method == "POST" and request.view_name == "delete" and not is_api(request)
    if is_deletion and request.identity is not None:
        return refuse_deletion(request, NOT_YOURS)
    return errors.forbidden(error, request)


@notfound_view_config(containment=Posts)
def not_found(error: HTTPNotFound, request: Request) -> Any:
    """There is no such post: `request.context` is Posts, and the view name is the id. Or it was deleted, or
    its author and the reader do not see each other.
    """
    context = request.context
    if isinstance(context, HiddenPost):
        return errors.make_error_page(request, 403, POST_HIDDEN)
    if isinstance(context, DeletedPost):
        action: tuple[str, ...] = (request.view_name, *request.subpath)
        status, sentence = 410, POST_DELETED
    elif isinstance(context, Posts) and request.view_name:
        action = tuple(request.subpath)
        status, sentence = 404, POST_NOT_FOUND
    else:
        return errors.not_found(error, request)
    if request.method == "POST" and action == ("delete",) and not is_api(request):
        if request.identity is None:
            return errors.forbidden(HTTPForbidden(), request)
        return refuse_deletion(request, POST_NOT_FOUND)
    if errors.find_allowed_methods(request):
        return errors.not_found(error, request)
    return errors.make_error_page(request, status, sentence)
