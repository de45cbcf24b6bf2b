"""Answers forms that may not be sent: with the answer to an earlier copy, or the form filled in again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pyramid.httpexceptions import HTTPOk, HTTPSeeOther
from pyramid.request import apply_request_extensions
from pyramid.response import Response
from pyramid.threadlocal import RequestContext
from pyramid.tweens import EXCVIEW
from pyramid.view import exception_view_config
from pyramid_retry import is_error_retryable
from sqlalchemy.exc import DBAPIError
from webob.response import iter_close  # type: ignore[attr-defined]  # its types leave it out

from microblog.call_sites import passes_on
from microblog.redaction import mask_address
from microblog.request import Registry, Request
from microblog.security.csrf import BadToken, check_unsafe_request, get_posted_token
from microblog.security.gate import GATE_TWEEN
from microblog.security.limits.refusals import TooManyRequests
from microblog.submissions import kept
from microblog.submissions.kept import Kept, Sent
from microblog.submissions.results import replay
from microblog.transactions import TRANSACTION_TWEEN, is_safe
from microblog.tree import is_api
from microblog.web.errors import find_allowed_methods, make_error_page

log = logging.getLogger(__name__)

Handler = Callable[[Any], Any]


def sending_tween(handler: Handler, registry: Registry) -> Handler:
    """Keeps what was typed: a form that is refused is shown again, or carried by the log-in page."""

    @passes_on
    def sending(request: Request) -> Any:
        response = handler(request)
        if is_safe(request):
            return response
        if is_api(request):
            return response
        bad_token = find_bad_token(request)
        if bad_token is not None:
            return answer_bad_token(handler, request, bad_token)
        if request.method == "POST" and request.asks_to_log_in:
            return show_log_in_page(
                handler, request, kept.resolve_path(request, kept.read_sent_form(request)), 403
            )
        if is_refused(request, response):
            return replay_refused(request) or answer_too_many(handler, request, response)
        return response

    return sending


def find_bad_token(request: Request) -> BadToken | None:
    """A wrong token is the first thing to report about a form, also where no view accepts it."""
    if isinstance(request.exception, BadToken):
        return request.exception
    if request.method == "POST" and not request.has_met_view:
        try:
            check_unsafe_request(request)
        except BadToken as error:
            return error
    return None


def answer_bad_token(handler: Handler, request: Request, error: BadToken) -> Any:
    """The answer to an earlier copy of the form; or its page, filled in; or the error page."""
    request.exception = request.exc_info = None
    return (
        replay_refused(request)
        or show_again(handler, request)
        or make_error_page(request, error.status_int, error.detail)
    )


def answer_too_many(handler: Handler, request: Request, response: Any) -> Any:
    """A form that a limit refused is shown again, filled in; else the response that there is already."""
    error = request.exception
    if not isinstance(error, TooManyRequests) or request.method != "POST":
        return response
    sent = kept.read_sent_form(request)
    page = request_page(handler, request, sent, Kept(sent.fields, str(error.detail)))
    if page.has_failed or not page.takes_forms or page.response.status_int != HTTPOk.code:
        return response
    shown = answer(request, page, error.status_int, None)
    shown.headers["Retry-After"] = error.headers["Retry-After"]
    return shown


@exception_view_config(context=BadToken)
def bad_token(error: BadToken, request: Request) -> Any:
    """Never sent: `sending_tween`, which is over the transaction, replaces it."""
    return Response(status=error.status_int)


def is_refused(request: Request, response: Any) -> bool:
    """Is the form refused for good, without another attempt?"""
    error = getattr(request, "exception", None)
    if error is not None and is_error_retryable(request, error):
        return False
    return error is not None or response.status_int >= 400


def replay_refused(request: Request) -> Any:
    """The answer to a quicker copy, because of which this one was refused; None when there is none."""
    answer = replay(request)
    if answer is not None:
        request.exception = request.exc_info = None
    return answer


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a form, requested internally. `sent` is the form with the canonical path of that page, and
    `takes_forms` says whether the page accepts any."""

    request: Request
    response: Any
    sent: Sent
    takes_forms: bool

    @property
    def asks_to_log_in(self) -> bool:
        return self.request.asks_to_log_in

    @property
    def has_failed(self) -> bool:
        return getattr(self.request, "exception", None) is not None


