"""The way of a form under the gate: was it answered before, and if it may not be sent, what is shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import apply_request_extensions
from pyramid.response import Response
from pyramid.threadlocal import RequestContext
from pyramid.tweens import EXCVIEW
from pyramid.view import exception_view_config
from pyramid_retry import is_error_retryable
from sqlalchemy.exc import DBAPIError

from microblog.redaction import mask_address
from microblog.request import Registry, Request
from microblog.security.csrf import BadToken, check_unsafe_request, posted_token
from microblog.security.gate import GATE_TWEEN
from microblog.submissions import kept
from microblog.submissions.kept import Kept, Sent
from microblog.submissions.results import replayed
from microblog.transactions import TRANSACTION_TWEEN, is_safe
from microblog.tree import is_api
from microblog.web.errors import allowed_methods, error_page

log = logging.getLogger(__name__)

Handler = Callable[[Any], Any]


def sending_tween(handler: Handler, registry: Registry) -> Handler:
    """Never loses what was typed: a form that is refused is shown again, or given to the log-in page."""

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
            return log_in_page(handler, request, kept.at_its_address(request, kept.sent_form(request)), 403)
        if is_refused(request, response):
            return replayed_after(request) or response
        return response

    return sending


def find_bad_token(request: Request) -> BadToken | None:
    """That its token is wrong is the first thing to say of a form, also where no view takes it."""
    if isinstance(request.exception, BadToken):
        return request.exception
    if request.method == "POST" and not request.has_met_view:
        try:
            check_unsafe_request(request)
        except BadToken as error:
            return error
    return None


def answer_bad_token(handler: Handler, request: Request, error: BadToken) -> Any:
    """What the same form was answered before; or its page, filled in; or the page of the error."""
    request.exception = request.exc_info = None
    return (
        replayed_after(request)
        or shown_again(handler, request)
        or error_page(request, error.status_int, error.detail)
    )


@exception_view_config(context=BadToken)
def bad_token(error: BadToken, request: Request) -> Any:
    """Nobody sees this: `sending_tween` answers, over the transaction."""
    return Response(status=error.status_int)


def is_refused(request: Request, response: Any) -> bool:
    """For good: not when there is another attempt."""
    error = getattr(request, "exception", None)
    if error is not None and is_error_retryable(request, error):
        return False
    return error is not None or response.status_int >= 400


def replayed_after(request: Request) -> Any:
    """The answer of a twin that was quicker, so that this one was refused."""
    answer = replayed(request)
    if answer is not None:
        request.exception = request.exc_info = None
    return answer


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a form, asked for internally: by which request, and what came. `sent` is the form under the
    one address of that page, and `takes_forms` whether it has any."""

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


def shown_again(handler: Handler, request: Request) -> Any:
    """The form whose token is wrong, filled in, with a new token; None when its page has no form.

    Where there is nothing left to do (who logs in is logged in already), on to where its page leads.
    """
    if request.method != "POST":
        return None
    sent, notice = kept.sent_form(request), kept.TOO_OLD
    carried = kept.carried_form(request)
    if carried is not None and request.identity is not None:
        # Logged in in another tab: what this log-in page carries is what is missing.
        if not carried.may_be_shown_to(request.identity.id):
            return log_in_as_another(handler, request, carried)
        sent, notice = carried, kept.LOGGED_IN_MEANWHILE
    page = as_get(handler, request, sent, Kept(sent.fields, notice))
    if page.asks_to_log_in:
        return log_in_page(handler, request, page.sent, 400)
    if page.has_failed or not page.takes_forms:
        return None
    if page.response.status_int == HTTPSeeOther.code:
        return page.response if posted_token(request) else None
    return answered(request, page, 400, notice)


LOG_IN = Sent("/login", "", ())


def log_in_page(handler: Handler, request: Request, sent: Sent, status: int) -> Any:
    """The log-in page that carries the form."""
    form = kept.log_in_form(request, sent)
    return answered(request, as_get(handler, request, LOG_IN, form), status, form.notice)


def log_in_as_another(handler: Handler, request: Request, carried: Sent) -> Any:
    """The log-in page for the person of the form that it carries, while another one is logged in."""
    form = Kept([(kept.CARRIED, kept.carried_value(request, carried))], kept.LOGGED_IN_AS_ANOTHER)
    page = as_get(handler, request, LOG_IN, form, as_visitor=True)
    return answered(request, page, 400, form.notice)


def answered(request: Request, page: Page, status: int, sentence: str) -> Any:
    log.info("%d for %s %s: %s", status, request.method, mask_address(request.environ), sentence)
    page.response.status_int = status
    page.request._process_response_callbacks(page.response)
    return page.response


def as_get(handler: Handler, request: Request, sent: Sent, form: Kept, *, as_visitor: bool = False) -> Page:
    """The page of the form, asked for by GET, which changes nothing.

    The callbacks of its response have not run yet: it may not be used.

    :raises DBAPIError: when the database failed; that is what there is to be told then.
    """
    shown = request.copy_get()
    shown.registry = request.registry
    shown.path_info, shown.query_string = kept.as_typed(sent.path), sent.query
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
            shown, response, kept.at_its_address(shown, sent), takes_forms="POST" in allowed_methods(shown)
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
