"""Tags: an overview, and following them."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPConflict, HTTPSeeOther

from microblog.i18n import _
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.security.redirects import get_next_page
from microblog.tags import actions, queries
from microblog.tags.resources import Tag, Tags
from microblog.web.forms import check_button
from microblog.web.pages import page_view

TOO_MANY = _(
    "You follow %(most)s tags, and more are not possible. Stop following one of them first.",
    most=actions.MOST_FOLLOWED,
)


@page_view(context=Tags, compressed=True, renderer="templates/tags.jinja2")
def tags(tags: Tags, request: Request) -> Any:
    """The tags of the week, and those that the reader follows."""
    me = request.reader_id
    return {
        "weekly": queries.list_tags_of_the_week(request.dbsession),
        "followed": [] if me is None else queries.list_followed(request.dbsession, me),
        "page_name": "explore",
    }


@page_view(
    context=Tag,
    name="follow",
    methods=("GET", "POST"),
    permission="follow",
    repeatable=True,
    renderer="templates/follow_tag.jinja2",
)
def follow(page: Tag, request: Request) -> Any:
    try:
        return change(page, request, actions.follow_tag, _("You follow #%(tag)s now.", tag=page.tag))
    except actions.FollowsTooManyTags:
        raise HTTPConflict(TOO_MANY) from None


@page_view(
    context=Tag,
    name="unfollow",
    methods=("GET", "POST"),
    permission="follow",
    repeatable=True,
    renderer="templates/follow_tag.jinja2",
)
def unfollow(page: Tag, request: Request) -> Any:
    return change(page, request, actions.unfollow_tag, _("You no longer follow #%(tag)s.", tag=page.tag))


def change(page: Tag, request: Request, act: Any, sentence: str) -> Any:
    """GET asks for confirmation; POST calls `act(session, me, tag)`, and flashes the sentence."""
    if request.method != "POST":
        return {"tag": page.tag, "action": request.view_name, "next": get_next_page(request)}
    check_button(request)
    count_request(request, "follows")
    act(request.begin_write(), request.me.id, page.tag)
    request.flash(sentence)
    return HTTPSeeOther(location=get_next_page(request) or request.link("tags", page.tag))
