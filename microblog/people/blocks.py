"""Block and mute people: `/users/{nickname}/block` and others, `/account/blocks`, `/account/mutes`."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.view import notfound_view_config

from microblog.accounts.resources import Account
from microblog.i18n import _
from microblog.people import actions, queries
from microblog.people.resources import BlockedPerson, Person
from microblog.people.views import FOLLOWS, change_following, get_full_name
from microblog.request import Request
from microblog.web import errors
from microblog.web.pages import page_view
from microblog.web.paging import read_page

YOU_HAVE_BLOCKED = _("You have blocked this person.")
HAS_BLOCKED_YOU = _("This person has blocked you.")


class relation_view(page_view):  # noqa: N801  # a decorator, like page_view
    """A page that asks, and whose form does it."""

    def __init__(self, name: str, context: type) -> None:
        super().__init__(
            context=context,
            name=name,
            methods=("GET", "POST"),
            permission="follow",
            repeatable=True,
            renderer="templates/relation.jinja2",
        )


@relation_view("block", BlockedPerson)
@relation_view("block", Person)
def block(page: Person | BlockedPerson, request: Request) -> Any:
    sentence = _("You have blocked %(name)s.", name=get_full_name(page.person))
    return change_following(page, request, actions.block, sentence)


@relation_view("unblock", BlockedPerson)
@relation_view("unblock", Person)
def unblock(page: Person | BlockedPerson, request: Request) -> Any:
    sentence = _("You no longer block %(name)s.", name=get_full_name(page.person))
    return change_following(page, request, actions.unblock, sentence)


@relation_view("mute", Person)
def mute(page: Person, request: Request) -> Any:
    sentence = _("You have muted %(name)s.", name=get_full_name(page.person))
    return change_following(page, request, actions.mute, sentence)


@relation_view("unmute", Person)
def unmute(page: Person, request: Request) -> Any:
    sentence = _("You no longer mute %(name)s.", name=get_full_name(page.person))
    return change_following(page, request, actions.unmute, sentence)


@page_view(context=BlockedPerson, renderer="templates/blocked.jinja2")
def blocked_person(page: BlockedPerson, request: Request) -> Any:
    request.response.status_int = 403
    return {"person": page.person}


@notfound_view_config(containment=BlockedPerson)
def hidden(error: HTTPNotFound, request: Request) -> Any:
    """What pages of other people show, and do, is nothing between these two."""
    if errors.find_allowed_methods(request):
        return errors.not_found(error, request)
    i_block = request.context.person.i_block
    return errors.make_error_page(request, 403, YOU_HAVE_BLOCKED if i_block else HAS_BLOCKED_YOU)


@page_view(context=Account, name="blocks", renderer="templates/blocks.jinja2")
def blocks(account: Account, request: Request) -> Any:
    return show_list(request, queries.list_blocked)


@page_view(context=Account, name="mutes", renderer="templates/mutes.jinja2")
def mutes(account: Account, request: Request) -> Any:
    return show_list(request, queries.list_muted)


def show_list(request: Request, query: Any) -> dict[str, Any]:
    me = request.me.id
    page = read_page(request, FOLLOWS, lambda cursor, limit: query(request.dbsession, me, cursor, limit))
    return {"page": page}
