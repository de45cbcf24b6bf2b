"""Error pages: a sentence, the right status, and the text that the person typed.

A client of `/api` gets JSON instead. The pages of our own faults (5xx) need neither the database nor the
identity of the reader.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from pyramid.events import ApplicationCreated
from pyramid.exceptions import PredicateMismatch
from pyramid.httpexceptions import (
    HTTPClientError,
    HTTPException,
    HTTPForbidden,
    HTTPNotFound,
    HTTPSeeOther,
    HTTPServerError,
)
from pyramid.renderers import render_to_response
from pyramid.view import exception_view_config, forbidden_view_config, notfound_view_config
from pyramid_retry import IRetryableError, is_error_retryable
from sqlalchemy.exc import DBAPIError

from microblog.addresses import parse_mail_address
from microblog.call_sites import passes_on
from microblog.db import StaleData
from microblog.events import RequestFailed
from microblog.i18n import _
from microblog.outages import AWAY, DatabaseUnavailable, format_reason
from microblog.redaction import format_trace, mask_address
from microblog.request import Registry, Request
from microblog.security.csrf import BEARER, is_same_origin
from microblog.security.gate import GATE_TWEEN
from microblog.security.headers import HEADERS_TWEEN
from microblog.security.redirects import check_next
from microblog.security.settings import DEVELOPMENT
from microblog.tree import is_api
from microblog.web import last_resort
from microblog.web.hints import HINTS, WITH_LINKS
from microblog.web.last_resort import make_json, make_last_json, make_last_page
from microblog.web.settings import CONTACT

log = logging.getLogger(__name__)

TITLES = {
    400: _("That was not understood"),
    401: _("Who are you?"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("That cannot be done here"),
    409: _("Changed meanwhile"),
    410: _("No longer here"),
    411: _("How long is it?"),
    413: _("Too large"),
    414: _("Too long an address"),
    415: _("Not a form"),
    431: _("Too many headers"),
    429: _("Too many at once"),
    500: last_resort.TITLE,
    503: _("Busy"),
}
UNAVAILABLE = _("Not available at the moment")  # the title of a 503 of the database
SENTENCES = {
    400: _("The request was not understood. Go back and try again."),
    401: _("Send valid credentials in the header Authorization."),
    403: _("You may not do this."),
    404: _("There is nothing at this address."),
    405: _("This page cannot be opened in this way. Open it from one of our own pages."),
    409: _("Somebody changed this at the same time, and nothing was done. Look at it, and try again."),
    410: _("What was at this address is gone for good."),
    413: _("This is larger than what is accepted here."),
    429: _("These were too many requests in a short time. Wait a little, and try again."),
    500: last_resort.SENTENCE,
    503: _("Too many people are writing right now, and nothing was changed. Please try again."),
}
# When to try again, unless the error says it.
RETRY_SECONDS = {429: 60, 503: 5}
PASSED_ON = ("Allow", "Retry-After", "WWW-Authenticate")

LOG_IN_FIRST = _("Please log in first: that page is only for people who have an account.")


def make_error_page(
    request: Request,
    status: int,
    sentence: str | None = None,
    *,
    title: str | None = None,
    incident: str | None = None,
    headers: Mapping[str, str] = {},
    is_logged: bool = False,
) -> Any:
    """The page of an error, or its JSON.

    Also writes a line to the log, unless the error is an incident, or `is_logged` already.
    """
    if request.is_writing and "tm.active" in request.environ:
        request.give_up_write()  # an error commits nothing, and nobody waits for its page
    title = title or TITLES.get(status, TITLES[500 if status >= 500 else 400])
    sentence = sentence or SENTENCES.get(status, SENTENCES[500 if status >= 500 else 400])
    if incident is None and not is_logged:
        level = logging.ERROR if status >= 500 else logging.INFO
        log.log(level, "%d for %s %s: %s", status, request.method, mask_address(request.environ), sentence)
    forget_identity(request, status)
    if is_api(request):
        translate, tag = request.translate, request.language.tag
        response = make_json(status, translate(title), translate(sentence), incident, tag)
    else:
        response = make_html_page(request, status, title, sentence, incident)
    response.status_int = status
    if status in RETRY_SECONDS:
        response.headers["Retry-After"] = str(RETRY_SECONDS[status])
    response.headers.update({name: headers[name] for name in PASSED_ON if name in headers})
    return response


def forget_identity(request: Request, status: int) -> None:
    """Do without it where the fault is ours, or the database is away: only the frame of a page needs it."""
    if status >= 500:
        request.without_identity = True
    else:
        try:
            request.identity  # noqa: B018
        except DBAPIError:
            request.without_identity = True


def make_html_page(request: Request, status: int, title: str, sentence: str, incident: str | None) -> Any:
    is_ours = status >= 500
    actions = [(last_resort.TO_THE_FRONT_PAGE, request.link())]
    again = check_next(request.here)  # //elsewhere.example/ would be another site
    if (is_ours or status in RETRY_SECONDS) and request.method in ("GET", "HEAD") and again is not None:
        actions.insert(0, (_("Try again"), again))
    values = {
        "status": status,
        "title": title,
        "sentence": sentence,
        "hint": HINTS.get(status),
        "with_links": status in WITH_LINKS,
        "recovered": [] if is_ours and request.method != "POST" else list_typed_texts(request),
        "actions": actions,
        "incident": incident,
        "trace": get_trace(request) if incident else None,
        "now": datetime.now(UTC),
        "contact": request.microblog[CONTACT],
        "contact_link": make_contact_link(request.microblog[CONTACT], incident),
    }
    template = "alone" if is_ours else "error"
    return render_to_response(f"microblog.web:templates/errors/{template}.jinja2", values, request=request)


def get_trace(request: Request) -> str | None:
    """The trace of a fault, for developers alone."""
    error = request.exception
    return format_trace(error) if request.microblog[DEVELOPMENT] and error is not None else None


def make_contact_link(contact: str | None, incident: str | None) -> str | None:
    """Where the contact leads, when it is the address of a page or of a mailbox."""
    if contact is None or contact.startswith(("https://", "http://")):
        return contact
    try:
        return f"mailto:{quote(parse_mail_address(contact), '@')}?subject=Incident%20{incident}"
    except ValueError:
        return None


@exception_view_config(context=HTTPClientError)
def client_error(error: HTTPClientError, request: Request) -> Any:
    is_logged = getattr(error, "is_logged", False)
    sentence = get_sentence(error, request)
    return make_error_page(request, error.status_int, sentence, headers=error.headers, is_logged=is_logged)


def list_typed_texts(request: Request) -> list[tuple[str, str]]:
    """(label, text) of each field that the person has typed into a form of ours, to be shown again: into this
    one, or one that was kept for this page (`microblog/submissions`).
    """
    if request.method == "POST":
        typed = request.POST if is_same_origin(request) else {}
    else:
        typed = dict(request.kept_form.fields) if request.kept_form else {}
    return [
        (label, value)
        for name, label in request.registry.recovered_fields.items()
        if isinstance(value := typed.get(name), str) and value
    ]


@exception_view_config(context=HTTPServerError)
def server_error(error: HTTPServerError, request: Request) -> Any:
    return make_error_page(request, error.status_int, get_sentence(error, request), headers=error.headers)


@exception_view_config(context=DatabaseUnavailable)
def unavailable(error: DatabaseUnavailable, request: Request) -> Any:
    """The outage was logged when it began, and is not logged for each request."""
    return make_error_page(request, 503, error.outage.for_people, title=UNAVAILABLE, is_logged=True)


class RetryablePredicate:
    """`retryable=True`: the exception is marked as retryable."""

    def __init__(self, value: bool, info: Any) -> None:
        self.value = value

    def text(self) -> str:
        return f"retryable = {self.value}"

    phash = text

    def __call__(self, context: Any, request: Request) -> bool:
        return bool(IRetryableError.providedBy(context)) == self.value


@exception_view_config(context=DBAPIError, retryable=True)
def busy(error: DBAPIError, request: Request) -> Any:
    """The last attempt of a transaction that waited for others in vain."""
    if is_error_retryable(request, error):
        return make_last_page(request, 503)  # nobody sees this: there is another attempt
    if error.connection_invalidated:
        # The connection was lost in each attempt: the server is about to stop, or is just starting.
        request.registry.database.outages.report(AWAY, format_reason(error.orig or error))
        return unavailable(DatabaseUnavailable(AWAY, ""), request)
    return make_error_page(request, 503)


@exception_view_config(context=StaleData)
def stale(error: StaleData, request: Request) -> Any:
    """The last attempt of a request; during each of them somebody changed its data."""
    if is_error_retryable(request, error):
        return make_last_page(request, 503)  # nobody sees this: there is another attempt
    return make_error_page(request, 409)


@notfound_view_config()
def not_found(error: HTTPNotFound, request: Request) -> Any:
    methods = find_allowed_methods(request)
    if methods and request.method not in methods:
        return make_error_page(request, 405, headers={"Allow": ", ".join(sorted(methods))})
    return make_error_page(request, 404, get_sentence(error, request))


def get_sentence(error: HTTPException, request: Request) -> str | None:
    """The sentence for people that a view gave the error.

    None for errors of Pyramid itself: their details are a path, predicates, or an entry of an ACL.
    """
    is_denied_by_acl = getattr(error, "result", None) is not None
    is_static = request.matched_route is not None  # the only views with a route; their detail is an address
    is_of_traversal = isinstance(error, PredicateMismatch) or error.detail == request.path_info
    if is_denied_by_acl or is_static or is_of_traversal:
        return None
    return error.detail or None


@forbidden_view_config()
def forbidden(error: HTTPForbidden, request: Request) -> Any:
    """Ask a visitor to log in and return, and a program for credentials; else show the reason.

    The sentence of a view that raised the error (signing up is closed) is shown to everybody.
    """
    sentence = get_sentence(error, request)
    is_visitor = sentence is None and request.identity is None
    if is_visitor and is_api(request):
        return make_error_page(request, 401, headers=BEARER)
    if is_visitor:
        target = request.here if request.method in ("GET", "HEAD") else None
        if target is not None:
            request.flash(LOG_IN_FIRST, "info")
        request.asks_to_log_in = True
        return HTTPSeeOther(location=request.link("login", next=target))
    why = getattr(request.context, "why_forbidden", None)
    return make_error_page(request, 403, sentence or (why(request) if why else None))


def find_allowed_methods(request: Request) -> set[str]:
    """The methods that the views of this URL accept; empty when it has no view."""
    context = getattr(request, "context", None)
    if context is None or request.subpath:
        return set()
    methods: set[str] = set()
    for context_type, name, view_methods in list_view_methods(request):
        if name == request.view_name and isinstance(context, context_type):
            methods.update(view_methods)
    return methods


def list_view_methods(request: Request) -> list[tuple[type, str, tuple[str, ...]]]:
    """(context, name, methods) of the views of the API below /api, else of all pages."""
    return request.registry.api_methods if is_api(request) else request.registry.page_methods


def collect_methods(event: ApplicationCreated) -> None:
    """Once all views are known: collect the methods by context and name, for pages and for the API."""
    registry = event.app.registry
    registry.page_methods, registry.api_methods = [], []
    for item in registry.introspector.get_category("views") or ():
        view = item["introspectable"]
        if isinstance(view["context"], type) and not issubclass(view["context"], BaseException):
            known = view["request_methods"] or ("GET",)
            known = (known,) if isinstance(known, str) else tuple(known)
            methods = (view["context"], view["name"], (*known, "HEAD") if "GET" in known else known)
            if not view.get("api"):
                registry.page_methods.append(methods)
            if not view.get("page"):
                registry.api_methods.append(methods)


class ToolbarPredicate:
    """`in_toolbar=True`: the debug toolbar is around this request, and shows the trace of an error."""

    def __init__(self, value: bool, info: Any) -> None:
        self.value = value

    def text(self) -> str:
        return f"in_toolbar = {self.value}"

    phash = text

    def __call__(self, context: Any, request: Request) -> bool:
        return hasattr(request, "debug_toolbar") == self.value


def unexpected(error: Exception, request: Request) -> Any:
    """A fault of ours: the log and the admins get the trace, the person gets an incident number."""
    try:
        if not is_error_retryable(request, error):
            failed = RequestFailed(request, error)
            request.registry.notify(failed)
            return make_error_page(request, 500, incident=failed.incident)
    except Exception:
        log.exception("The error page failed, too.")
    # Either the error page failed, or there is another attempt and nobody sees this.
    return make_last_json(request) if is_api(request) else make_last_page(request, 500)


def errors_tween(handler: Callable[[Any], Any], registry: Registry) -> Callable[[Any], Any]:
    """Make error pages also for errors outside the exception views (in the gate, by a COMMIT)."""

    @passes_on
    def errors(request: Request) -> Any:
        try:
            return handler(request)
        except Exception as error:
            if is_error_retryable(request, error):
                raise  # pyramid_retry tries again
            return request.invoke_exception_view(reraise=True)

    return errors


ERRORS_TWEEN = f"{__name__}.{errors_tween.__name__}"


def add_recovered_fields(config: Any, **labels: str) -> None:
    """Directive: error pages show again what people typed into the fields of these names, each under its
    label. Not for passwords.
    """
    for name, label in labels.items():
        config.action(
            ("recovered field", name), config.registry.recovered_fields.__setitem__, args=(name, label)
        )


def includeme(config: Any) -> None:
    config.registry.recovered_fields = {}
    config.add_directive("add_recovered_fields", add_recovered_fields)
    config.add_tween(ERRORS_TWEEN, over=GATE_TWEEN, under=HEADERS_TWEEN)
    config.add_view_predicate("retryable", RetryablePredicate)
    config.add_view_predicate("in_toolbar", ToolbarPredicate)
    config.add_exception_view(unexpected, context=Exception, in_toolbar=False)
    config.add_subscriber(collect_methods, ApplicationCreated)
