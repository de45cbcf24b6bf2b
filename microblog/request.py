"""Our request: its head and form are parsed once, within limits, and reading them never fails later.

A request may come from anybody, and WebOb parses it with expressions that take quadratic time: 250 kB of
letters in a Cookie header take minutes. So whatever is too long is cut when the request is made, before
anything can parse it; `refusal` says what was wrong, and the gate answers with it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pyramid.httpexceptions import (
    HTTPBadRequest,
    HTTPClientError,
    HTTPForbidden,
    HTTPLengthRequired,
    HTTPRequestEntityTooLarge,
    HTTPRequestHeaderFieldsTooLarge,
    HTTPRequestURITooLong,
)
from pyramid.registry import Registry as PyramidRegistry
from pyramid.request import Request as PyramidRequest
from webob.multidict import MultiDict, NoVars

from microblog.formdata import MOST_FIELDS, MULTIPART, Upload, parse_form
from microblog.i18n import _
from microblog.settings import Setting, Settings, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from zoneinfo import ZoneInfo

    import click
    from babel import Locale
    from sqlalchemy import orm
    from webob.response import Response

    from microblog.about.library import Library
    from microblog.accounts.departures import Step
    from microblog.accounts.pages import AccountPage
    from microblog.background.deferred import DeferredWrites
    from microblog.background.tasks import Task
    from microblog.background.worker import Worker
    from microblog.checks import Folder, HealthCheck
    from microblog.db import Database
    from microblog.i18n import Language, Languages
    from microblog.mail.building import MailBuilder
    from microblog.mail.kinds import MailKinds
    from microblog.measuring import Metric
    from microblog.media.processes import Decoder
    from microblog.notifications.kinds import NoticeChannel, NotificationKind
    from microblog.observing import Observer
    from microblog.outbox.delivery import Outbox
    from microblog.people.person_actions import PersonAction
    from microblog.posts.backfilling import Fill
    from microblog.posts.details import Load
    from microblog.posts.drawing import PostTexts
    from microblog.posts.post_actions import PostAction
    from microblog.preferences.fields import Preference
    from microblog.reactions.buttons import ReactionTexts
    from microblog.security.identity import Identity
    from microblog.security.limits.limit import Limit
    from microblog.security.limits.process import ProcessCounts
    from microblog.security.policy import SecurityPolicy
    from microblog.submissions.kept import Kept
    from microblog.submissions.queries import LoggedIn
    from microblog.transactions import CheckBeforeWriting
    from microblog.translation.asking import Translations
    from microblog.tree import Branch
    from microblog.web.branding import Branding
    from microblog.web.colors import ColorScheme
    from microblog.web.navigation import NavItem
    from microblog.web.times import Times

MAX_BODY = Setting(
    "microblog.max_body",
    whole_number(1_000, 1_000_000_000),
    1_000_000,
    "Bytes that the body of a request may have; a larger one gets a 413. "
    "A form with files may have more, for pictures.",
)

LONGEST_METHOD = 20  # characters; every line of the log has it
LONGEST_ADDRESS = 16_384  # bytes of a path, and of a query
# Browsers escape these; in a redirect to the same query they would end its header.
NOT_IN_A_QUERY = re.compile(r"[\x00-\x1f\x7f]")
LONGEST_HEADER = 8_192  # bytes; the limit of most servers and proxies
LONGEST_HEADERS = 32_768  # bytes of all of them together
# Keys of the WSGI environment, which all attempts of the request share.
REFUSAL = "microblog.refusal"
FORM = "microblog.form"

Refusal = tuple[type[HTTPClientError], str]
NOT_UTF8: Refusal = (HTTPBadRequest, _("This address has characters that are not UTF-8."))


class Registry(PyramidRegistry):
    """Pyramid's registry, with the types of what our packages put into it."""

    settings: dict[str, Any]  # Pyramid's
    environ: Mapping[str, str] | None  # overrides the environment of the process
    microblog: Settings
    languages: Languages
    database: Database
    models: dict[str, ModuleType]
    branches: dict[str, Branch]
    reserved_nicknames: set[str]
    security_policy: SecurityPolicy
    limits: dict[str, Limit]
    process_counts: ProcessCounts
    content_security_policy: dict[str, str]
    worker: Worker
    health_checks: dict[str, HealthCheck]
    folders: dict[str, Folder]
    metrics: dict[str, Metric]
    commands: dict[str, tuple[int, click.Command | str]]
    worker_tasks: dict[str, tuple[int, Task]]
    deferred: DeferredWrites
    outbox: Outbox
    derived_kinds: set[str]
    mail_kinds: MailKinds
    mail_builder: MailBuilder
    observers: list[Observer]
    template_globals: dict[str, Callable[[Request], Any]]
    nav_items: dict[str, NavItem]
    notification_kinds: dict[str, NotificationKind]
    notice_channels: dict[str, NoticeChannel]
    post_actions: dict[str, PostAction]
    header_counts: dict[str, Any]
    account_pages: dict[str, AccountPage]
    person_actions: dict[str, PersonAction]
    sign_up_endings: dict[str, Callable[[Any, Request], Any]]
    log_in_checks: list[Callable[[Any, int], Any]]
    sign_up_checks: list[Callable[[Request, str, str], str | None]]
    post_checks: list[Callable[[Request, str], str | None]]
    departure_steps: dict[str, Step]
    post_details: dict[str, Load]
    backfills: dict[str, Fill]
    color_schemes: dict[str, ColorScheme]
    preferences: dict[str, Preference]
    languages_to_read: set[str]
    branding: Branding
    translations: Translations
    recovered_fields: dict[str, str]
    site_texts: Library
    paths_without_robots: set[tuple[str, ...]]
    page_methods: list[tuple[type, str, tuple[str, ...]]]
    api_methods: list[tuple[type, str, tuple[str, ...]]]
    checks_before_writing: dict[str, CheckBeforeWriting]
    bytes_for_files: int  # that a form with files may have besides `MAX_BODY`
    picture_decoder: Decoder