def show_again(handler: Handler, request: Request) -> Any:
    """The form whose token is wrong, filled in and with a new token; None when its page has no form.

    Where there is nothing left to do (the person is logged in already), follow the redirect of its page.
    """
    if request.method != "POST":
        return None
    sent, notice = kept.read_sent_form(request), kept.TOO_OLD
    carried = kept.read_carried_form(request)
    if carried is not None and request.identity is not None:
        # Logged in in another tab: show the form that this log-in page carries.
        if not carried.may_be_shown_to(request.identity.id):
            return show_log_in_page_of_another(handler, request, carried)
        sent, notice = carried, kept.LOGGED_IN_MEANWHILE
    page = request_page(handler, request, sent, Kept(sent.fields, notice))
    if page.asks_to_log_in:
        return show_log_in_page(handler, request, page.sent, 400)
    if page.has_failed or not page.takes_forms:
        iter_close(page.response.app_iter)  # it may be an open file
        return None
    if page.response.status_int == HTTPSeeOther.code:
        return page.response if get_posted_token(request) else None
    return answer(request, page, 400, notice)


LOG_IN = Sent("/login", "", ())


def show_log_in_page(handler: Handler, request: Request, sent: Sent, status: int) -> Any:
    """The log-in page that carries the form."""
    form = kept.build_log_in_form(request, sent)
    return answer(request, request_page(handler, request, LOG_IN, form), status, form.notice)


def show_log_in_page_of_another(handler: Handler, request: Request, carried: Sent) -> Any:
    """The log-in page for the person of the form that it carries, while another one is logged in."""
    form = Kept([(kept.CARRIED, kept.sign_form(request, carried))], kept.LOGGED_IN_AS_ANOTHER)
    page = request_page(handler, request, LOG_IN, form, as_visitor=True)
    return answer(request, page, 400, form.notice)


def answer(request: Request, page: Page, status: int, sentence: str | None) -> Any:
    """The page, with this status; the log is told why, unless it was already."""
    if sentence is not None:
        log.info("%d for %s %s: %s", status, request.method, mask_address(request.environ), sentence)
    page.response.status_int = status
    page.request._process_response_callbacks(page.response)
    return page.response


def request_page(
    handler: Handler, request: Request, sent: Sent, form: Kept, *, as_visitor: bool = False
) -> Page:
    """Request the page of the form by GET, which changes nothing.

    The callbacks of its response have not run yet, since it may not be used.

    :raises DBAPIError: when the database failed, which is then the error to report.
    """
    shown = request.copy_get()
    shown.registry = request.registry
    shown.path_info, shown.query_string = unquote(sent.path), sent.query
    apply_request_extensions(shown)
    if as_visitor:
        shown.without_identity = True
    else:
        request.registry.security_policy.share_identity(request, shown)
        shown.csrf_token = request.csrf_token
    shown.kept_form, shown.shows_sent_form = form, True
    try:
        with RequestContext(shown):
            response = handler(shown)
        page = Page(
            shown, response, kept.resolve_path(shown, sent), takes_forms="POST" in find_allowed_methods(shown)
        )
    finally:
        shown._process_finished_callbacks()
        vars(shown).pop("context", None)
    error = getattr(shown, "exception", None)
    if isinstance(error, DBAPIError) or (error is not None and is_error_retryable(request, error)):
        raise error
    return page


def includeme(config: Any) -> None:
    sending = f"{__name__}.{sending_tween.__name__}"
    config.add_tween(sending, over=[TRANSACTION_TWEEN, EXCVIEW], under=GATE_TWEEN)
