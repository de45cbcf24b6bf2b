"""What a person sees when something fails: a sentence, the right status, and nothing typed is lost."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

from pyramid.config import PHASE3_CONFIG
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

from microblog.security import DEVELOPMENT, is_readable, is_same_origin, is_too_large

log = logging.getLogger(__name__)

TITLES = {
    400: "That was not understood",
    403: "Not allowed",
    404: "Not found",
    405: "That cannot be done here",
    413: "Too large",
    500: "Something went wrong",
    503: "Busy",
}
SENTENCES = {
    400: "The request was not understood. Go back and try again.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
    405: "This page cannot be asked for in this way. Open it from one of our own pages.",
    413: "This is larger than what is accepted here.",
    500: "This is our fault, and nothing was changed. Please try again later.",
    503: "Too many people write at this moment, and nothing was changed. Please try again.",
}
# What a person typed, by the names of our forms' fields; never a password.
RECOVERED_FIELDS = {
    "body": "Your post",
    "about_me": "About me",
    "nickname": "Nickname",
    "email": "E-mail",
    "q": "Search",
}


def error_page(request: Any, status: int, sentence: str | None = None, **more: Any) -> Any:
    """A page of its own for an error; also one line in the log."""
    sentence = sentence or SENTENCES.get(status, SENTENCES[500 if status >= 500 else 400])
    log.log(
        logging.ERROR if status >= 500 else logging.INFO,
        "%d for %s %r: %s",
        status,
        request.method,
        request.here,
        sentence,
    )
    if not getattr(request, "without_identity", False):
        try:
            request.identity  # noqa: B018
        except DBAPIError:  # the page needs no database, only its header would like to know who reads it
            request.without_identity = True
    values = {
        "status": status,
        "title": TITLES.get(status, TITLES[500 if status >= 500 else 400]),
        "sentence": sentence,
        "recovered": typed(request),
        "actions": [("Go to the front page", request.link())],
        "page_name": "",
        **more,
    }
    response = render_to_response("microblog:templates/errors/error.jinja2", values, request=request)
    response.status_int = status
    return response


@exception_view_config(context=HTTPClientError)
def client_error(error: HTTPClientError, request: Any) -> Any:
    return error_page(request, error.status_int, error.detail)


def typed(request: Any) -> list[tuple[str, str]]:
    """(label, text) of what a person has typed into the form of a page of ours; it is given back."""
    if request.method != "POST" or is_too_large(request):
        return []
    if not is_same_origin(request) or not is_readable(request):
        return []
    return [
        (label, value)
        for name, label in RECOVERED_FIELDS.items()
        if isinstance(value := request.POST.get(name), str) and value
    ]


@exception_view_config(context=HTTPServerError)
def server_error(error: HTTPServerError, request: Any) -> Any:
    request.without_identity = True
    return error_page(request, error.status_int, error.detail)


class RetryablePredicate:
    """`retryable=True`: the exception is marked for another attempt, and there is none left."""

    def __init__(self, value: bool, info: Any) -> None:
        self.value = value

    def text(self) -> str:
        return f"retryable = {self.value}"

    phash = text

    def __call__(self, context: Any, request: Any) -> bool:
        return bool(IRetryableError.providedBy(context)) == self.value


@exception_view_config(context=DBAPIError, retryable=True)
def busy(error: DBAPIError, request: Any) -> Any:
    """The last attempt of a transaction that others held up."""
    request.without_identity = True
    response = error_page(request, 503)
    response.headers["Retry-After"] = "5"
    return response


@notfound_view_config()
def not_found(error: HTTPNotFound, request: Any) -> Any:
    methods = allowed_methods(request)
    if methods and request.method not in methods:
        response = error_page(request, 405)
        response.headers["Allow"] = ", ".join(sorted(methods))
        return response
    return error_page(request, 404, sentence_of(error))


def sentence_of(error: HTTPException) -> str | None:
    """The sentence with which our own code raised it; Pyramid's own detail is a path."""
    detail = error.detail
    return detail if detail and detail.endswith(".") and " " in detail else None


@forbidden_view_config()
def forbidden(error: HTTPForbidden, request: Any) -> Any:
    """A visitor is asked to log in, and comes back; who is logged in already is told why not.

    A view that raised it with a sentence of its own (signing up is closed) says it to everybody.
    """
    sentence = sentence_of(error)
    if request.identity is None and sentence is None:
        target = request.here if request.method in ("GET", "HEAD") else None
        return HTTPSeeOther(location=request.link("login", next=target))
    why = getattr(request.context, "why_forbidden", None)
    return error_page(request, 403, sentence or (why(request) if why else None))


def allowed_methods(request: Any) -> set[str]:
    """The methods of the views that this URL has, from the introspector; empty when it has none."""
    context = getattr(request, "context", None)
    if context is None or request.subpath:
        return set()
    methods: set[str] = set()
    for context_type, name, view_methods in request.registry.page_methods:
        if name == request.view_name and isinstance(context, context_type):
            methods.update(view_methods)
    return methods


def remember_page_methods(config: Any) -> None:
    """Once all views are known: which context and name understand which methods."""
    methods = []
    for item in config.introspector.get_category("views") or ():
        view = item["introspectable"]
        if isinstance(view["context"], type) and not issubclass(view["context"], BaseException):
            known = view["request_methods"] or ("GET",)
            known = (known,) if isinstance(known, str) else tuple(known)
            methods.append((view["context"], view["name"], (*known, "HEAD") if "GET" in known else known))
    config.registry.page_methods = methods


def unexpected(error: Exception, request: Any) -> Any:
    """A fault of ours: the trace goes to the log, the person gets an incident's number."""
    incident = secrets.token_hex(4)
    log.error("Incident %s: %s %r", incident, request.method, request.here, exc_info=error, stack_info=False)
    request.without_identity = True
    return error_page(
        request,
        500,
        f"{SENTENCES[500]} If it stays, tell us: incident {incident}.",
    )


def errors_tween(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Errors that are raised over the exception views (in the gate, by a COMMIT) get a page too."""

    def errors(request: Any) -> Any:
        try:
            return handler(request)
        except Exception as error:
            if is_error_retryable(request, error):
                raise  # pyramid_retry tries again
            return request.invoke_exception_view(reraise=True)

    return errors


def includeme(config: Any) -> None:
    config.add_tween(
        "microblog.errors.errors_tween",
        over="microblog.security.gate_tween",
        under="microblog.security.headers_tween",
    )
    config.add_view_predicate("retryable", RetryablePredicate)
    if not config.registry.microblog[DEVELOPMENT]:
        # In development the debug toolbar shows the trace instead.
        config.add_exception_view(unexpected, context=Exception)
    config.action(None, remember_page_methods, args=(config,), order=PHASE3_CONFIG + 100)