class Request(PyramidRequest):
    """A request whose head is cut to a length that is safe to parse, and whose form is parsed once.

    Bodies below /api are not forms: their size is limited here, but not the depth of their JSON.
    """

    registry: Registry
    microblog: Settings
    dbsession: orm.Session
    begin_write: Callable[[], orm.Session]
    end_reading: Callable[[], None]
    give_up_write: Callable[[], None]
    response: Response
    environ: dict[str, Any]
    method: str
    path: str
    path_info: str
    path_qs: str
    query_string: str
    script_name: str
    matched_route: Any
    view_name: str
    subpath: tuple[str, ...]
    context: Any
    exception: BaseException | None
    csrf_token: str
    here: str
    form_key: str
    form_fingerprint: str | None
    has_met_view: bool = False  # then its token was compared, if it needs one (`microblog.security.csrf`)
    is_done_once: bool = False  # its form is processed once, even if sent twice (`microblog.submissions`)
    logged_in: LoggedIn | None = None  # the log-in that it did (`microblog.submissions`)
    asks_to_log_in: bool = False  # its response is a redirect to the log-in page
    shows_sent_form: bool = False  # its page shows a form again that was sent (`microblog.submissions`)
    may_be_compressed: bool = False  # its page holds nothing that only its reader may know
    without_identity: bool = False  # its identity is not loaded
    is_unattended: bool = False  # a script of an open page sends it, so its reader is not seen by it
    new_messages: list[tuple[str, str]] | None = None  # (kind, text), for the next page (`web/flash.py`)
    flash: Callable[..., None]
    link: Callable[..., str]
    preferences: Mapping[str, str]  # how the reader wants to see the pages (`microblog/web/languages.py`)
    language: Language
    locale: Locale
    text_direction: str
    translate: Callable[[str], str]
    list_items: Callable[..., str]
    time_zone: ZoneInfo
    times: Times
    read_languages: tuple[str, ...]
    loaded_posts: dict[int, dict[str, Any]]  # `microblog/posts/details.py`
    header_counts: dict[str, int]
    post_texts: PostTexts
    reaction_texts: ReactionTexts
    kept_form: Kept | None
    kept_token: str | None
    tm: Any

    # The open session, and whether it is the write session (`microblog.transactions`).
    opened_session: orm.Session | None = None
    is_writing: bool = False
    outside_session: orm.Session | None = None  # the read session where there is no transaction

    # A body that cannot be read twice is copied for a second attempt; a longer one not in memory.
    request_body_tempfile_limit = 1_000_000

    def __init__(self, environ: dict[str, Any], **more: Any) -> None:
        super().__init__(environ, **more)
        if REFUSAL not in environ:
            too_long, not_utf8 = cut_head(environ), self._cut_what_is_not_utf8()
            environ[REFUSAL] = too_long or not_utf8

    def _cut_what_is_not_utf8(self) -> Refusal | None:
        """Code outside our gate that reads the address, such as the debug toolbar, would fail otherwise."""
        refusal: Refusal | None = None
        path = self.environ.get("PATH_INFO", "").encode("latin-1")
        try:
            path.decode()
        except UnicodeDecodeError:
            self.environ["PATH_INFO"] = path.decode("utf-8", "backslashreplace").encode().decode("latin-1")
            refusal = NOT_UTF8
        try:
            self.GET  # noqa: B018
        except UnicodeDecodeError:
            self.environ["QUERY_STRING"] = ""
            refusal = NOT_UTF8
        return refusal

    def make_body_seekable(self) -> None:
        """WebOb copies the body, of which waitress has made a file already: pictures are large."""
        if self.content_length is not None and is_seekable(self.body_file_raw):
            self.is_body_seekable = True
        super().make_body_seekable()

    @property
    def identity(self) -> Identity | None:
        """Who sends it; None for a visitor.

        A page asks for it hundreds of times, and Pyramid's own looks up a utility each time.
        """
        policy = getattr(self.registry, "security_policy", None)
        return None if policy is None else policy.identity(self)

    @property
    def reader_id(self) -> int | None:
        """The id of who reads the page; None for a visitor."""
        return None if self.identity is None else self.identity.id

    @property
    def refusal(self) -> HTTPClientError | None:
        """What is wrong with the head of the request; None when it is valid."""
        return make_exception(self.environ[REFUSAL])

    @property
    def cookies(self) -> Any:
        """Those that can be decoded; WebOb's own parser takes quadratic time."""
        header = self.environ.get("HTTP_COOKIE", "")
        if self.environ.get("webob._parsed_cookies", (None, None))[1] != header:
            self.environ["webob._parsed_cookies"] = (parse_cookies(header), header)
        return super().cookies

    @property
    def POST(self) -> Any:  # noqa: N802  # WebOb's name
        """The fields of the form; empty when it was refused (see `check_form`)."""
        return self._read_form()[0]

    @property
    def has_read_form(self) -> bool:
        return FORM in self.environ

    def check_body(self) -> None:
        """Check the length of the body, without reading it.

        :raises HTTPClientError: when it is too large, or unknown.
        """
        if is_too_large(self):
            raise HTTPRequestEntityTooLarge(
                _(
                    "This is larger than the %(most)s bytes that are accepted here.",
                    most=get_most_bytes(self),
                )
            )
        if "Transfer-Encoding" in self.headers:  # waitress sets Content-Length, other servers do not
            raise HTTPLengthRequired(_("This does not say how long it is (Content-Length)."))

    def check_form(self) -> None:
        """Parse the form.

        :raises HTTPClientError: when the body is no form, or one that cannot be parsed.
        """
        problem = make_exception(self._read_form()[1])
        if problem is not None:
            raise problem

    def _read_form(self) -> tuple[Any, Refusal | None]:
        body = self.body_file_raw
        known, fields, refusal = self.environ.get(FORM, (None, None, None))
        if known is body:
            return fields, refusal
        try:
            fields, refusal = self._parse_form(), None
        except HTTPClientError as error:
            refusal = (type(error), error.detail)
            fields = NoVars("The form was refused.")
        # Parsing may have replaced the body by a copy.
        self.environ[FORM] = (self.body_file_raw, fields, refusal)
        return fields, refusal

    def _parse_form(self) -> Any:
        if self.method != "POST" or is_below_api(self.environ):
            return NoVars("Only a POST to a page brings a form.")
        self.check_body()
        if (self.content_length or 0) <= 0:
            return MultiDict()
        self.make_body_seekable()
        fields = parse_form(self.environ.get("CONTENT_TYPE", ""), self.body_file_raw, self.content_length)
        self.body_file_raw.seek(0)
        uploads = [value for _, value in fields if isinstance(value, Upload)]
        if uploads:
            self.add_finished_callback(lambda request: request.close_uploads(uploads))
        return MultiDict(fields)

    @property
    def me(self) -> Identity:
        """The person who is logged in; for views whose permission requires one."""
        if self.identity is None:
            raise HTTPForbidden()
        return self.identity

    def close_uploads(self, uploads: list[Upload]) -> None:
        """Called at the end of this attempt; the next one parses the form again."""
        for upload in uploads:
            upload.file.close()
        self.environ.pop(FORM, None)


