"""Private messages: the list of threads, a thread and its form, deleting, and who may write."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther

from microblog.accounts.resources import Account
from microblog.i18n import _
from microblog.messages import actions, queries
from microblog.messages.forms import SENDERS_CHOICES, MessageForm, SendersForm
from microblog.messages.resources import Messages, Thread, ThreadMessage
from microblog.messages.rules import CannotWrite, find_refusal
from microblog.messages.settings import MAX_LENGTH
from microblog.messages.texts import cut_line, find_mentioned
from microblog.messages.unread import COUNT
from microblog.paging import parse_id
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.web.forms import check_button
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, Page, read_page

THREADS = Keyset[queries.ThreadRow, int](lambda thread: thread.last_id, parse_id, goes_back=True)
MESSAGES = Keyset[queries.MessageRow, int](lambda message: message.id, parse_id, goes_back=True)


@page_view(context=Messages, renderer="templates/threads.jinja2")
def threads(messages: Messages, request: Request) -> Any:
    page = read_page(
        request,
        THREADS,
        lambda cursor, limit: queries.list_threads(request.dbsession, request.me.id, cursor, limit),
    )
    return {"page": page, "cut_line": cut_line, "page_name": "messages"}


@page_view(context=Thread, renderer="templates/thread.jinja2")
def thread(thread: Thread, request: Request) -> Any:
    shown = make_thread_page(thread, request, MessageForm(request))
    mark_read(thread, request, shown["page"])
    return shown


@page_view(context=Thread, methods=("POST",), permission="write", renderer="templates/thread.jinja2")
def write(thread: Thread, request: Request) -> Any:
    form = MessageForm(request)
    is_valid = form.validate()
    if find_refusal_for(thread, request) is not None:
        return make_thread_page(thread, request, form, status=403)
    if not is_valid or thread.person is None:
        return make_thread_page(thread, request, form, status=422)
    count_request(request, "messages")
    if thread.own is None:
        count_request(request, "threads")
    try:
        actions.write(request.begin_write(), request.me.id, thread.person.id, form.get_text("message"))
    except CannotWrite:  # since the check above
        request.give_up_write()
        return make_thread_page(thread, request, form, status=403)
    request.flash(_("Your message was sent."))
    return HTTPSeeOther(location=link_thread(thread, request))


def link_thread(thread: Thread, request: Request, *more: object) -> str:
    return request.link("messages", thread.__name__, *more)


def find_refusal_for(thread: Thread, request: Request) -> str | None:
    """Why the reader may not write here, as a sentence; None when they may."""
    if thread.person is None:
        return find_refusal(is_gone=True)
    return find_refusal(**queries.get_relation(request.dbsession, request.me.id, thread.person.id))


def make_thread_page(
    thread: Thread, request: Request, form: MessageForm, *, status: int = 200
) -> dict[str, Any]:
    """The messages, and the form, filled with what was typed; or why there is none."""
    request.response.status_int = status
    page = read_messages(thread, request)
    return {
        "person": thread.person,
        "name": thread.__name__,
        "has_messages": thread.own is not None,
        "form": form,
        "refusal": find_refusal_for(thread, request),
        "max_length": request.microblog[MAX_LENGTH],
        "page": page,
        "mentioned": find_mentioned(request.dbsession, [message.text for message in page.rows]),
        "page_name": "messages",
    }


def read_messages(thread: Thread, request: Request) -> Page[queries.MessageRow]:
    own = thread.own
    if own is None:
        return Page([], None, None)
    return read_page(
        request,
        MESSAGES,
        lambda cursor, limit: queries.list_messages(request.dbsession, own, cursor, limit),
    )


def mark_read(thread: Thread, request: Request, page: Page[queries.MessageRow]) -> None:
    """What this page shows will have been read; it may be lost (`microblog/background/deferred.py`)."""
    own, person = thread.own, thread.person
    if own is None or not page.rows or request.method != "GET":
        return
    newest = page.rows[0].id
    if not own.read_id < min(newest, own.received_id):
        return
    # Keys are sorted, and this one comes behind those that change rows of people: `queries.mark_read`.
    request.registry.deferred.put(
        f"~read {own.owner_id:020} {own.id} {newest}",
        lambda session: actions.mark_read(session, own, newest),
    )
    is_counted = person is None or not (person.i_mute or person.i_block or person.blocks_me)
    if is_counted and newest >= own.received_id:
        request.header_counts[COUNT] = max(request.header_counts[COUNT] - 1, 0)


@page_view(
    context=Thread,
    name="delete",
    methods=("GET", "POST"),
    permission="delete",
    renderer="templates/delete.jinja2",
)
def delete_thread(thread: Thread, request: Request) -> Any:
    """Delete a thread for oneself."""
    own = thread.own
    if own is None:
        raise HTTPNotFound
    if request.method != "POST":
        return make_delete_page(thread, None)
    check_button(request)
    actions.delete_thread(request.begin_write(), own.owner_id, own.id)
    request.flash(_("The thread was deleted."))
    return HTTPSeeOther(location=request.link("messages", ""))


@page_view(
    context=ThreadMessage,
    name="delete",
    methods=("GET", "POST"),
    permission="delete",
    renderer="templates/delete.jinja2",
)
def delete_message(page: ThreadMessage, request: Request) -> Any:
    """Delete a message for oneself."""
    thread, own, message = page.__parent__, page.__parent__.own, page.message
    assert own is not None  # noqa: S101  # a visitor has none, and is refused before
    assert message is not None  # noqa: S101  # as above
    if request.method != "POST":
        return make_delete_page(thread, message)
    check_button(request)
    was_last = actions.delete(request.begin_write(), own.owner_id, own.id, message.id)
    request.flash(_("The message was deleted."))
    return HTTPSeeOther(location=request.link("messages", "") if was_last else link_thread(thread, request))


def make_delete_page(thread: Thread, message: queries.MessageRow | None) -> dict[str, Any]:
    return {
        "person": thread.person,
        "name": thread.__name__,
        "message": message,
        "page_name": "messages",
    }


@page_view(
    context=Account,
    name="messages",
    methods=("GET", "POST"),
    permission="edit",
    repeatable=True,
    renderer="templates/senders.jinja2",
)
def senders(account: Account, request: Request) -> Any:
    """Who may write to oneself."""
    me = request.me.id
    form = SendersForm(request, data={"senders": queries.get_senders(request.dbsession, me)})
    if request.method == "POST":
        if form.validate():
            actions.choose_senders(request.begin_write(), me, form.get_text("senders"))
            request.flash(_("It has been saved who may write to you."))
            return HTTPSeeOther(location=request.link("account", "messages"))
        request.response.status_int = 422
    return {"form": form, "choices": SENDERS_CHOICES, "page_name": "messages"}