def make_exception(refusal: Refusal | None) -> HTTPClientError | None:
    """A new exception for each raise: one that was raised holds on to its frames."""
    return None if refusal is None else refusal[0](refusal[1])


def cut_head(environ: dict[str, Any]) -> Refusal | None:
    """Cut what is too long to be parsed, and return what was wrong."""
    refusal: Refusal | None = None
    if len(environ["REQUEST_METHOD"]) > LONGEST_METHOD:
        environ["REQUEST_METHOD"] = environ["REQUEST_METHOD"][:LONGEST_METHOD]
        refusal = (HTTPBadRequest, _("There is no such method."))
    for name in ("PATH_INFO", "QUERY_STRING"):
        if len(environ.get(name, "")) > LONGEST_ADDRESS:
            environ[name] = environ[name][:LONGEST_ADDRESS]
            refusal = (HTTPRequestURITooLong, _("This address is too long."))
    if environ.get("QUERY_STRING", "").count("&") >= MOST_FIELDS:
        environ["QUERY_STRING"] = ""
        refusal = (HTTPBadRequest, _("This address has more than %(most)s fields.", most=MOST_FIELDS))
    if NOT_IN_A_QUERY.search(environ.get("QUERY_STRING", "")):
        environ["QUERY_STRING"] = ""
        refusal = (HTTPBadRequest, _("This address has a character that must be escaped."))
    lengths = {
        name: len(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
    if sum(lengths.values()) > LONGEST_HEADERS or max(lengths.values(), default=0) > LONGEST_HEADER:
        for name in lengths.keys() - {"HTTP_HOST"}:
            del environ[name]
        environ["HTTP_HOST"] = environ.get("HTTP_HOST", "")[:LONGEST_HEADER]
        refusal = (
            HTTPRequestHeaderFieldsTooLarge,
            _(
                "The headers of this request are larger than what is accepted here. "
                "Often it helps to delete the cookies of this site."
            ),
        )
    return refusal


def parse_cookies(header: str) -> dict[str, str]:
    """The cookies by name. One that is not UTF-8 is ignored."""
    cookies = {}
    for pair in header.split(";"):
        name, has_value, value = pair.partition("=")
        if has_value:
            with suppress(UnicodeError):
                cookies[decode_cookie_text(name)] = decode_cookie_text(value)
    return cookies


def decode_cookie_text(text: str) -> str:
    """Decode WSGI's latin-1, and strip spaces and quotes."""
    text = text.strip(" \t")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return text.encode("latin-1").decode()


def is_below_api(environ: dict[str, Any]) -> bool:
    """Reads the raw path, which may not be decodable. For traversal, too, `//api/` is `/api/`."""
    first, _, _ = environ.get("PATH_INFO", "").lstrip("/").partition("/")
    return bool(first == "api")


def is_seekable(file: Any) -> bool:
    return bool(file.seekable()) if hasattr(file, "seekable") else hasattr(file, "seek")


def get_most_bytes(request: Request) -> int:
    """That its body may have."""
    kind = request.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    has_files = kind == MULTIPART
    return request.registry.microblog[MAX_BODY] + (request.registry.bytes_for_files if has_files else 0)


def is_too_large(request: Request) -> bool:
    return (request.content_length or 0) > get_most_bytes(request)


def retry_if_kept(request: Request) -> int | None:
    """One attempt for a request that will be refused: `pyramid_retry` would first copy its whole body."""
    return 1 if "Transfer-Encoding" in request.headers or is_too_large(request) else None
